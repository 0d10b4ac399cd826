"""`rejoin://play?...`: a studio's link into its game, parsed into the address of its backend.

Anybody can make a link, so a link cannot extend trust: no token, no certificate authority, http to
this machine only, no stream from a LAN, no backend but one on the internet (before a link leads
into this computer or its network, the player is asked: `cli/consent`), and no saved pictures of the
game. A link with anything else in it is refused.

    rejoin://play?backend=https%3A%2F%2Fgames.example%2Frejoin
        &dialect=aws-react           # the backend's API; default: ours
        &stream_group=sg-...         # for a dialect whose client names it
        &application=a-...
        &connection_timeout=120      # seconds, for a backend that does not report it
        &reports=yes                 # the studio wants reconnect reports, where the player allows
        &microphone=yes              # it takes the player's voice, where the player turns that on
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from rejoin.core.ticket import BackendAddress
from rejoin.errors import BadInputError
from rejoin.hosts import is_this_machine
from rejoin.language import Message
from rejoin.signaling.dialects import DIALECTS

SCHEME: Final = "rejoin"
MAX_LINK: Final = 2048
"""Characters: the longest link that is accepted. Browsers pass on links of this length uncut."""

_KEYS: Final = (
    "backend",
    "dialect",
    "stream_group",
    "application",
    "connection_timeout",
    "reports",
    "microphone",
)
_NAME: Final = re.compile(r"[A-Za-z0-9:/_.-]{1,256}")
_PLAIN: Final = re.compile(r"[\x21-\x7e]+")


def is_link(text: str) -> bool:
    """Whether this is a link of ours and not a backend's URL."""
    return text.lower().startswith(f"{SCHEME}:")


def parse_link(text: str) -> BackendAddress:
    """The backend that a link leads to. Raises BadInputError, which never quotes the link."""
    if len(text) > MAX_LINK:
        raise _refused(Message("it is too long"))
    if not _PLAIN.fullmatch(text):
        raise _refused(Message("it contains characters that a link cannot have"))
    try:
        parts = urlsplit(text)
        pairs = parse_qsl(
            parts.query, keep_blank_values=True, strict_parsing=True, max_num_fields=8
        )
    except ValueError:
        raise _refused(Message("it is malformed")) from None
    if (parts.scheme, parts.netloc, parts.path.rstrip("/"), parts.fragment) != (
        SCHEME,
        "play",
        "",
        "",
    ):
        raise _refused(Message("it does not begin with {scheme}://play?", scheme=SCHEME))
    given = dict(pairs)
    if len(given) < len(pairs):
        raise _refused(Message("it contains a parameter twice"))
    if not given.keys() <= set(_KEYS):
        raise _refused(Message("it has parameters other than {keys}", keys=", ".join(_KEYS)))
    backend_url, on_this_machine = _backend(given.get("backend", ""))
    dialect = DIALECTS.get(given.get("dialect", "ours"))
    if dialect is None:
        raise _refused(Message("this version of Rejoin does not know its dialect"))
    names = {key: given.get(key) for key in ("stream_group", "application")}
    if any(name is not None and not _NAME.fullmatch(name) for name in names.values()):
        raise _refused(Message("its stream group or application is not a valid name"))
    if dialect.needs_stream_group != (names["stream_group"] is not None) or (
        names["application"] is not None and names["stream_group"] is None
    ):
        raise _refused(Message("its dialect requires different parameters to name the game"))
    return BackendAddress(
        backend_url,
        dialect.name,
        "loopback" if on_this_machine else "internet",
        names["stream_group"],
        names["application"],
        _timeout_s(given.get("connection_timeout")),
        public_only=True,
        takes_reports=_yes("reports", given),
        allows_microphone=_yes("microphone", given),
    )


def link_of(address: BackendAddress) -> str | None:
    """The link to this backend; None if the backend needs something that a link must not contain.

    A game opened through a link keeps no last picture, even where its own address allows one.
    """
    values = {
        "backend": address.backend_url,
        "dialect": None if address.dialect == "ours" else address.dialect,
        "stream_group": address.stream_group,
        "application": address.application,
        "connection_timeout": address.connection_timeout_s,
        "reports": "yes" if address.takes_reports else None,
        "microphone": "yes" if address.allows_microphone else None,
    }
    given = {
        key: f"{value:g}" if isinstance(value, float) else value
        for key, value in values.items()
        if value is not None
    }
    link = f"{SCHEME}://play?{urlencode(given)}"
    try:
        found = parse_link(link)
    except BadInputError:
        return None
    same = replace(address, public_only=True, network=found.network, keeps_last_picture=False)
    return link if found == same else None


def _backend(text: str) -> tuple[str, bool]:
    """The backend's URL, and whether it is on this machine."""
    try:
        parts = urlsplit(text)
        port_is_one = parts.port is None or parts.port > 0
    except ValueError:
        raise _refused(Message("its backend is not a URL")) from None
    host = parts.hostname or ""
    if not _PLAIN.fullmatch(text) or not host or not port_is_one:
        raise _refused(Message("its backend is not a URL"))
    if parts.username is not None or parts.password is not None:
        raise _refused(Message("its backend contains a user name or password"))
    if parts.query or parts.fragment:
        raise _refused(Message("its backend has a query or a fragment"))
    on_this_machine = is_this_machine(host)
    if parts.scheme != "https" and not (parts.scheme == "http" and on_this_machine):
        raise _refused(Message("its backend does not use https"))
    return text, on_this_machine


def _timeout_s(text: str | None) -> float | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", text) or not 1 <= float(text) <= 3600:
        raise _refused(Message("its connection timeout is not 1 to 3600 seconds"))
    return float(text)


def _yes(key: str, given: Mapping[str, str]) -> bool:
    text = given.get(key)
    if text not in (None, "yes", "no"):
        if key == "reports":
            raise _refused(Message("its reports are neither yes nor no"))
        raise _refused(Message("its microphone is neither yes nor no"))
    return text == "yes"


def _refused(reason: str) -> BadInputError:
    return BadInputError(Message("This link cannot be used: {reason}.", reason=reason))
