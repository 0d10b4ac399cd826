"""Takes links from macOS, which sends an event to the application instead of an argument."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QEvent, QObject
from PySide6.QtGui import QFileOpenEvent


class LinkEvents(QObject):
    """Passes each link of the scheme `rejoin` to `open_link`, while `parent` exists."""

    def __init__(self, parent: QObject, open_link: Callable[[str], None]) -> None:
        super().__init__(parent)
        self._open_link = open_link
        application = QCoreApplication.instance()
        if application is not None:
            application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.FileOpen:  # of all events of all objects
            return False
        if isinstance(event, QFileOpenEvent) and event.url().scheme() == "rejoin":
            self._open_link(bytes(event.url().toEncoded().data()).decode("ascii"))
            return True
        return False

    def close(self) -> None:
        """Stop taking links; called before the window is destroyed."""
        application = QCoreApplication.instance()
        if application is not None:
            application.removeEventFilter(self)
