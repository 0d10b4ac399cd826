"""Reads a feed and decides whether it is accepted. Pure except for the check of its signature.

A feed is accepted if it is signed with the build's key, is about this product, has not expired and
is not older than the baseline. So nobody can replay an old feed as news, and a feed that somebody
replays forever stops counting when it expires (ADR 0077).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from rejoin.errors import RejoinError
from rejoin.runtime.updates.minisign import PublicKey, verify

PRODUCT: Final = "rejoin"
MAX_FEED_BYTES: Final = 64 * 1024
MAX_SIGNATURE_BYTES: Final = 4096
_MAX_URL: Final = 500
_MAX_ARTEFACTS: Final = 64
_VERSION: Final = re.compile(r"(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})")
_EXPIRES: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_URL: Final = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
"""RFC 3986, 2."""
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}")

Version = tuple[int, int, int]


class FeedRefusedError(RejoinError):
    """A feed is refused; the sentence says why."""

    code = "feed_refused"


@dataclass(frozen=True, slots=True)
class Newer:
    """A version that is newer than this one. `notes`: the page that says what is new, by https.
    `expires_at`: Unix time, after which it is no longer shown."""

    version: str
    notes: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class Feed:
    """An accepted feed. `hashes`: the SHA-256 of each artefact by its name, for people who download
    one; Rejoin does not use them."""

    newest: Newer
    hashes: tuple[tuple[str, str], ...]


def read_version(text: str) -> Version:
    """Raises ValueError for anything but three numbers."""
    found = _VERSION.fullmatch(text)
    if found is None:
        raise ValueError("not a version")
    return int(found[1]), int(found[2]), int(found[3])


def is_notes_url(url: str) -> bool:
    """Whether a browser may open this: https, a host, and no unusual parts."""
    if len(url) > _MAX_URL or _URL.fullmatch(url) is None:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc


def judge(content: bytes, signature: bytes, key: PublicKey, *, baseline: str, now: float) -> Feed:
    """The feed, if it counts at this Unix time. Raises FeedRefusedError and SignatureError."""
    if len(content) > MAX_FEED_BYTES or len(signature) > MAX_SIGNATURE_BYTES:
        raise FeedRefusedError("The feed of newer versions is too large.")
    verify(key, content, signature.decode("utf-8", "replace"))
    try:
        feed = _read(json.loads(content))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise FeedRefusedError("The feed of newer versions has another form.") from None
    if feed is None:
        raise FeedRefusedError("The feed of newer versions is about another product.")
    if feed.newest.expires_at <= now:
        raise FeedRefusedError("The feed of newer versions has expired.")
    if read_version(feed.newest.version) < read_version(baseline):
        raise FeedRefusedError("The feed of newer versions is older than what is known.")
    return feed


def _read(content: object) -> Feed | None:
    """None for another product. Raises ValueError, TypeError, KeyError for another form."""
    if not isinstance(content, dict):
        raise TypeError("not an object")
    if content["product"] != PRODUCT:
        return None
    version, notes, expires = content["version"], content["notes"], content["expires"]
    read_version(version)
    if not is_notes_url(notes):
        raise ValueError("not a page of the web")
    if _EXPIRES.fullmatch(expires) is None:
        raise ValueError("not a time")
    until = datetime.strptime(expires, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    artefacts = content["artefacts"]
    if not isinstance(artefacts, dict) or len(artefacts) > _MAX_ARTEFACTS:
        raise TypeError("not artefacts")
    for name, digest in artefacts.items():
        if _FILE_NAME.fullmatch(name) is None or _SHA256.fullmatch(digest) is None:
            raise ValueError("not an artefact")
    return Feed(Newer(version, notes, until.timestamp()), tuple(artefacts.items()))
