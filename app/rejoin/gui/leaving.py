"""How a game's window is left: closed in a game, it is hidden until the engine has finished."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QCloseEvent

from rejoin.core.events import CloseForNowRequested
from rejoin.core.model import Stage
from rejoin.gui import texts
from rejoin.gui.window_options import Presence

if TYPE_CHECKING:
    from rejoin.gui.main_window import RejoinWindow

LEAVE_WITHIN_S = 10.0
"""A closed window, hidden, waits at most this long for the engine to finish."""


class Leaving:
    """Whether one window is open, and its way from there to gone."""

    def __init__(self, window: RejoinWindow, on_gone: Callable[[], None]) -> None:
        """`on_gone`: called once, when nothing is waited for any more."""
        self._window = window
        self._on_gone = on_gone
        self._presence = Presence.OPEN

    @property
    def start_requested(self) -> bool:
        return self._presence is Presence.START_REQUESTED

    @property
    def has_left(self) -> bool:
        """Whether the player has closed the window."""
        return self._presence in (Presence.LEAVING, Presence.GONE)

    @property
    def is_gone(self) -> bool:
        return self._presence is Presence.GONE

    def request_start(self) -> None:
        """The player has requested a game, if the window is not closed."""
        if not self.has_left:
            self._presence = Presence.START_REQUESTED

    def close(self, event: QCloseEvent) -> None:
        """While a game runs, closing is *Close for now*: hidden until the engine has finished."""
        window = self._window
        stage = window.snapshot.stage
        if stage in (Stage.IDLE, Stage.ENDED) or self.has_left:
            event.accept()
            self.finish()
            return
        event.ignore()
        self._presence = Presence.LEAVING
        window.inputs.close()
        if stage is not Stage.ENDING or texts.waits_to_end(window.snapshot):
            self._keep_picture()
            window.bridge.post(CloseForNowRequested())
        window.hide()
        window.left.emit()
        QTimer.singleShot(round(LEAVE_WITHIN_S * 1000), window, self.finish)

    def _keep_picture(self) -> None:
        """Keep the last picture while the game can be continued; the port knows whether that is
        allowed."""
        picture = self._window.layers.view.picture
        if picture is not None and self._window.snapshot.stage is not Stage.ENDING:
            self._window.bridge.keep_picture(picture)

    def follow(self, stage: Stage) -> None:
        """There is a new snapshot."""
        if self._presence is Presence.LEAVING and stage is Stage.ENDED:
            self.finish()

    def finish(self) -> None:
        """Nothing is waited for any more. May be called twice."""
        if not self.is_gone:
            self._presence = Presence.GONE
            self._on_gone()
