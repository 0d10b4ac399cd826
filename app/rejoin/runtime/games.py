"""The player's games: name, backend and last time of play.

Their file can be edited by anybody, so each value is checked like those of a link or a ticket.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final
from urllib.parse import urlsplit

from rejoin.core.ticket import NETWORKS, BackendAddress
from rejoin.errors import BadInputError
from rejoin.language import Message
from rejoin.printable import printable
from rejoin.signaling.dialects import DIALECTS

MAX_NAME: Final = 80
"""Characters of a game's name."""
MAX_GAMES: Final = 100

_URL: Final = re.compile(r"https?://[\x21-\x7e]{1,2040}")
_NAME_IN_AWS: Final = re.compile(r"[\x21-\x7e]{1,256}")
_PATH: Final = re.compile(r"[^\x00-\x1f\x7f]{1,4096}")
_MAX_UNIX_S: Final = 1e11

_TEXTS: Final = {
    "backend_url": _URL,
    "probe_url": _URL,
    "stream_group": _NAME_IN_AWS,
    "application": _NAME_IN_AWS,
    "ca_file": _PATH,
    "ice_servers_file": _PATH,
}
_FLAGS: Final = (
    *("allow_insecure", "public_only", "allow_444", "takes_reports", "keeps_last_picture"),
    "allows_microphone",
)

ADDRESS_KEYS: Final = tuple(each.name for each in fields(BackendAddress))
"""The keys of an entry that are its backend's."""


@dataclass(frozen=True, slots=True)
class Game:
    """`last_played`: seconds since 1970; None: not played yet."""

    name: str
    address: BackendAddress
    last_played: float | None = None

    @property
    def key(self) -> str:
        return game_key(self.address)

    @property
    def host(self) -> str:
        return host_of(self.address.backend_url)


def game_key(address: BackendAddress) -> str:
    """A game's key on this computer, independent of its session: 16 hex digits.

    Two entries of one backend are the same game, unless they name different applications.
    """
    group = address.stream_group
    chosen = (group, address.application or "") if group else ()
    named = "\n".join((address.backend_url, address.dialect, *chosen)) + "\n"
    return hashlib.sha256(named.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def host_of(backend_url: str) -> str:
    """The host, with a port that is not the usual one; empty where there is none."""
    try:
        parts = urlsplit(backend_url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if port is None or port == {"http": 80, "https": 443}.get(parts.scheme):
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def checked_name(text: str) -> str:
    """A name as it may stand on a card. Raises BadInputError."""
    name = " ".join(text.split())
    if not name:
        raise BadInputError(Message("A game needs a name."))
    if len(name) > MAX_NAME:
        raise BadInputError(Message("A name has at most {max_name} characters.", max_name=MAX_NAME))
    if printable(name) != name:
        raise BadInputError(Message("This name has characters that cannot be shown."))
    return name


def game_from(table: Mapping[str, Any]) -> Game:
    """The game of one entry. Raises BadInputError, which names what is wrong in it."""
    known = {"name", "last_played", *ADDRESS_KEYS}
    unknown = [key for key in table if key not in known]
    if unknown:
        raise BadInputError(
            Message("it has an unknown key, {unknown}", unknown=printable(str(unknown[0])[:40]))
        )
    name, url = table.get("name"), table.get("backend_url")
    if not isinstance(name, str):
        raise BadInputError(Message("it has no name"))
    if not isinstance(url, str) or not host_of(url):
        raise BadInputError(Message("its backend_url is not a URL"))
    last = table.get("last_played")
    if last is not None and not _is_number(last, 0, _MAX_UNIX_S):
        raise BadInputError(Message("its last_played is wrong"))
    return Game(checked_name(name), _address(table), last)


def _address(table: Mapping[str, Any]) -> BackendAddress:
    found: dict[str, Any] = {key: table[key] for key in ADDRESS_KEYS if key in table}
    for key, pattern in _TEXTS.items():
        if key in found and not (isinstance(found[key], str) and pattern.fullmatch(found[key])):
            raise BadInputError(Message("its {key} is wrong", key=key))
    for key in _FLAGS:
        if key in found and not isinstance(found[key], bool):
            raise BadInputError(Message("its {key} is neither true nor false", key=key))
    found.setdefault("dialect", "ours")
    dialect = DIALECTS.get(found["dialect"]) if isinstance(found["dialect"], str) else None
    if dialect is None:
        raise BadInputError(Message("its dialect is not known"))
    if dialect.needs_stream_group != ("stream_group" in found):
        raise BadInputError(Message("its dialect requires different keys to name the game"))
    if found.get("network", "internet") not in NETWORKS:
        raise BadInputError(Message("its network is wrong"))
    timeout_s = found.get("connection_timeout_s")
    if timeout_s is not None and not _is_number(timeout_s, 1, 3600):
        raise BadInputError(Message("its connection_timeout_s is not 1 to 3600"))
    return BackendAddress(**found)


def _is_number(value: object, least: float, most: float) -> bool:
    """Compared as it is: an integer may be too large for a float, and NaN is nowhere between."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return least <= value <= most
