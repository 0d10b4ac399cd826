"""Saves what the player asked for (a picture of the game, a report) on a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QStandardPaths, Qt, Signal

from rejoin.errors import RejoinError
from rejoin.media.video.picture import Picture
from rejoin.media.video.png import png_of
from rejoin.runtime.new_file import NotSaved, Saved, write_new_file

_CLOSE_WITHIN_S: Final = 2.0


class Saving(QObject):
    """One file at a time: while one is being written, another is not begun.

    Nothing is kept: neither the content nor where it went.
    """

    finished = Signal(object)
    """`Saved` or `NotSaved`, on the GUI thread."""

    _written = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread: threading.Thread | None = None
        self._written.connect(self._finish, Qt.ConnectionType.QueuedConnection)

    @property
    def busy(self) -> bool:
        """Whether a file is being written."""
        return self._thread is not None

    def save(
        self,
        folder: Path,
        name: str,
        content: Callable[[], bytes],
        on_written: Callable[[Saved | NotSaved], None] = lambda outcome: None,
    ) -> bool:
        """Begin, and return at once; False while another file is being written.

        `content` and then `on_written` are called on the thread. `content` may raise RejoinError,
        `on_written` must not raise. `close` waits for both.
        """
        if self._thread is not None:
            return False

        def write() -> None:
            try:
                file = write_new_file(folder, name, content())
                outcome: Saved | NotSaved = Saved(file, home_folder())
            except RejoinError as error:
                outcome = NotSaved(str(error))
            on_written(outcome)
            self._written.emit(outcome)

        self._thread = threading.Thread(target=write, name="rejoin-save", daemon=True)
        self._thread.start()
        return True

    def save_picture(self, picture: Picture, now: datetime) -> bool:
        """The game's picture as the host sent it, into the player's folder for pictures."""
        name = f"Rejoin {stamp(now)}.png"
        return self.save(pictures_folder(), name, lambda: png_of(picture))

    def save_report(self, text: str, now: datetime) -> bool:
        """The text of a report, into the player's folder for documents."""
        name = f"Rejoin report {stamp(now)}.txt"
        return self.save(documents_folder(), name, text.encode)

    def close(self) -> None:
        """Wait for the file that is being written, for two seconds at most."""
        if self._thread is not None:
            self._thread.join(_CLOSE_WITHIN_S)

    def _finish(self, outcome: Saved | NotSaved) -> None:
        self._thread = None
        self.finished.emit(outcome)


def stamp(now: datetime) -> str:
    """In a name of a file on any system: no colons."""
    return now.strftime("%Y-%m-%d %H.%M.%S")


def home_folder() -> Path:
    """As Qt knows it."""
    return Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.HomeLocation))


def pictures_folder() -> Path:
    """`Rejoin` in the player's folder for pictures."""
    location = QStandardPaths.StandardLocation.PicturesLocation
    return Path(QStandardPaths.writableLocation(location)) / "Rejoin"


def documents_folder() -> Path:
    """The player's folder for documents."""
    location = QStandardPaths.StandardLocation.DocumentsLocation
    return Path(QStandardPaths.writableLocation(location))
