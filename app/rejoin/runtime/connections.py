"""The open connections: their peers, and which one is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rejoin.core.model import ConnectionNumber
from rejoin.interpreter import collect_soon
from rejoin.runtime.ports import PeerPort
from rejoin.tasks import spawn


class Connections:
    """Use it on the engine's loop."""

    def __init__(self) -> None:
        self._peers: dict[ConnectionNumber, PeerPort] = {}
        self._shown: ConnectionNumber | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def add(self, connection: ConnectionNumber, peer: PeerPort) -> None:
        self._peers[connection] = peer

    def get(self, connection: ConnectionNumber) -> PeerPort | None:
        """The peer, or None once the connection is closed."""
        return self._peers.get(connection)

    def all(self) -> tuple[tuple[ConnectionNumber, PeerPort], ...]:
        return tuple(self._peers.items())

    def if_open(self, connection: ConnectionNumber, do: Callable[[PeerPort], object]) -> None:
        peer = self._peers.get(connection)
        if peer is not None:
            do(peer)

    def shown(self) -> tuple[ConnectionNumber, PeerPort] | None:
        """The connection whose picture is shown, while it is open."""
        if self._shown is None or self._shown not in self._peers:
            return None
        return self._shown, self._peers[self._shown]

    def show(self, connection: ConnectionNumber) -> None:
        """Show this connection's picture from now on."""
        if self._shown is not None and self._shown != connection:
            self.if_open(self._shown, lambda peer: peer.show(False))
        self._shown = connection
        self.if_open(connection, lambda peer: peer.show(True))

    def close(self, connection: ConnectionNumber, after: asyncio.Task[None] | None = None) -> None:
        """Close the peer in a task of its own; `closing` lists those that have not ended.

        `after`: awaited first.
        """
        peer = self._peers.pop(connection, None)
        if self._shown == connection:
            self._shown = None
        if peer is not None:
            task = spawn(_close(peer, after), name=f"close {connection}")
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
            task.add_done_callback(lambda _: collect_soon())

    @property
    def closing(self) -> frozenset[asyncio.Task[None]]:
        return frozenset(self._closing)


async def _close(peer: PeerPort, after: asyncio.Task[None] | None) -> None:
    if after is not None:
        await asyncio.wait({after})
    await peer.close()
