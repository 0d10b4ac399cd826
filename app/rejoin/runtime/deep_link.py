"""`rejoin://play?...`: a studio's link into its game, as the profile's door that it names.

A link is a stranger's word. It says where to knock and nothing about trust: no token, no authority
of its own, no http but to this machine, no stream from a LAN. Whatever else it holds is refused.

    rejoin://play?backend=https%3A%2F%2Fgames.example%2Frejoin
        &dialect=aws-react           # how the backend speaks; not given: ours
        &stream_group=sg-...         # for a dialect whose client names it
        &application=a-...
        &connection_timeout=120      # seconds, for a backend that does not tell it
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from rejoin.core.ticket import BackendAddress
from rejoin.errors import BadInputError
from rejoin.signaling.dialects import DIALECTS

SCHEME: Final = "rejoin"
MAX_LINK: Final = 2048
"""Characters; what a browser hands on without cutting it."""

_KEYS: Final = ("backend", "dialect", "stream_group", "application", "connection_timeout")
_NAME: Final = re.compile(r"[A-Za-z0-9:/_.-]{1,256}")
_PLAIN: Final = re.compile(r"[\x21-\x7e]+")


def is_link(text: str) -> bool:
    """Whether this is meant as a link and not as a backend's URL."""
    return text.lower().startswith(f"{SCHEME}:")


def parse_link(text: str) -> BackendAddress:
    """The door that a link names. Raises BadInputError, which never repeats what stood in it."""
    if len(text) > MAX_LINK:
        raise _refused("it is too long")
    if not _PLAIN.fullmatch(text):
        raise _refused("it holds characters that no link has")
    try:
        parts = urlsplit(text)
        pairs = parse_qsl(
            parts.query, keep_blank_values=True, strict_parsing=True, max_num_fields=8
        )
    except ValueError:
        raise _refused("it is none") from None
    if (parts.scheme, parts.netloc, parts.path.rstrip("/"), parts.fragment) != (
        SCHEME,
        "play",
        "",
        "",
    ):
        raise _refused(f"it does not begin with {SCHEME}://play?")
    given = dict(pairs)
    if len(given) < len(pairs):
        raise _refused("something stands in it twice")
    if not given.keys() <= set(_KEYS):
        raise _refused(f"it holds more than {', '.join(_KEYS)}")
    backend_url, on_this_machine = _backend(given.get("backend", ""))
    dialect = DIALECTS.get(given.get("dialect", "ours"))
    if dialect is None:
        raise _refused("this Rejoin does not speak as it wants")
    names = {key: given.get(key) for key in ("stream_group", "application")}
    if any(name is not None and not _NAME.fullmatch(name) for name in names.values()):
        raise _refused("what it calls the game is no name of one")
    if dialect.needs_stream_group != (names["stream_group"] is not None) or (
        names["application"] is not None and names["stream_group"] is None
    ):
        raise _refused("it does not name the game as its dialect does")
    return BackendAddress(
        backend_url,
        dialect.name,
        "loopback" if on_this_machine else "internet",
        names["stream_group"],
        names["application"],
        _timeout_s(given.get("connection_timeout")),
    )


def to_link(door: BackendAddress) -> str:
    """The link to this door. Raises BadInputError if no link may lead there."""
    given = {
        "backend": door.backend_url,
        "dialect": None if door.dialect == "ours" else door.dialect,
        "stream_group": door.stream_group,
        "application": door.application,
        "connection_timeout": (
            None if door.connection_timeout_s is None else f"{door.connection_timeout_s:g}"
        ),
    }
    query = urlencode({key: value for key, value in given.items() if value is not None})
    link = f"{SCHEME}://play?{query}"
    if parse_link(link) != door:
        raise _refused("what it should lead to is nothing that a link may name")
    return link


def _backend(text: str) -> tuple[str, bool]:
    """The backend's URL, and whether it is on this machine."""
    try:
        parts = urlsplit(text)
        port_is_one = parts.port is None or parts.port > 0
    except ValueError:
        raise _refused("its backend is no URL") from None
    host = parts.hostname or ""
    if not _PLAIN.fullmatch(text) or not host or not port_is_one:
        raise _refused("its backend is no URL")
    if parts.username is not None or parts.password is not None:
        raise _refused("it names a user, and a link must not")
    if parts.query or parts.fragment:
        raise _refused("its backend has more than an address")
    on_this_machine = _is_this_machine(host)
    if parts.scheme != "https" and not (parts.scheme == "http" and on_this_machine):
        raise _refused("its backend is not on https")
    return text, on_this_machine


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _timeout_s(text: str | None) -> float | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", text) or not 1 <= float(text) <= 3600:
        raise _refused("its connection timeout is not 1 to 3600 seconds")
    return float(text)


def _refused(why: str) -> BadInputError:
    return BadInputError(f"This link cannot be used: {why}.")
