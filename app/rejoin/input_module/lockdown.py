"""Confines a process before it runs a foreign script: descriptors, resources, system calls.

Linux: all of it. macOS: descriptors and resources, where RLIMIT_AS may be without effect. Windows:
nothing but the engine's own memory limit. Run on Linux x86-64; the others were not run.
"""

from __future__ import annotations

import importlib
import os
import platform
import signal
import sys
from typing import Final

from rejoin.errors import InputModuleError
from rejoin.input_module import seccomp

ADDRESS_SPACE_BYTES: Final = 256 * 1024 * 1024

ALONE_S: Final = 15.0
"""A process that has not taken a command for so long is ended by the kernel: its parent is gone,
or would have killed it long before."""

DESCRIPTORS: Final = 3
"""Standard input and standard output, and in the place of standard error what the parent put there:
the end of a pipe for reading."""

_LIMITS: Final = {
    "RLIMIT_AS": ADDRESS_SPACE_BYTES,
    "RLIMIT_FSIZE": 0,
    "RLIMIT_NPROC": 0,
    "RLIMIT_CORE": 0,
    "RLIMIT_NOFILE": DESCRIPTORS,
}
"""Soft and hard."""


def _close_descriptors() -> None:
    sys.stderr = None
    os.closerange(DESCRIPTORS, os.sysconf("SC_OPEN_MAX"))


def _limit_resources() -> None:
    resource = importlib.import_module("resource")
    for name, value in _LIMITS.items():
        try:
            resource.setrlimit(getattr(resource, name), (value, value))
        except (OSError, ValueError) as error:
            if sys.platform == "linux":
                raise InputModuleError(f"The limit {name} cannot be set.") from error


def close_in() -> None:
    """Confine this process: from now on it can only compute and use its open pipes. Linux: raises
    InputModuleError if any part of that fails."""
    if sys.platform == "win32":
        return
    _close_descriptors()
    _limit_resources()
    if sys.platform == "linux":
        seccomp.install(platform.machine())


def still_there() -> None:
    """Restart the kernel's countdown: the parent is alive. Once a second is enough."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, ALONE_S)
