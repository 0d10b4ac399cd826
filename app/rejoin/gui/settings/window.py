"""The settings in a window of their own: `rejoin settings open`."""

from __future__ import annotations

import signal
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from rejoin.gui.own_pads import pads_in
from rejoin.gui.qt_application import INTERRUPTED, make_application
from rejoin.gui.settings.appearance import appearance_of
from rejoin.gui.settings.chosen_controls import pads_of
from rejoin.gui.settings.page import SettingsPage
from rejoin.gui.window_size import first_size
from rejoin.language import mark, tr
from rejoin.runtime.settings_file import load

_TITLE = mark("Rejoin: settings")
_LEAST = QSize(640, 400)
_CHECK_MS = 200


class SettingsWindow(QWidget):
    """Holds the page, and closes when the player leaves it."""

    closed = Signal()

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._say_title()
        available = self.screen().availableSize()
        self.setMinimumSize(_LEAST.boundedTo(available))
        self.resize(first_size(available))
        self.page = SettingsPage(path)
        self.page.left.connect(self.close)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.page)

    def _say_title(self) -> None:
        self.setWindowTitle(tr(_TITLE))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._say_title()

    def closeEvent(self, event: QCloseEvent) -> None:
        super().closeEvent(event)
        self.closed.emit()


def run(path: Path) -> int:
    """Show it until it is closed: 0, or 130 after Ctrl+C. Raises NoDisplayError,
    AssetMissingError."""
    application = make_application(appearance_of(load(path).settings))
    window = SettingsWindow(path)
    interrupts: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: interrupts.append(number))
    checking = QTimer(window)  # Python hears of a signal only while it runs
    checking.timeout.connect(lambda: window.close() if interrupts else None)
    checking.start(_CHECK_MS)
    window.closed.connect(application.quit, Qt.ConnectionType.QueuedConnection)
    try:
        window.show()
        with pads_in(window, load(path).settings) as pads:
            window.page.watch.changed.connect(lambda loaded: pads.choose(pads_of(loaded.settings)))
            application.exec()
    finally:
        signal.signal(signal.SIGINT, before)
        window.deleteLater()
        QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete.value)
    return INTERRUPTED if interrupts else 0
