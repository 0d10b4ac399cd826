"""A filter that testers may put between a connection and its sockets.

A player's client has none. It works below the rest of this package: a datagram that it drops was
never sent or never arrived. On a relayed socket it sees the relayed datagrams, not those that keep
the allocation alive.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from aioice.ice import StunProtocol

from rejoin.rtc.aiortc_seam import Address, override
from rejoin.rtc.turn_seam import relay_of

_DATAGRAM_BYTES: Final = 65536


@dataclass(frozen=True, slots=True)
class SocketEnds:
    """One socket of a connection, as a filter uses it.

    `send(data, address)` sends to the network, `receive(data, address)` hands a datagram to the
    connection. `host`: the local address; None for a relayed socket. `drain()` throws away what
    has arrived and was not read.
    """

    send: Callable[[bytes, Address], None]
    receive: Callable[[bytes, Address], None]
    host: str | None
    drain: Callable[[], None]


class SocketFilter(Protocol):
    """Gets every datagram of one socket, on the event loop, and passes it on or drops it."""

    def on_send(self, data: bytes, address: Address) -> None: ...
    def on_receive(self, data: bytes, address: Address) -> None: ...
    def on_close(self) -> None: ...


MakeFilter = Callable[[SocketEnds], SocketFilter]
"""Called once for each socket, before its first datagram."""


def put_between(protocol: StunProtocol, make: MakeFilter) -> None:
    """Let a filter decide about each datagram of this socket. Call it after all other hooks."""
    relayed = relay_of(protocol)
    transport: Any = protocol.transport
    found: list[SocketFilter] = []

    def received(data: bytes, address: tuple[Any, ...]) -> None:
        found[0].on_receive(data, cast(Address, address))

    receive = override(protocol, "datagram_received", received)
    host = None if relayed is not None else transport.get_extra_info("sockname")[0]
    if relayed is None:
        send = transport.sendto
        protocol.transport = cast(Any, _FilteredTransport(transport, found))
    else:
        send = override(relayed, "sendto", lambda data, to: found[0].on_send(data, to))  # noqa: PLW0108  (it is made below)
        close = override(relayed, "close", lambda: _close(found, close))
    sock = transport.get_extra_info("socket")
    found.append(make(SocketEnds(send, receive, host, lambda: drain_socket(sock))))


class _FilteredTransport:
    """The transport of a socket, whose datagrams go through the filter."""

    def __init__(self, transport: Any, found: list[SocketFilter]) -> None:
        self._transport = transport
        self._found = found

    def sendto(self, data: bytes, address: Address) -> None:
        if not self._transport.is_closing():
            self._found[0].on_send(bytes(data), address)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        closing: bool = self._transport.is_closing()
        return closing

    def close(self) -> None:
        _close(self._found, self._transport.close)

    def abort(self) -> None:
        _close(self._found, self._transport.abort)


def _close(found: list[SocketFilter], close: Callable[[], None]) -> None:
    found[0].on_close()
    close()


def drain_socket(sock: Any) -> None:
    """Read and forget what has arrived, on a copy of the socket: asyncio's own may not be read."""
    if sock is None:
        return
    with contextlib.suppress(OSError), socket.fromfd(sock.fileno(), sock.family, sock.type) as copy:
        copy.setblocking(False)
        while True:
            copy.recvfrom(_DATAGRAM_BYTES)  # until it would block, which is an OSError
