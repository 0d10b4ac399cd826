"""Bounds how fast a client can fill the log: records beyond a rate are only counted.

Lines of calls (`call_log`) and all other lines have separate rates, so that many calls hide no
warning. The audit log has bounds of its own (`audit`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from rejoin.backend.audit import LOGGER as AUDIT
from rejoin.backend.call_log import CALLS
from rejoin.backend.token_bucket import TokenBucket
from rejoin.clock import boot_s

RECORDS_PER_S: Final = 20.0
BURST: Final = 100.0


def limit_log_rate() -> None:
    """Bound what this process logs, by whichever logger: a filter of a logger would not see the
    records of the loggers below it."""
    rate = LogRate()
    for handler in logging.getLogger().handlers:
        handler.addFilter(rate)


@dataclass(slots=True)
class _Rate:
    """Records that may still pass, and how many did not."""

    records: TokenBucket = field(default_factory=lambda: TokenBucket(RECORDS_PER_S, BURST))
    dropped: int = 0


class LogRate(logging.Filter):
    """Lets `BURST` records through at once and `RECORDS_PER_S` from then on; errors always."""

    def __init__(self, clock: Callable[[], float] = boot_s) -> None:
        super().__init__()
        self._clock = clock
        self._calls, self._others = _Rate(), _Rate()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.ERROR or record.name == AUDIT:
            return True
        rate = self._calls if record.name == CALLS else self._others
        if rate.records.take(self._clock()):
            rate.dropped += 1
            return False
        if rate.dropped:
            record.msg = f"{record.getMessage()} ({rate.dropped} records before it are left out)"
            record.args = None
            rate.dropped = 0
        return True
