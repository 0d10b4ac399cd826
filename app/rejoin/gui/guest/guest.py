"""The window as a guest on the player's desktop: awake, hints, title, and where it was.

At each refresh of the window it compares what should be with what is, and changes that alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from rejoin.clock import Clock
from rejoin.gui.guest import hint_texts
from rejoin.gui.guest.hints import (
    Choices,
    Hint,
    Hinted,
    Notify,
    Quiet,
    Seen,
    Sound,
    Withdraw,
    keeps_awake,
    next_hints,
)
from rejoin.gui.guest.place import place_of
from rejoin.gui.guest.wayland_idle import IdleInhibitor
from rejoin.runtime.desktop_bus import Desktop
from rejoin.runtime.place_file import PlaceFile

if TYPE_CHECKING:
    from rejoin.gui.main_window import RejoinWindow

KEEP_AFTER_S = 1.0
"""A place is kept once the window has stayed there for this long."""


@dataclass(frozen=True, slots=True)
class Services:
    """What the guest uses. `desktop`: notifications, and the screen saver. `wayland`: the latter on
    Wayland, as well. `sound`: plays the sound. `place`: where the place is kept. `alert`: has the
    taskbar mark the window."""

    desktop: Desktop
    sound: Callable[[], object]
    wayland: IdleInhibitor | None = None
    place: PlaceFile | None = None
    alert: Callable[[RejoinWindow], object] = lambda window: QApplication.alert(window, 0)


class Guest(QObject):
    """Of one window, until that is deleted or `close` is called."""

    def __init__(
        self,
        window: RejoinWindow,
        services: Services,
        *,
        choices: Callable[[], Choices],
        clock: Clock,
    ) -> None:
        """`choices`: what the player has chosen, now."""
        super().__init__(window)
        self._window = window
        self._services = services
        self._choices = choices
        self._clock = clock
        self._title = window.windowTitle()
        self._hinted: Hinted = Quiet()
        self._awake = False
        place = services.place
        self._kept = self._place = None if place is None else place.read()
        self._moved_at: float | None = None
        self._closed = False
        window.refreshed.connect(self.update)
        window.gone.connect(self.close)

    def update(self) -> None:
        """Do what the newest snapshot, the window and the clock ask for."""
        if self._closed:
            return
        window, now = self._window, self._clock()
        snapshot = window.snapshot
        visible = window.isVisible()
        seen = Seen(window.isActiveWindow() or not visible, visible and not window.isMinimized())
        title = hint_texts.window_title(snapshot, now, self._title)
        if title != window.windowTitle():
            window.setWindowTitle(title)
        self._keep_awake(keeps_awake(snapshot, seen))
        # Who has closed the window (it is hidden until the engine has finished) wants no hints.
        choices = self._choices() if visible else Choices(background=False)
        self._hinted, hints = next_hints(self._hinted, snapshot, now, seen, choices)
        for hint in hints:
            self._carry_out(hint)
        self._keep_place(now)

    def close(self) -> None:
        """Undo everything that outlasts the window. May be called twice."""
        if self._closed:
            return
        self._closed = True
        if self._services.wayland is not None:
            self._services.wayland.hold(None)
        self._services.desktop.close()
        place = self._services.place
        if place is not None:
            if self._place is not None and self._place != self._kept:
                place.keep(self._place)
            place.close()

    def _keep_awake(self, wanted: bool) -> None:
        if self._services.wayland is not None:
            self._services.wayland.hold(self._window if wanted else None)
        if wanted != self._awake:
            self._awake = wanted
            self._services.desktop.keep_awake(wanted)

    def _carry_out(self, hint: Hint) -> None:
        match hint:
            case Notify(notification):
                self._services.desktop.notify(notification)
                self._services.alert(self._window)
            case Withdraw():
                self._services.desktop.notify(None)
            case Sound():
                self._services.sound()
            case _:
                assert_never(hint)

    def _keep_place(self, now: float) -> None:
        if self._services.place is None:
            return
        place = place_of(self._window, self._place)
        if place != self._place:
            self._place, self._moved_at = place, now
        elif self._moved_at is not None and now - self._moved_at >= KEEP_AFTER_S:
            self._moved_at = None
            if place is not None and place != self._kept:
                self._services.place.keep(place)
                self._kept = place
