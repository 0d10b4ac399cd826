"""The game that the player wants to open."""

from __future__ import annotations

from dataclasses import dataclass

from rejoin.core.ticket import BackendAddress, Ticket
from rejoin.runtime.games import game_key


@dataclass(frozen=True, slots=True)
class ToOpen:
    """What the player wants: a new game, or with `ticket` the one to return to."""

    name: str
    address: BackendAddress
    ticket: Ticket | None = None
    token: str | None = None

    @property
    def key(self) -> str:
        return game_key(self.address)
