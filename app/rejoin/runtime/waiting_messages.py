"""Messages of the host on the data channels that came before an instance of the module exists."""

from __future__ import annotations

from typing import Final

from rejoin.core.model import ConnectionNumber
from rejoin.input_module.port import Channel

MAX_MESSAGES: Final = 64
MAX_BYTES: Final = 256 * 1024
"""Of one connection; more is dropped."""

Message = tuple[Channel, bytes | str]


class WaitingMessages:
    """In the order in which they came, by connection."""

    def __init__(self) -> None:
        self._of: dict[ConnectionNumber, list[Message]] = {}

    def add(self, connection: ConnectionNumber, channel: Channel, data: bytes | str) -> None:
        waiting = self._of.setdefault(connection, [])
        size = sum(len(each) for _, each in waiting) + len(data)
        if len(waiting) < MAX_MESSAGES and size <= MAX_BYTES:
            waiting.append((channel, data))

    def any_of(self, connection: ConnectionNumber) -> bool:
        """Whether messages of this connection wait."""
        return connection in self._of

    def pop(self, connection: ConnectionNumber) -> list[Message]:
        """Remove and return all of this connection."""
        return self._of.pop(connection, [])

    def clear(self) -> None:
        self._of.clear()
