"""A stream host's own load, in the shape of AWS's performance statistics.

AWS's guide names `application.cpuNormalized`, `application.memoryMB` and `system.gpuPercent`; only
the Web SDK's typings have the whole shape and the units. Only these three are sent: the emulator's
own process stands for the application, and its machine counts as one without a GPU.
"""

from __future__ import annotations

import json
import os
import sys
import time

SHARE_EVERY_S = 1.0
"""Documented: they are measured every second."""


class LoadMeter:
    """Measures this process between two readings."""

    def __init__(self) -> None:
        self._wall_s, self._cpu_s = time.monotonic(), time.process_time()

    def read(self) -> str:
        """JSON: CPU since the reading before, in percent of all cores, and memory now."""
        wall_s, cpu_s = time.monotonic(), time.process_time()
        passed_s = max(wall_s - self._wall_s, 1e-3)
        share = (cpu_s - self._cpu_s) / passed_s / (os.cpu_count() or 1)
        self._wall_s, self._cpu_s = wall_s, cpu_s
        application: dict[str, float] = {"cpuNormalized": round(min(1.0, share) * 100, 1)}
        memory_mb = _memory_mb()
        if memory_mb is not None:
            application["memoryMB"] = round(memory_mb, 1)
        return json.dumps({"application": application, "system": {"gpuPercent": 0}})


def _memory_mb() -> float | None:
    """Resident memory in MB; None where there is no /proc."""
    if sys.platform != "linux":
        return None
    with open("/proc/self/statm", encoding="ascii") as statm:
        pages = int(statm.read().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
