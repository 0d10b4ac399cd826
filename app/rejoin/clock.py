"""Boot time and awake time, in seconds, and the id of the boot they belong to.

Boot time goes on while the machine sleeps, awake time stops.

Python's `time.monotonic` stops during suspend on Linux and macOS, so a countdown would be wrong; on
Windows that depends on the versions of Windows and Python, so it cannot detect a sleep either. Each
OS has a clock of each kind; both are the same for every process on the machine. Tested on Linux
only; the macOS and Windows branches follow the vendors' documentation and were tested with
stand-ins for their libraries.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Clock = Callable[[], float]


Clocks = tuple[Clock, Clock]
"""The boot clock and the awake clock."""


def _linux() -> Clocks:
    boottime: int = getattr(time, "CLOCK_BOOTTIME")  # noqa: B009  (typeshed has it on Linux only)
    return lambda: time.clock_gettime(boottime), lambda: time.clock_gettime(time.CLOCK_MONOTONIC)


def _macos() -> Clocks:
    import ctypes  # Linux needs none

    library = ctypes.CDLL("/usr/lib/libSystem.dylib")
    ratio = (ctypes.c_uint32 * 2)()
    library.mach_timebase_info(ctypes.byref(ratio))
    scale = ratio[0] / ratio[1] / 1e9

    def clock(now: Any) -> Clock:
        now.restype = ctypes.c_uint64
        return lambda: float(now()) * scale

    return clock(library.mach_continuous_time), clock(library.mach_absolute_time)


def _windows() -> Clocks:
    import ctypes

    loader: Any = getattr(ctypes, "windll")  # noqa: B009  (typeshed has it on Windows only)

    def clock(query: Any) -> Clock:
        ticks = ctypes.c_uint64()  # of 100 ns

        def now() -> float:
            query(ctypes.byref(ticks))
            return ticks.value / 1e7

        return now

    # "Unbiased" time excludes sleep; the other function includes it.
    return (
        clock(loader.kernelbase.QueryInterruptTimePrecise),
        clock(loader.kernel32.QueryUnbiasedInterruptTime),
    )


_CLOCKS: dict[str, Callable[[], Clocks]] = {"linux": _linux, "darwin": _macos, "win32": _windows}

boot_s, awake_s = _CLOCKS.get(sys.platform, lambda: (time.monotonic, time.monotonic))()
"""Boot time and awake time, in seconds; only differences between two readings mean anything."""


# --- which boot ---------------------------------------------------------------------------------


def _linux_boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _macos_boot_id() -> str:
    import ctypes

    library = ctypes.CDLL("/usr/lib/libSystem.dylib")
    text = ctypes.create_string_buffer(64)
    size = ctypes.c_size_t(len(text))
    failed = library.sysctlbyname(b"kern.bootsessionuuid", text, ctypes.byref(size), None, 0)
    return "" if failed else text.value.decode("ascii", "replace")


def _windows_boot_id() -> str:
    # Windows has no boot id, so the minute of the boot serves as one. If the wall clock was set
    # since then, the id differs, and a ticket only shows "checking" without need.
    return f"minute-{round((time.time() - boot_s()) / 60)}"


_BOOT_IDS: dict[str, Callable[[], str]] = {
    "linux": _linux_boot_id,
    "darwin": _macos_boot_id,
    "win32": _windows_boot_id,
}


def boot_id() -> str:
    """Identifies the current boot of this machine; empty if the OS does not provide an id."""
    return _BOOT_IDS.get(sys.platform, lambda: "")()
