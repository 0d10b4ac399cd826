"""The window as a guest on the player's desktop: awake, hints, title, and where it was.

At each refresh of the window it compares what should be with what is, and changes that alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QWidget

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
from rejoin.gui.guest.place import KeptPlace
from rejoin.gui.guest.wayland_idle import IdleInhibitor
from rejoin.runtime.desktop_bus import Desktop
from rejoin.runtime.place_file import PlaceFile

if TYPE_CHECKING:
    from rejoin.gui.main_window import RejoinWindow


@dataclass(frozen=True, slots=True)
class Services:
    """What the guest uses. `desktop`: notifications, and the screen saver. `wayland`: the latter on
    Wayland, as well. `sound`: plays the sound. `place`: where the place is kept; None: by somebody
    else, or nowhere. `alert`: has the taskbar mark the window."""

    desktop: Desktop
    sound: Callable[[], object]
    wayland: IdleInhibitor | None = None
    place: PlaceFile | None = None
    alert: Callable[[QWidget], object] = lambda window: QApplication.alert(window, 0)


class Guest(QObject):
    """Of one game, until its view is deleted or `close` is called. Where the view is a part of
    another window, the title, state and place of that one count."""

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
        self._title = window.window().windowTitle()
        self._hinted: Hinted = Quiet()
        self._awake = False
        self._place = None if services.place is None else KeptPlace(services.place)
        self._closed = False
        window.refreshed.connect(self.update)
        window.gone.connect(self.close)

    def update(self) -> None:
        """Do what the newest snapshot, the window and the clock ask for."""
        if self._closed:
            return
        window, now = self._window.window(), self._clock()
        snapshot = self._window.snapshot
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
        if self._place is not None:
            self._place.update(window, now)

    def close(self) -> None:
        """Undo everything that outlasts the window. May be called twice."""
        if self._closed:
            return
        self._closed = True
        if self._services.wayland is not None:
            self._services.wayland.hold(None)
        self._services.desktop.close()
        if self._window.window().windowTitle() != self._title:
            self._window.window().setWindowTitle(self._title)
        if self._place is not None:
            self._place.close()

    def _keep_awake(self, wanted: bool) -> None:
        if self._services.wayland is not None:
            self._services.wayland.hold(self._window.window() if wanted else None)
        if wanted != self._awake:
            self._awake = wanted
            self._services.desktop.keep_awake(wanted)

    def _carry_out(self, hint: Hint) -> None:
        match hint:
            case Notify(notification):
                self._services.desktop.notify(notification)
                self._services.alert(self._window.window())
            case Withdraw():
                self._services.desktop.notify(None)
            case Sound():
                self._services.sound()
            case _:
                assert_never(hint)
