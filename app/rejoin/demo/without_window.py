"""The headless demo where Qt cannot be loaded: the same steps without a window or screenshots."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final, Protocol

from rejoin.core.events import CloseForNowRequested, Event
from rejoin.core.model import Snapshot, Stage
from rejoin.demo.script import Screen

REFRESH_S: Final = 0.1
"""Ten refreshes a second, as the window has."""

CLOSE_TIMEOUT_S: Final = 5.0
"""How long the game may take to end after `close`."""


class GameClient(Protocol):
    """What is needed of `runtime.player.Player`."""

    @property
    def snapshot(self) -> Snapshot: ...

    def post(self, event: Event) -> None: ...


class NoWindow:
    """Stands in for the window in `script.Script`."""

    def __init__(self, game: GameClient) -> None:
        self._game = game
        self.closed_at: float | None = None

    @property
    def snapshot(self) -> Snapshot:
        return self._game.snapshot

    def take_picture(self) -> Callable[[Path], bool]:
        """Never succeeds; a script without an output folder does not call it."""
        return lambda file: False

    def close(self) -> None:
        if self.closed_at is None:
            self.closed_at = time.monotonic()
            if self._game.snapshot.stage not in (Stage.IDLE, Stage.ENDED):
                self._game.post(CloseForNowRequested())


def run(game: GameClient, on_refresh: Callable[[Screen], None]) -> int:
    """Refresh until the game has ended: 0, or 130 after Ctrl+C. A second Ctrl+C does not wait."""
    screen = NoWindow(game)
    interrupts = 0

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal interrupts
        interrupts += 1

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        while interrupts < 2 and not _is_over(screen):
            on_refresh(screen)
            if interrupts:
                screen.close()
            time.sleep(REFRESH_S)
    finally:
        signal.signal(signal.SIGINT, before)
    return 128 + signal.SIGINT if interrupts else 0


def _is_over(screen: NoWindow) -> bool:
    if screen.closed_at is None:
        return False
    ended = screen.snapshot.stage in (Stage.IDLE, Stage.ENDED)
    return ended or time.monotonic() - screen.closed_at > CLOSE_TIMEOUT_S
