"""Records when the host was due but did not run, as on a busy machine.

Pure. Meanwhile packets wait in its own sockets, which looks like a queue on the path.
"""

from __future__ import annotations

from collections import deque
from typing import Final

LATE_S: Final = 0.005
"""Event loops wake up to a millisecond or two late at any time."""
KEPT_S: Final = 5.0
"""No packet is on the way for longer, with the largest queues of the profiles."""


class OwnLateness:
    """Times are seconds of the host's clock."""

    def __init__(self) -> None:
        self._spans: deque[tuple[float, float]] = deque()
        """From when it was due until it ran, in order; they do not overlap."""

    def woke(self, due: float, now: float) -> None:
        """A timer that was due at `due_at` runs now."""
        if now - due < LATE_S:
            return
        while self._spans and self._spans[-1][1] >= due:
            due = min(due, self._spans.pop()[0])
        self._spans.append((due, now))
        while self._spans[0][1] < now - KEPT_S:
            self._spans.popleft()

    def within(self, since: float, until: float) -> float:
        """For how long of this time it did not run, in seconds."""
        late_s = 0.0
        for began, ended in reversed(self._spans):
            if ended <= since:
                break
            late_s += max(0.0, min(until, ended) - max(since, began))
        return late_s
