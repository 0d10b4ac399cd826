"""The theme follows the system's wish for reduced motion while the program runs."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication

from rejoin.gui import theme
from rejoin.runtime.motion_wish import MotionWish

AFTER_MS = 0
"""The first turn of the event loop: the first window is shown before."""


class SystemMotion(QObject):
    """Asks when the event loop has begun, and hears of changes until the program ends."""

    _heard = Signal(bool)

    def __init__(self, application: QApplication, wish: MotionWish) -> None:
        super().__init__(application)
        self._application = application
        self._wish = wish
        self._heard.connect(self._follow, Qt.ConnectionType.QueuedConnection)
        application.aboutToQuit.connect(wish.close)
        QTimer.singleShot(AFTER_MS, self, lambda: wish.follow(self._heard.emit))

    def _follow(self, reduced: bool) -> None:
        theme.follow_system_motion(self._application, reduced=reduced)
