"""One game played in the home window: its client on the stream thread, and its view."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from PySide6.QtCore import QCoreApplication, QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication, QWidget

from rejoin.clock import boot_s
from rejoin.core.model import Ending, Stage
from rejoin.gui.guest.hosted import hosted
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.network_hint import NetworkHint, qt_network
from rejoin.gui.renderer_choice import Choice
from rejoin.gui.surface_choice import SurfaceUse
from rejoin.gui.window_options import WindowOptions
from rejoin.gui.window_size import open_on
from rejoin.runtime import opening
from rejoin.runtime.instance_server import OnActivate
from rejoin.runtime.launch import GameToPlay
from rejoin.runtime.player import Player
from rejoin.runtime.said_once import SaidOnce
from rejoin.runtime.stream_thread import END_TIMEOUT_S, StreamThread

_log = logging.getLogger("rejoin.home")

_POLL_MS: Final = 20


@dataclass(frozen=True, slots=True)
class Parts:
    """What a game is made of. `network_hint`: whether Qt has to say what it knows of networks.
    `full_screen`: it begins so."""

    game: GameToPlay
    player: Player
    options: WindowOptions
    network_hint: bool = False
    full_screen: bool = False


MakeParts = Callable[[GameToPlay, OnActivate], Parts]
"""Composes a game by the player's settings as they are now. The second argument is called, on any
thread, when another Rejoin is started for the same game. Raises RejoinError."""


class PlayedGame(QObject):
    """From `start` until `over`. To be used on the GUI thread."""

    began = Signal()
    """The first picture is there: it is played."""
    left = Signal()
    """The player left the game while it runs: nothing of it is shown any more."""
    over = Signal()
    """The stream thread has ended, and the claims on the game are given back."""

    def __init__(
        self,
        parts: Parts,
        use: SurfaceUse,
        parent: QWidget,
        fell_back: Callable[[Choice], None] = lambda choice: None,
    ) -> None:
        """`fell_back`: is told what draws, before the native window is made anew for it."""
        super().__init__(parent)
        self._fell_back = fell_back
        self._parts = parts
        self._use = use
        self.wants_another = False
        """The player asked for a new game at the end of this one."""
        options = replace(
            parts.options,
            start_again=self._start_again,
            make_surface=use.make_surface,
            on_surface_failed=self._on_surface_failed,
        )
        self.view = RejoinWindow(parts.player, options, parent=parent)
        self.view.left.connect(self._on_left)
        self.view.gone.connect(self._on_gone)
        self.view.refreshed.connect(self._on_refreshed)
        self._thread: StreamThread[Ending] = StreamThread(parts.player.run)
        self.ending: Ending | None = None
        self.stuck = False
        """The stream thread did not end in time."""
        self._until = 0.0
        self._has_begun = False
        self._was_full_screen = parent.window().isFullScreen()
        source = qt_network() if parts.network_hint else None
        self._hint = None if source is None else NetworkHint(self.view.bridge.post, source)
        self._said = SaidOnce()
        application = QCoreApplication.instance()
        assert isinstance(application, QApplication)
        # The home keeps its own place.
        self._beside = hosted(application, self.view, options.settings, boot_s, place=None)

    def start(self) -> None:
        """Start the stream thread, and the probe of the graphics card where one is worth it."""
        self._thread.start()
        self._use.begin()
        window = self.view.window()
        screen = self._parts.options.screen
        if screen is not None and screen != window.screen().name() and not window.isFullScreen():
            open_on(window, screen)
        if self._parts.full_screen and not window.isFullScreen():
            self.view.controls.full_screen.toggle()

    def say(self, text: str) -> None:
        """Show a note over the game for a while."""
        self.view.files.noted.emit(text)

    def _on_left(self) -> None:
        self._leave_full_screen()
        self.left.emit()

    def _leave_full_screen(self) -> None:
        """The home has the window as it was before the game."""
        if self.view.window().isFullScreen() and not self._was_full_screen:
            self.view.controls.full_screen.toggle()

    def _start_again(self) -> None:
        self.wants_another = True
        self.view.close()

    def _on_surface_failed(self, why: str) -> None:
        self._use.fall_back(why)
        self._fell_back(self._use.choice)

    def _on_refreshed(self) -> None:
        stage = self.view.snapshot.stage
        if stage is Stage.LIVE:
            if not self._has_begun:
                self._has_begun = True
                self.began.emit()
            for problem in self._said.new(self._parts.player.problems()):
                _log.warning("%s", problem)  # the view shows it
        if not self._thread.running and self._parts.player.snapshot.stage is not Stage.ENDED:
            self.view.close()

    def _on_gone(self) -> None:
        self._leave_full_screen()
        self._beside.close()
        self._parts.options.pads.stop()
        if self._hint is not None:
            self._hint.close()
        self._until = time.monotonic() + END_TIMEOUT_S
        self._wait()

    def _wait(self) -> None:
        """Without stopping the window's thread, as `StreamThread.join` would."""
        if self._thread.running and time.monotonic() < self._until:
            QTimer.singleShot(_POLL_MS, self, self._wait)
            return
        self.stuck = self._thread.running
        if not self.stuck:
            try:
                self.ending = self._thread.join()
            except Exception:
                _log.exception("the game failed")
            opening.release(self._parts.game)
        self.over.emit()
