"""The audit log: a line for each start, create, terminate and refused sign-in.

The log's general rate (`log_rate`) does not count these lines, so no flood of other lines hides
them. Each player has a rate of their own, and all refused sign-ins share one. Lines beyond it are
counted, and their number is in the next line, ten seconds later at the latest. So a client that
calls without end fills no disk and hides no other player's line.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any, Final

from rejoin.backend.token_bucket import TokenBucket
from rejoin.clock import Clock

LOGGER: Final = "rejoin.backend.audit"
_log = logging.getLogger(LOGGER)

BURST: Final = 60.0
LINES_PER_S: Final = 1.0
COUNTED_WITHIN_S: Final = 10.0
_MOST_SOURCES: Final = 10_000


def note_own(message: str, operation: str) -> None:
    """An audit line for something that the backend did by itself, without a player's call."""
    _log.info("%s", message, extra={"operation": operation})


@dataclass(slots=True)
class _Source:
    """Lines that a source may still cause, and how many were left out."""

    lines: TokenBucket = field(default_factory=lambda: TokenBucket(LINES_PER_S, BURST))
    left_out: int = 0
    timer: asyncio.TimerHandle | None = None


class Audit:
    """The audit lines of one process. Use it on the event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sources: dict[str, _Source] = {}

    @property
    def enabled(self) -> bool:
        """Whether anybody wants the lines."""
        return _log.isEnabledFor(logging.INFO)

    def note(self, source: str, message: str, fields: dict[str, Any]) -> None:
        """One line. `source`: whose lines are counted together; `fields`: for JSON, beside the
        message."""
        found = self._sources.pop(source, None) or _Source()
        while len(self._sources) >= _MOST_SOURCES:
            oldest = next(iter(self._sources))
            self._say_left_out(oldest)
            del self._sources[oldest]
        self._sources[source] = found
        if found.lines.take(self._clock()):
            found.left_out += 1
            if found.timer is None:
                loop = asyncio.get_running_loop()
                found.timer = loop.call_later(COUNTED_WITHIN_S, self._say_left_out, source)
            return
        self._say_left_out(source)
        _log.info("%s", message, extra=fields)

    def close(self) -> None:
        """Write the counts that no line has yet."""
        for source in self._sources:
            self._say_left_out(source)

    def _say_left_out(self, source: str) -> None:
        found = self._sources[source]
        if found.timer is not None:
            found.timer.cancel()
            found.timer = None
        if found.left_out:
            count, found.left_out = found.left_out, 0
            _log.warning(
                "%d audit lines of one source are left out",
                count,
                extra={"source": source, "left_out": count},
            )
