"""Takes links from macOS, which sends an event to the application instead of an argument."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication


class LinkApplication(QApplication):
    """Emits `link_opened` for each link of the scheme `rejoin`.

    Not by an event filter: one of the application is asked about every event of every object, and
    PySide makes a wrapper of each, also of what is being deleted, which may end the process.
    """

    link_opened = Signal(str)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FileOpen and isinstance(event, QFileOpenEvent):
            url = event.url()
            if url.scheme() == "rejoin":
                self.link_opened.emit(bytes(url.toEncoded().data()).decode("ascii"))
                return True
        return super().event(event)
