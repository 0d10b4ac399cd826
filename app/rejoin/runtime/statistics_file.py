"""Writes the shown connection's statistics to a CSV file, one line per second."""

from __future__ import annotations

import csv
import logging
from pathlib import Path

from rejoin.errors import BadInputError
from rejoin.media.statistics import StreamStatistics, columns, row

_log = logging.getLogger("rejoin.statistics")


class StatisticsFile:
    """Flushed after every line, so that it can be read during the game.

    If the disk fills up, writing stops with one warning and the game goes on.
    """

    def __init__(self, path: Path) -> None:
        """Overwrites an existing file. Raises BadInputError if it cannot be written."""
        self._broken = False
        try:
            self._file = path.open("w", encoding="utf-8", newline="")
            self._writer = csv.writer(self._file)
            try:
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
        try:
            self._file.close()
        except OSError:
            return  # what was buffered does not fit; a warning was logged already

    def _write(self, cells: tuple[str, ...]) -> None:
        self._writer.writerow(cells)
        self._file.flush()
