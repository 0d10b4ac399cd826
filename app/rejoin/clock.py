"""The boot clock: seconds that go on while the machine sleeps, the same for every process on it,
and which boot they are of.

Python's `time.monotonic` stops during suspend on Linux and macOS, which would turn a countdown
into a lie. Each OS has its own clock that does not. Run here on Linux only; the macOS and Windows
branches follow the vendors' documentation and have not been run.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Clock = Callable[[], float]


def _linux() -> Clock:
    boottime: int = getattr(time, "CLOCK_BOOTTIME")  # noqa: B009  (typeshed has it on Linux only)
    return lambda: time.clock_gettime(boottime)


def _macos() -> Clock:
    library = ctypes.CDLL("/usr/lib/libSystem.dylib")
    now = library.mach_continuous_time
    now.restype = ctypes.c_uint64
    ratio = (ctypes.c_uint32 * 2)()
    library.mach_timebase_info(ctypes.byref(ratio))
    scale = ratio[0] / ratio[1] / 1e9
    return lambda: float(now()) * scale


def _windows() -> Clock:
    # QueryUnbiasedInterruptTime stops in sleep; QueryInterruptTimePrecise (100 ns units) does not.
    loader: Any = getattr(ctypes, "windll")  # noqa: B009  (typeshed has it on Windows only)
    query = loader.kernelbase.QueryInterruptTimePrecise
    ticks = ctypes.c_uint64()

    def now() -> float:
        query(ctypes.byref(ticks))
        return ticks.value / 1e7

    return now


_CLOCKS: dict[str, Callable[[], Clock]] = {"linux": _linux, "darwin": _macos, "win32": _windows}

boot_s: Clock = _CLOCKS.get(sys.platform, lambda: time.monotonic)()
"""Boot time in seconds."""


# --- which boot ---------------------------------------------------------------------------------


def _linux_boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _macos_boot_id() -> str:
    library = ctypes.CDLL("/usr/lib/libSystem.dylib")
    text = ctypes.create_string_buffer(64)
    size = ctypes.c_size_t(len(text))
    failed = library.sysctlbyname(b"kern.bootsessionuuid", text, ctypes.byref(size), None, 0)
    return "" if failed else text.value.decode("ascii", "replace")


def _windows_boot_id() -> str:
    # Windows has no such id: the minute of the boot stands for it. A wall clock that was set since
    # makes another one of it, and then a ticket merely reads "checking" without need.
    return f"minute-{round((time.time() - boot_s()) / 60)}"


_BOOT_IDS: dict[str, Callable[[], str]] = {
    "linux": _linux_boot_id,
    "darwin": _macos_boot_id,
    "win32": _windows_boot_id,
}


def boot_id() -> str:
    """Which boot of this machine it is, the same until the next one; empty where nobody tells."""
    return _BOOT_IDS.get(sys.platform, lambda: "")()
