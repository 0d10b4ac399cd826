"""Memory, CPU time, threads and file descriptors of a process. Linux only, as the benches are."""

from __future__ import annotations

import asyncio
import ctypes
import os
import threading
from pathlib import Path
from statistics import median

SAMPLES = 10
SAMPLE_EVERY_S = 0.1


def rss_mb(pid: int | None = None) -> float:
    """Resident memory of a process (by default this one) in MB."""
    for line in _proc(pid, "status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError("/proc does not report resident memory.")


async def resident_mb(pid: int | None = None) -> float:
    """The median of several samples of `rss_mb`, taken over one second."""
    samples = []
    for _ in range(SAMPLES):
        await asyncio.sleep(SAMPLE_EVERY_S)
        samples.append(rss_mb(pid))
    return median(samples)


def trim_heap() -> None:
    """Return free heap to the system, where the C library can (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used, user and system."""
    after_name = _proc(pid, "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def open_files() -> tuple[int, int]:
    """The number of this process's file descriptors, and how many of them are sockets."""
    targets = []
    for entry in _proc(None, "fd").iterdir():
        try:
            targets.append(os.readlink(entry))
        except OSError:
            continue  # the descriptor of this listing itself
    return len(targets), sum(target.startswith("socket:") for target in targets)


def threads() -> int:
    """The number of this process's threads, including those that Python does not know."""
    found = sum(1 for _ in _proc(None, "task").iterdir())
    return max(found, threading.active_count())


def _proc(pid: int | None, name: str) -> Path:
    return Path("/proc", "self" if pid is None else str(pid), name)
