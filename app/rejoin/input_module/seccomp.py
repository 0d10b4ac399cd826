"""A seccomp filter for Linux that allows only the system calls of a computing process.

Berkeley Packet Filter by prctl, without a library. Whatever is not listed fails with EPERM; a call
in another machine's convention ends the process. Numbers: the kernel's tables of system calls.
"""

from __future__ import annotations

import ctypes
import struct
from typing import Final

from rejoin.errors import InputModuleError

_X86_64: Final = 0xC000003E
_AARCH64: Final = 0xC00000B7

_CALLS: Final = {
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "fstat": (5, 80), "lseek": (8, 62),
    "munmap": (11, 215), "brk": (12, 214), "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139), "mremap": (25, 216), "madvise": (28, 233), "getpid": (39, 172),
    "exit": (60, 93), "gettimeofday": (96, 169), "getrusage": (98, 165), "times": (100, 153),
    "sigaltstack": (131, 132), "gettid": (186, 178), "futex": (202, 98), "setitimer": (38, 103),
    "restart_syscall": (219, 128), "clock_gettime": (228, 113), "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115), "exit_group": (231, 94), "getrandom": (318, 278),
    "poll": (7, None), "ppoll": (271, 73), "sched_yield": (24, 124),
}  # fmt: skip
"""System calls by their numbers on x86-64 and arm64. None opens, starts or connects anything."""

_MAPPING: Final = {"mmap": (9, 222), "mprotect": (10, 226)}
"""Allowed unless the memory would be executable: argument 2 has PROT_EXEC, 4."""

_ARCHITECTURES: Final = {"x86_64": (0, _X86_64), "aarch64": (1, _AARCH64)}

_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _EPERM, _KILL_PROCESS = 0x7FFF0000, 0x00050001, 0x80000000
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENT_2_AT = 0, 4, 32
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2


def program(machine: str) -> bytes:
    """The filter as `struct sock_filter`s. Raises InputModuleError for an unknown machine."""
    if machine not in _ARCHITECTURES:
        raise InputModuleError("This kind of processor is not supported by the sandbox.")
    column, architecture = _ARCHITECTURES[machine]

    def row(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("=HBBI", code, if_true, if_false, value)

    rows = [row(_LOAD, _ARCHITECTURE_AT), row(_EQUAL, architecture, 1), row(_RETURN, _KILL_PROCESS)]
    rows.append(row(_LOAD, _NUMBER_AT))
    for numbers in _CALLS.values():
        number = numbers[column]
        if number is not None:
            rows += [row(_EQUAL, number, 0, 1), row(_RETURN, _ALLOW)]
    mmap, mprotect = (numbers[column] for numbers in _MAPPING.values())
    rows += [row(_EQUAL, mmap, 1), row(_EQUAL, mprotect, 0, 3), row(_LOAD, _ARGUMENT_2_AT)]
    rows += [row(_ANY_BIT, 4, 1), row(_RETURN, _ALLOW), row(_RETURN, _EPERM)]
    return b"".join(rows)


def install(machine: str) -> None:
    """Apply the filter to this process for good, which must have one thread.

    Raises InputModuleError where the kernel refuses.
    """
    rows = program(machine)
    code = ctypes.create_string_buffer(rows, len(rows))
    filters = ctypes.create_string_buffer(
        struct.pack("@HP", len(rows) // 8, ctypes.addressof(code))
    )
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl.argtypes = (ctypes.c_int, *[ctypes.c_ulong] * 4)
    if prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise InputModuleError("The kernel refuses no-new-privileges.")
    if prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(filters), 0, 0) != 0:
        raise InputModuleError("The kernel refuses the seccomp filter.")
