"""How much memory this process has for itself, so that a leak shows in results."""

from __future__ import annotations

from typing import Final

import psutil

MB: Final = 1e6


def own_memory_mb() -> float | None:
    """What would be free if this process ended now (its unique set size), in MB; None where the
    system does not say. Libraries that other processes use too do not count."""
    try:
        return round(psutil.Process().memory_full_info().uss / MB, 3)
    except (psutil.Error, OSError):
        return None
