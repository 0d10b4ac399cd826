"""Measures the memory of this process, and how long it had to wait for a processor."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import psutil

MB: Final = 1e6
_SCHEDULED: Final = Path("/proc/thread-self/schedstat")
"""Of this thread, on Linux: how long it ran, how long it was ready and waited, in ns; and how
often."""


def own_memory_mb() -> float | None:
    """The memory that the end of this process would free (its unique set size), in MB; None if
    unknown. Libraries shared with other processes do not count."""
    try:
        return round(psutil.Process().memory_full_info().uss / MB, 3)
    except (psutil.Error, OSError):
        return None


def waited_s() -> float | None:
    """How long this thread has waited for a processor so far, while it was ready to run; None where
    the system does not say. A build that computes more does not wait longer by itself: this
    measures the load of the rest of the machine."""
    try:
        return int(_SCHEDULED.read_text(encoding="ascii").split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return None
