"""The interface between the service and its stream hosts, in both directions.

The service knows hosts by `StreamHost` alone; `host/game_host` is one, tests have others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from rejoin.emulator.service.faults import Fault
from rejoin.emulator.service.settings import EmulatorSettings


class HostListener(Protocol):
    """What a stream host reports to the service; called on the event loop, never blocking."""

    def client_connected(self, connection: int) -> None:
        """ICE and DTLS of this connection are up."""

    def client_gone(self, connection: int, *, graceful: bool) -> None:
        """The client is gone: a silence was noticed, or (graceful) it closed cleanly."""

    def client_input(self) -> None:
        """A controls message arrived: the idle timer starts over."""

    def game_exited(self, detail: str) -> None:
        """The game ended, on purpose or by a crash: the service does not tell them apart."""

    def shares_performance(self) -> bool:
        """Whether the client gets performance statistics (PerformanceStatsConfiguration)."""
        ...


class StreamHost(Protocol):
    """One host with one running game."""

    async def start(self) -> None:
        """Start the game; from then on it goes on with or without a client."""

    async def answer(self, connection: int, signal_request: str) -> str:
        """The SignalResponse (JSON) to an offer; the connection before is closed.

        Raises `errors.SignalError` for a bad or reused offer.
        """
        ...

    async def disconnect(self, reason: str) -> None:
        """Send the server's disconnect message, then close the connection."""

    async def stop(self) -> None:
        """End the game and free everything."""

    async def inject(self, fault: Fault) -> float:
        """Make a fault happen; returns the boot time at which it took effect."""
        ...

    def settings_changed(self, settings: EmulatorSettings) -> None:
        """The settings have these values from now on."""

    def game_state(self) -> dict[str, object]:
        """Counter, score, chain, connected and so on, as JSON values."""
        ...


HostFactory = Callable[[HostListener, EmulatorSettings], StreamHost]
