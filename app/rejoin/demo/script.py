"""The steps of the demo: waits for each, takes a screenshot of it, and ends a headless demo."""

from __future__ import annotations

import enum
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, assert_never

from rejoin.clock import boot_s
from rejoin.core.model import EndingKind, Snapshot, Stage
from rejoin.demo.drops import Drops
from rejoin.demo.options import DemoOptions
from rejoin.emulator.service.faults import FaultKind

STEP_TIMEOUT_S: Final = 30.0
"""How long a step may take beyond `drop_after_s` and `notice_silent_client_s`."""

SHOW_LOST_S: Final = 0.8
"""How long the window has shown the loss when its screenshot is taken: the dimming is over."""

SHOW_BACK_S: Final = 0.4

_LEFT: Final = (EndingKind.CLOSED_FOR_NOW, EndingKind.ENDED_BY_PLAYER, EndingKind.CANCELLED)
"""Endings that the player caused, also with Ctrl+C."""


class Screen(Protocol):
    """What the script needs of the window."""

    @property
    def snapshot(self) -> Snapshot: ...

    def take_picture(self) -> Callable[[Path], bool]:
        """Take a screenshot; the result writes it to a file and returns whether it could."""

    def close(self) -> object: ...


class DemoStep(enum.Enum):
    """What the script waits for; the value completes "Timed out waiting for ..."."""

    LIVE = "the game to be live"
    PLAYING = "the game to stay live until the drop"
    LOST = "the connection to be lost"
    LIVE_AGAIN = "the game to be live again"
    PLAYING_ON = "the next drop or the end"
    DONE = "nothing"


class Script:
    """Waits for each step in turn. `failure` says what went wrong, if anything."""

    def __init__(self, options: DemoOptions, drops: Drops) -> None:
        self._options = options
        self._drops = drops
        self._step = DemoStep.LIVE
        self._step_began_at = boot_s()
        self._reached_at: float | None = None
        """Since when the window shows what the step waits for."""
        self._dropped = 0
        self._episode = 0
        """The number of the episode that the newest drop causes."""
        self._refreshing = False
        self._unsaved: dict[str, Callable[[Path], bool]] = {}
        self.failure: str | None = None
        self.screenshots: list[str] = []

    def on_refresh(self, screen: Screen) -> None:
        """Called on the GUI thread several times a second and after each snapshot."""
        if self._refreshing or self._step is DemoStep.DONE:
            return
        self._refreshing = True  # taking a screenshot refreshes the window, which calls us again
        try:
            self._check(screen)
        finally:
            self._refreshing = False

    def _check(self, screen: Screen) -> None:
        """End the demo if the game ended or something failed; otherwise go on with the step."""
        now, snapshot = boot_s(), screen.snapshot
        failure = self._drops.failure
        timeout_s = (
            STEP_TIMEOUT_S + self._options.notice_silent_client_s + self._options.drop_after_s
        )
        if failure is None and now - self._step_began_at > timeout_s:
            failure = f"Timed out waiting for {self._step.value}."
        if snapshot.ending is not None and snapshot.ending.kind in _LEFT:
            self._end(screen)
            return
        if snapshot.stage is Stage.ENDED:
            self._save(screen, "ended")
            if self._options.fault is not FaultKind.KILL or self._dropped == 0:
                failure = failure or "The game ended early."
        if failure is not None or snapshot.stage is Stage.ENDED:
            self.failure = self.failure or failure
            self._end(screen)
            return
        self._advance(screen, snapshot, now)

    def _advance(self, screen: Screen, snapshot: Snapshot, now: float) -> None:
        live = snapshot.stage is Stage.LIVE
        match self._step:
            case DemoStep.LIVE:
                if live:
                    self._next(DemoStep.PLAYING, now)
            case DemoStep.PLAYING:
                if live and now - self._step_began_at >= self._options.drop_after_s:
                    self._drop(screen, snapshot, now)
            case DemoStep.LOST:
                self._await_loss(screen, snapshot, now)
            case DemoStep.LIVE_AGAIN:
                back = live and snapshot.episode >= self._episode
                if back and self._has_lasted(now, SHOW_BACK_S):
                    self._save(screen, "back")
                    self._next(DemoStep.PLAYING_ON, now)
            case DemoStep.PLAYING_ON:
                self._play_on(screen, now)
            case DemoStep.DONE:
                pass
            case _:
                assert_never(self._step)

    def _drop(self, screen: Screen, snapshot: Snapshot, now: float) -> None:
        self._save(screen, "live")
        if self._options.drops == 0:
            self._end(screen)
            return
        self._dropped += 1
        self._episode = snapshot.episode + 1
        self._drops.drop()
        self._next(DemoStep.LOST, now)

    def _await_loss(self, screen: Screen, snapshot: Snapshot, now: float) -> None:
        if snapshot.stage in (Stage.LOST, Stage.RECONNECTING):
            is_new = self._reached_at is None
            has_lasted = self._has_lasted(now, SHOW_LOST_S)
            if is_new or has_lasted:
                self._take(screen, "lost")  # saved later: compressing it would delay the reconnect
            if has_lasted:
                self._next(DemoStep.LIVE_AGAIN, now)
        elif snapshot.stage is Stage.LIVE and snapshot.episode >= self._episode:
            self._next(DemoStep.LIVE_AGAIN, now)

    def _play_on(self, screen: Screen, now: float) -> None:
        if self._dropped < self._options.drops:
            self._next(DemoStep.PLAYING, now)
        elif not self._options.headless:
            self._step = DemoStep.DONE  # the window stays open for the player
        elif now - self._step_began_at >= self._options.play_on_s:
            self._end(screen)

    def _next(self, step: DemoStep, now: float) -> None:
        self._step, self._step_began_at, self._reached_at = step, now, None

    def _has_lasted(self, now: float, for_s: float) -> bool:
        """Whether the window has shown what the step waits for at least this long."""
        if self._reached_at is None:
            self._reached_at = now
        return now - self._reached_at >= for_s

    def _take(self, screen: Screen, name: str) -> None:
        if self._options.out is not None:
            self._unsaved[f"{name}.png"] = screen.take_picture()

    def _save(self, screen: Screen, name: str) -> None:
        self._take(screen, name)
        self._save_taken()

    def _save_taken(self) -> None:
        taken, self._unsaved = self._unsaved, {}
        for name, save in taken.items():
            assert self._options.out is not None
            if not save(self._options.out / name):
                self.failure = self.failure or f"The screenshot {name} could not be written."
            elif name not in self.screenshots:
                self.screenshots.append(name)

    def _end(self, screen: Screen) -> None:
        self._save_taken()
        self._step = DemoStep.DONE
        if self._options.headless:
            screen.close()
