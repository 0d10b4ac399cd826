"""Reads the TURN servers out of `iceServers`, as a WebRTC application has them (W3C RTCIceServer).

A URL that cannot be used is passed over with a sentence that says why; the whole is refused only
when no TURN server is left. No sentence quotes a URL, a user name or a credential.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Final

from rejoin.errors import BadInputError
from rejoin.language import Message, mark

MAX_TEXT: Final = 64 * 1024
"""Characters; real lists have a few hundred."""

MAX_TURN_SERVERS: Final = 8
"""More are passed over: all of them are asked for an allocation at nearly the same time."""

_DEFAULT_PORTS: Final = {"turn": 3478, "turns": 5349}
_URL: Final = re.compile(
    r"(?P<scheme>turns?):(?P<host>\[[0-9a-f:.]{2,45}\]|[a-z0-9_.-]{1,253})(?::(?P<port>[0-9]{1,5}))?"
    r"(?:\?transport=(?P<transport>[a-z]{1,16}))?",
    re.IGNORECASE | re.ASCII,
)
_MAX_NAME: Final = 508
"""Bytes of a USERNAME (RFC 8489, 14.3)."""


@dataclass(frozen=True, slots=True)
class TurnServer:
    """One way to one TURN server (RFC 7065). `transport`: udp or tcp; `tls`: over TLS, with tcp."""

    host: str
    port: int
    transport: str
    tls: bool
    username: str = field(repr=False)
    credential: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class IceServers:
    """The TURN servers in the order of the list, each once, and what was passed over."""

    turn: tuple[TurnServer, ...]
    passed_over: tuple[str, ...]
    """A sentence each."""


class _Unusable(Exception):
    """Why one URL or server cannot be used: a sentence with a place for its name, marked."""


def read_ice_servers(text: str) -> IceServers:
    """Read JSON: an RTCConfiguration, its `iceServers`, or one RTCIceServer. Raises BadInputError.

    Of an RTCIceServer `urls` (one or a list), `username`, `credential` and `credentialType` are
    read.
    """
    if len(text) > MAX_TEXT:
        raise BadInputError(
            Message("The ICE servers cannot be used: more than {most} characters.", most=MAX_TEXT)
        )
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise BadInputError(Message("The ICE servers cannot be used: they are not JSON.")) from None
    if isinstance(document, dict):
        document = document.get("iceServers", [document])
    if not isinstance(document, list):
        raise BadInputError(Message("The ICE servers cannot be used: iceServers is not a list."))
    turn: dict[TurnServer, None] = {}
    passed_over: list[Message] = []
    for name, found in _each(document):
        if isinstance(found, str):
            passed_over.append(Message(found, server=name))
        elif found not in turn and len(turn) == MAX_TURN_SERVERS:
            passed_over.append(
                Message(
                    "{server} is not used: {most} are enough.", server=name, most=MAX_TURN_SERVERS
                )
            )
        else:
            turn[found] = None
    if not turn:
        raise BadInputError(
            Message(
                "The ICE servers name no usable TURN server. {reasons}",
                reasons=reduce(_and, passed_over),
            )
            if passed_over
            else Message("The ICE servers name no usable TURN server.")
        )
    return IceServers(tuple(turn), tuple(passed_over))


def _each(document: list[Any]) -> Iterator[tuple[Message, TurnServer | str]]:
    """What each URL is called in a sentence, and the server, or the sentence why it cannot be
    used."""
    for number, server in enumerate(document, 1):
        name = Message("ICE server {number}", number=number)
        if not isinstance(server, dict):
            yield name, mark("{server} is not used: it is not an object.")
            continue
        urls = server.get("urls", server.get("url"))  # `url`: before 2015, some still write it
        urls = urls if isinstance(urls, list) else [urls]
        if not urls:
            yield name, mark("{server} is not used: it has no URL.")
        for place, url in enumerate(urls, 1):
            try:
                found: TurnServer | str = _turn_server(url, server)
            except _Unusable as why:
                found = str(why)
            which = Message("URL {place} of {server}", place=place, server=name)
            yield name if len(urls) == 1 else which, found


def _and(first: Message, second: Message) -> Message:
    return Message("{first} {second}", first=first, second=second)


def _turn_server(url: object, server: dict[str, Any]) -> TurnServer:
    """Raises _Unusable."""
    if not isinstance(url, str):
        raise _Unusable(mark("{server} is not used: its URL is missing or not text."))
    if url.lower().startswith(("stun:", "stuns:")):
        raise _Unusable(mark("{server} is not used: Rejoin needs no STUN server."))
    match = _URL.fullmatch(url)
    if match is None:
        raise _Unusable(
            mark(
                "{server} is not used: its URL is not turn:HOST:PORT?transport=udp or tcp, "
                "or turns:HOST:PORT."
            )
        )
    scheme = match["scheme"].lower()
    transport = (match["transport"] or ("tcp" if scheme == "turns" else "udp")).lower()
    if transport not in ("udp", "tcp"):
        raise _Unusable(mark("{server} is not used: its transport is neither udp nor tcp."))
    if scheme == "turns" and transport == "udp":
        raise _Unusable(
            mark(
                "{server} is not used: TURN over DTLS (turns: with transport=udp) is not supported."
            )
        )
    port = int(match["port"]) if match["port"] else _DEFAULT_PORTS[scheme]
    if not 1 <= port <= 65535:
        raise _Unusable(mark("{server} is not used: its port is not 1 to 65535."))
    if server.get("credentialType", "password") != "password":
        raise _Unusable(mark("{server} is not used: its credentialType is not password."))
    username, credential = server.get("username"), server.get("credential")
    if not isinstance(username, str) or not 0 < len(_bytes(username)) <= _MAX_NAME:
        raise _Unusable(mark("{server} is not used: its username is missing or too long."))
    if not isinstance(credential, str) or not len(_bytes(credential)) > 0:
        raise _Unusable(mark("{server} is not used: its credential is missing."))
    return TurnServer(
        match["host"].strip("[]").lower(), port, transport, scheme == "turns", username, credential
    )


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can write
        return b""
