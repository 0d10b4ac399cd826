"""Runs garbage collections on the thread of the windows.

The stream's thread wants one after a connection closed (`interpreter.collect_soon`). Run there, it
would also free what is left of closed windows, and an object of Qt that is freed on another thread
than its own leaves its timers behind: the next one that fires ends the process.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from rejoin.interpreter import Collect, collect_by


class Collector(QObject):
    """Takes over the collections of this process, while its parent exists."""

    _wanted = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._wanted.connect(self._collect)
        collect_by(self._want)

    def _want(self, collect: Collect) -> None:
        """On any thread."""
        try:
            self._wanted.emit(collect)
        except RuntimeError:  # the application is gone: what is left goes with the process
            return

    @Slot(object)
    def _collect(self, collect: Collect) -> None:
        collect()
