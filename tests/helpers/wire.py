"""What a connection sends on its sockets, by kind, with the time."""

from __future__ import annotations

from typing import Any

from helpers.headless_scene import Scene
from rejoin.clock import boot_s
from rejoin.rtc.peer import Peer
from rejoin.rtc.peer_states import parts_of


class Wire:
    """What the sockets of the first connection send, by kind, with the time."""

    def __init__(self, it: Scene) -> None:
        ((_, peer),) = it.player._engine._connections.all()
        assert isinstance(peer, Peer)
        parts = parts_of(peer._state)
        assert parts is not None
        ice: Any = parts.dtls.transport._connection
        self.sent: list[tuple[float, str]] = []
        for protocol in ice._protocols:
            self._tap(protocol.transport)

    def _tap(self, transport: Any) -> None:
        send = transport._sock.sendto

        class Tapped:
            def __getattr__(self, name: str) -> Any:
                return getattr(transport_socket, name)

            def sendto(tapped, data: bytes, *to: Any) -> Any:
                self.sent.append((boot_s(), kind_of(data)))
                return send(data, *to)

        transport_socket, transport._sock = transport._sock, Tapped()

    def since(self, at: float) -> set[str]:
        return {kind for when, kind in self.sent if when >= at}


def kind_of(data: bytes) -> str:
    """By its first bytes (RFC 7983)."""
    if data[0] < 4:
        return "check"
    if data[0] < 64:
        return "dtls"
    return "rtcp"


def at_of(it: Scene, name: str) -> float:
    return next(record.at for record in it.records if record.name == name)
