"""The boot clock and the awake clock, and the id of the boot."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rejoin import clock
from rejoin.clock import Clock, awake_s, boot_id, boot_s

COARSE_S = 0.015
"""How far apart two clocks may be that are read in one moment; some move in steps."""


@pytest.mark.parametrize("seconds", [boot_s, awake_s])
def test_it_runs_with_real_time(seconds: Clock) -> None:
    """Each is read between two readings of the real one: a machine may stand still in between."""
    earliest, began, latest = time.monotonic(), seconds(), time.monotonic()
    time.sleep(0.02)
    least_s, ended = time.monotonic() - latest, seconds()
    most_s = time.monotonic() - earliest
    assert least_s - COARSE_S < ended - began < most_s + COARSE_S


@pytest.mark.parametrize("name", ["boot_s", "awake_s"])
def test_it_is_the_same_clock_in_every_process(name: str) -> None:
    seconds: Clock = getattr(clock, name)
    before = seconds()
    code = f"from rejoin.clock import {name}; print({name}())"
    there = float(subprocess.check_output([sys.executable, "-c", code]))
    assert before <= there <= seconds()


def test_while_awake_both_run_equally() -> None:
    earliest, boot, latest = awake_s(), boot_s(), awake_s()
    time.sleep(0.02)
    least_s = awake_s() - latest
    passed_s = boot_s() - boot
    most_s = awake_s() - earliest
    assert least_s - COARSE_S < passed_s < most_s + COARSE_S


@pytest.mark.skipif(sys.platform != "linux", reason="these clocks are named on Linux")
def test_on_linux_they_are_the_clock_with_and_the_clock_without_suspend(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = {time.CLOCK_BOOTTIME: 5000.0, time.CLOCK_MONOTONIC: 1400.0}
    monkeypatch.setattr(time, "clock_gettime", asked.__getitem__)
    boot, awake = clock._linux()
    assert (boot(), awake()) == (5000.0, 1400.0)


class Function:
    """A function of a C library; takes the attributes that ctypes gives one."""

    def __init__(self, does: Callable[..., Any]) -> None:
        self._does = does
        self.restype: object = None

    def __call__(self, *arguments: object) -> Any:
        return self._does(*arguments)


def test_on_macos_ticks_are_scaled_by_the_timebase(monkeypatch: pytest.MonkeyPatch) -> None:
    def timebase(ratio: Any) -> None:
        ratio._obj[0], ratio._obj[1] = 125, 3  # as on Apple silicon

    library = SimpleNamespace(
        mach_timebase_info=timebase,
        mach_continuous_time=Function(lambda: 24_000_000 * 5000),
        mach_absolute_time=Function(lambda: 24_000_000 * 1400),
    )
    monkeypatch.setattr(ctypes, "CDLL", lambda path: library)
    boot, awake = clock._macos()
    assert boot() == pytest.approx(5000.0)
    assert awake() == pytest.approx(1400.0)
    # without it ctypes takes the result for an int of 32 bits
    assert library.mach_continuous_time.restype is ctypes.c_uint64
    assert library.mach_absolute_time.restype is ctypes.c_uint64


def test_on_windows_the_unbiased_clock_is_the_awake_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def returning(seconds: float) -> Callable[[Any], int]:
        def query(ticks: Any) -> int:
            ticks._obj.value = int(seconds * 1e7)
            return 1

        return query

    loader = SimpleNamespace(
        kernelbase=SimpleNamespace(QueryInterruptTimePrecise=returning(5000.0)),
        kernel32=SimpleNamespace(QueryUnbiasedInterruptTime=returning(1400.0)),
    )
    monkeypatch.setattr(ctypes, "windll", loader, raising=False)
    boot, awake = clock._windows()
    assert (boot(), awake()) == (5000.0, 1400.0)
    assert boot() == 5000.0, "each has its own result variable"


def test_the_boot_id_is_the_same_in_every_process() -> None:
    code = "from rejoin.clock import boot_id; print(boot_id())"
    there = subprocess.check_output([sys.executable, "-c", code], text=True).strip()
    assert there == boot_id()
    if sys.platform.startswith("linux"):
        assert len(there) == 36


def test_a_system_without_a_boot_id_is_no_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("rejoin.clock.Path", lambda _: tmp_path / "missing")
    monkeypatch.setattr("rejoin.clock.sys.platform", "linux")
    assert boot_id() == ""
    monkeypatch.setattr("rejoin.clock.sys.platform", "another")
    assert boot_id() == ""
