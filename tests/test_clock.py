"""The boot clock."""

from __future__ import annotations

import subprocess
import sys
import time

from rejoin.clock import boot_s


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
