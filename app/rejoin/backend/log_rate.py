"""Bounds how fast a client can fill the log: so many records a second, and a line with the rest.

The audit log has bounds of its own (`audit`), so that no flood hides its lines.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from rejoin.backend.audit import LOGGER as AUDIT
from rejoin.clock import boot_s

RECORDS_PER_S: Final = 20.0
BURST: Final = 100.0


def limit_log_rate() -> None:
    """Bound what this process logs, by whichever logger: a filter of a logger would not see the
    records of the loggers below it."""
    rate = LogRate()
    for handler in logging.getLogger().handlers:
        handler.addFilter(rate)


class LogRate(logging.Filter):
    """Lets `BURST` records through at once and `RECORDS_PER_S` from then on; errors always."""

    def __init__(self, clock: Callable[[], float] = boot_s) -> None:
        super().__init__()
        self._clock = clock
        self._left = BURST
        self._at = clock()
        self._dropped = 0

    def filter(self, record: logging.LogRecord) -> bool:
        now = self._clock()
        self._left = min(BURST, self._left + (now - self._at) * RECORDS_PER_S)
        self._at = now
        if record.levelno >= logging.ERROR or record.name == AUDIT:
            return True
        if self._left < 1.0:
            self._dropped += 1
            return False
        self._left -= 1.0
        if self._dropped:
            record.msg = f"{record.getMessage()} ({self._dropped} records before it are left out)"
            record.args = None
            self._dropped = 0
        return True
