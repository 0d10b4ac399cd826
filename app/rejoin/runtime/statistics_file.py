"""Writes the shown connection's statistics to a CSV file, one line per second."""

from __future__ import annotations

import contextlib
import csv
import io
import logging
from pathlib import Path

from rejoin.errors import BadInputError
from rejoin.media.statistics import StreamStatistics, columns, row

_log = logging.getLogger("rejoin.statistics")


class StatisticsFile:
    """Written line by line, so that it can be read during the game.

    If the disk fills up, writing stops with one warning and the game goes on. A partly written line
    is cut off again, so the file ends with a whole line.
    """

    def __init__(self, path: Path, *, append: bool = False) -> None:
        """Overwrites an existing file; with `append` the lines of another game go on in it. Raises
        BadInputError if it cannot be written."""
        self._broken = False
        try:
            self._file = path.open("ab" if append else "wb", buffering=0)
            try:
                if not append:
                    self._write(("at_s", *columns()))
            except OSError:
                self.close()
                raise
        except OSError as error:
            raise BadInputError(
                f"The statistics file cannot be written ({error.strerror})."
            ) from None

    def write(self, at: float, statistics: StreamStatistics) -> None:
        """One line. `at`: boot time in seconds."""
        if self._broken or self._file.closed:
            return
        try:
            self._write((f"{at:.3f}", *row(statistics)))
        except OSError as error:
            self._broken = True
            _log.warning("statistics are no longer written: %s", error.strerror)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()

    def _write(self, cells: tuple[str, ...]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerow(cells)
        line = memoryview(text.getvalue().encode())
        written = 0
        try:
            while written < len(line):  # a full disk may take a part of it before it refuses
                written += self._file.write(line[written:]) or 0
        except OSError:
            if written:
                with contextlib.suppress(OSError):
                    self._file.truncate(self._file.tell() - written)
            raise
