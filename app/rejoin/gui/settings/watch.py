"""Notices that the settings file was changed: by the screen, a verb or an editor."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from rejoin.runtime.settings_file import load

EVERY_MS = 1000
"""One `stat` of a file. Qt's QFileSystemWatcher loses a file that is replaced by another, and knows
no folder that does not exist yet."""

_State = tuple[int, int, int] | None


class SettingsWatch(QObject):
    """Looks at the file once a second, until it is deleted."""

    changed = Signal(object)
    """The `Loaded` of the file, after each change."""

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self._state = self._now()
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(self.check)
        self._timer.start()

    def check(self) -> None:
        """Send `changed`, if the file is another than before."""
        state = self._now()
        if state != self._state:
            self._state = state
            self.changed.emit(load(self._path))

    def _now(self) -> _State:
        """None: there is none, or it cannot be read."""
        try:
            found = os.stat(self._path)
        except (OSError, ValueError):
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
