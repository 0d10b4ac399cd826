"""Tests for closing a process in: its descriptors, limits and countdown, tried in processes."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from rejoin.errors import InputModuleError
from rejoin.input_module import lockdown

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="run on Linux alone")


def run(script: str) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-c", textwrap.dedent(script)]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=240, check=False)


def test_a_closed_in_process_has_three_descriptors_and_its_limits() -> None:
    ended = run("""
        import os, resource, sys
        from rejoin.input_module import lockdown, seccomp
        inherited = os.open("/etc/hostname", os.O_RDONLY)
        seccomp.install = lambda machine: None  # so that the process can look at itself
        lockdown.close_in()
        for number in range(3, 64):
            try:
                os.fstat(number)
                print("open:", number)
            except OSError:
                pass
        for name in ("AS", "FSIZE", "NPROC", "CORE", "NOFILE"):
            print(name, *resource.getrlimit(getattr(resource, f"RLIMIT_{name}")))
    """)
    assert ended.stdout.splitlines() == [
        *("AS 268435456 268435456", "FSIZE 0 0", "NPROC 0 0", "CORE 0 0", "NOFILE 3 3"),
    ]


def test_more_memory_than_the_limit_is_refused() -> None:
    ended = run("""
        from rejoin.input_module import lockdown
        lockdown.close_in()
        try:
            bytearray(300_000_000)
        except MemoryError:
            print("refused")
    """)
    assert ended.stdout == "refused\n"


def test_a_process_that_hears_nothing_any_more_ends() -> None:
    ended = run("""
        from rejoin.input_module import lockdown
        lockdown.ALONE_S = 0.2
        lockdown.close_in()
        lockdown.still_there()
        while True:
            pass
    """)
    assert ended.returncode == -14


def test_what_cannot_be_limited_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")

    def refuse(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr(resource, "setrlimit", refuse)
    with pytest.raises(InputModuleError):
        lockdown._limit_resources()
