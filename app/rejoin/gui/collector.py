"""Collects garbage on the thread of the windows alone.

The interpreter collects on any thread that allocates, and would free the remains of closed windows
there. A Qt object must be freed on its own thread: on another one it may be painted meanwhile, and
its timers stay behind; either crashes the process.
"""

from __future__ import annotations

import gc
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from rejoin.interpreter import Collect, collect_by

CHECK_EVERY_MS: Final = 100
_OLDEST: Final = 2
_OLDEST_SELDOM: Final = 4
"""The interpreter itself collects the oldest generation less often than its threshold says."""


class Collector(QObject):
    """Takes over the collections of this process, also those that `interpreter.collect_soon` wants.
    While `gc.disable` is in force it only makes those."""

    _wanted = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._wanted.connect(self._collect)
        collect_by(self._want)
        youngest, middle, oldest = gc.get_threshold()
        self._thresholds = (youngest, middle, oldest * _OLDEST_SELDOM)
        gc.set_threshold(0)  # no collection by itself
        timer = QTimer(self)
        timer.timeout.connect(self.collect_due)
        timer.start(CHECK_EVERY_MS)

    @Slot()
    def collect_due(self) -> None:
        """Collect the oldest generation that is due."""
        if not gc.isenabled():
            return
        counts = gc.get_count()
        for generation in range(_OLDEST, -1, -1):
            if counts[generation] > self._thresholds[generation]:
                gc.collect(generation)
                return

    def _want(self, collect: Collect) -> None:
        """On any thread."""
        try:
            self._wanted.emit(collect)
        except RuntimeError:  # the application is gone: what is left goes with the process
            return

    @Slot(object)
    def _collect(self, collect: Collect) -> None:
        collect()
