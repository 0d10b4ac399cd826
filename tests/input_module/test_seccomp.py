"""Tests for the filter of system calls: what a process may still do behind it, tried in one."""

from __future__ import annotations

import struct
import subprocess
import sys
import textwrap

import pytest

from rejoin.errors import InputModuleError
from rejoin.input_module import seccomp

ALLOW, EPERM, KILL = 0x7FFF0000, 0x00050001, 0x80000000
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def decision(
    machine: str, number: int, *, architecture: int | None = None, argument: int = 0
) -> int:
    """Run the filter as the kernel does (four kinds of instruction), and give what it returns."""
    rows = list(struct.iter_unpack("=HBBI", seccomp.program(machine)))
    values = {
        0: number,
        4: ARCHITECTURES[machine] if architecture is None else architecture,
        32: argument,
    }
    at = loaded = 0
    while True:
        code, if_true, if_false, value = rows[at]
        at += 1
        match code:
            case 0x20:
                loaded = values[value]
            case 0x15:
                at += if_true if loaded == value else if_false
            case 0x45:
                at += if_true if loaded & value else if_false
            case _:
                return int(value)


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_what_is_not_listed_fails(machine: str) -> None:
    column = list(ARCHITECTURES).index(machine)
    allowed = {numbers[column] for numbers in seccomp._CALLS.values()} - {None}
    mapping = {numbers[column] for numbers in seccomp._MAPPING.values()}
    for number in range(600):
        expected = ALLOW if number in allowed | mapping else EPERM
        assert decision(machine, number) == expected, number
    for number in mapping:
        assert decision(machine, number, argument=3) == ALLOW
        assert decision(machine, number, argument=7) == EPERM
    for each in allowed:
        assert each is not None
        assert decision(machine, each | 0x40000000) == EPERM, "a call of x32"


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_calls_of_another_machine_end_the_process(machine: str) -> None:
    for architecture in (0x40000003, 0x40000028, 0):
        assert decision(machine, 1, architecture=architecture) == KILL


def test_an_unknown_machine_has_no_filter() -> None:
    with pytest.raises(InputModuleError):
        seccomp.program("pdp11")


ATTEMPTS = {
    "open a file": "open('/etc/hostname')",
    "write a file": "os.open('/tmp/x', os.O_CREAT | os.O_WRONLY)",
    "list a folder": "os.listdir('/')",
    "ask for a file": "os.stat('/')",
    "make a socket": "socket.socket()",
    "make two sockets": "socket.socketpair()",
    "make a pipe": "os.pipe()",
    "fork": "os.fork()",
    "start a program": "os.execv('/bin/true', ['true'])",
    "start a program by name": "os.posix_spawn('/bin/true', ['true'], {})",
    "start a thread": "_thread.start_new_thread(print, ())",
    "map memory that can be run": "mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)",
    "send a signal": "os.kill(os.getppid(), 0)",
    "remove a file": "os.unlink('/tmp/no such file')",
    "become somebody else": "os.setuid(1)",
    "raise a limit": "resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))",
    "load a library": "ctypes.CDLL('libanl.so.1')",
}


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp is Linux's")
def test_a_process_behind_the_filter_can_compute_and_nothing_else() -> None:
    script = f"""
        import _thread, ctypes, mmap, os, platform, resource, socket, sys
        from rejoin.input_module import seccomp
        attempts = {ATTEMPTS!r}
        compiled = {{name: compile(code, name, "eval") for name, code in attempts.items()}}
        seccomp.install(platform.machine())
        for name, code in compiled.items():
            try:
                eval(code)
            except (OSError, RuntimeError, ValueError) as error:
                continue
            sys.stdout.write(f"could {{name}}\\n")
        sum(range(100_000)); bytes(50_000_000); os.urandom(5)
        sys.stdout.write("computed\\n")
        sys.stdout.flush()
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.stdout == "computed\n", ended.stderr
