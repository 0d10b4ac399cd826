"""The boot clock."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from rejoin.clock import boot_id, boot_s


def test_it_goes_on_with_real_time() -> None:
    before, monotonic = boot_s(), time.monotonic()
    time.sleep(0.02)
    passed_s, real_s = boot_s() - before, time.monotonic() - monotonic
    assert abs(passed_s - real_s) < 0.015


def test_it_is_the_same_clock_in_every_process() -> None:
    before = boot_s()
    code = "from rejoin.clock import boot_s; print(boot_s())"
    there = float(subprocess.check_output([sys.executable, "-c", code]))
    assert before <= there <= boot_s()


def test_which_boot_it_is_is_the_same_in_every_process() -> None:
    code = "from rejoin.clock import boot_id; print(boot_id())"
    there = subprocess.check_output([sys.executable, "-c", code], text=True).strip()
    assert there == boot_id()
    if sys.platform.startswith("linux"):
        assert len(there) == 36


def test_a_system_that_does_not_tell_its_boot_is_no_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("rejoin.clock.Path", lambda _: tmp_path / "missing")
    monkeypatch.setattr("rejoin.clock.sys.platform", "linux")
    assert boot_id() == ""
    monkeypatch.setattr("rejoin.clock.sys.platform", "another")
    assert boot_id() == ""
