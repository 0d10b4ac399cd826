"""The address and key of this build's feed, which packaging puts into it.

`packaging/frozen` writes the file. No option, setting, link or profile can name another address.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import Final

from rejoin import assets
from rejoin.errors import AssetMissingError, BadInputError, RejoinError
from rejoin.runtime.updates.minisign import PublicKey

_log = logging.getLogger("rejoin.updates")

NAME: Final = "build.json"


@dataclass(frozen=True, slots=True)
class UpdateSource:
    """The address of the feed, and the key that signs it."""

    url: str
    key: PublicKey


def update_source() -> UpdateSource | None:
    """The source of this build; None if this is no build, or one without a feed."""
    try:
        text = assets.text(NAME)
    except (AssetMissingError, OSError, UnicodeDecodeError):
        return None
    try:
        return read_source(text)
    except RejoinError as error:
        _log.warning("%s", error)
        return None


def read_source(text: str) -> UpdateSource | None:
    """Read the file's text; None if it has no address. Raises BadInputError, SignatureError."""
    from rejoin.signaling.backend_url import base_url

    try:
        content = json.loads(text)
        url, key = content.get("updates_url"), content.get("updates_key")
    except (ValueError, AttributeError):
        raise BadInputError("What was put into this build cannot be read.") from None
    if url is None and key is None:
        return None
    if not isinstance(url, str) or not isinstance(key, str):
        raise BadInputError("This build has an address for updates without a key, or the reverse.")
    return UpdateSource(str(base_url(url, allow_insecure=False)), PublicKey.from_text(key))
