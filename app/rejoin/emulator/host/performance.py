"""A stream host's own load, with the members of the Web SDK's typings.

The developer guide's example has other names. The load is that of the emulator's process as the
application's, and that of this machine; it has no GPU.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Final

SHARE_EVERY_S = 1.0
"""Documented: they are measured every second."""
_MB: Final = 1e6


class LoadMeter:
    """Measures this process and this machine between two readings."""

    def __init__(self) -> None:
        self._wall_s, self._cpu_s = time.monotonic(), time.process_time()
        self._machine = _machine_ticks()

    def read(self) -> str:
        """JSON: CPU since the reading before, as a share of all cores, and memory now in MB.

        Where this system does not report a value, it is 0.
        """
        wall_s, cpu_s, machine = time.monotonic(), time.process_time(), _machine_ticks()
        passed_s = max(wall_s - self._wall_s, 1e-3)
        share = (cpu_s - self._cpu_s) / passed_s / (os.cpu_count() or 1)
        busy, total = machine[0] - self._machine[0], machine[1] - self._machine[1]
        self._wall_s, self._cpu_s, self._machine = wall_s, cpu_s, machine
        own_mb, used_mb, all_mb = _own_memory_mb(), *_memory_mb()
        application = {
            "cpuUtilizationNormalized": _share(share),
            "memoryUtilizationNormalized": _share(own_mb / all_mb if all_mb else 0.0),
            "memoryUtilizationMb": round(own_mb, 1),
        }
        system = {
            "cpuUtilization": _share(busy / total if total else 0.0),
            "memoryUtilization": _share(used_mb / all_mb if all_mb else 0.0),
            "memoryUtilizationMb": round(used_mb, 1),
            "gpuUtilization": 0,
            "vramUtilization": 0,
            "vramUtilizationMb": 0,
        }
        timestamp_ms = round(time.time() * 1000)
        return json.dumps({"timestamp": timestamp_ms, "application": application, "system": system})


def _share(value: float) -> float:
    return round(min(1.0, max(0.0, value)), 4)


def _machine_ticks() -> tuple[int, int]:
    """What all cores did since the boot: ticks busy, and all ticks; (0, 0) without /proc."""
    if sys.platform != "linux":
        return 0, 0
    with open("/proc/stat", encoding="ascii") as stat:
        ticks = [int(each) for each in stat.readline().split()[1:9]]
    idle = ticks[3] + ticks[4]  # proc(5): idle, iowait
    return sum(ticks) - idle, sum(ticks)


def _own_memory_mb() -> float:
    """Resident memory of this process; 0 without /proc."""
    if sys.platform != "linux":
        return 0.0
    with open("/proc/self/statm", encoding="ascii") as statm:
        pages = int(statm.read().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / _MB


def _memory_mb() -> tuple[float, float]:
    """The machine's memory in use, and all of it; (0, 0) without /proc."""
    if sys.platform != "linux":
        return 0.0, 0.0
    with open("/proc/meminfo", encoding="ascii") as meminfo:
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in meminfo}
    total = kilobytes["MemTotal"]
    return (total - kilobytes.get("MemAvailable", 0)) * 1024 / _MB, total * 1024 / _MB
