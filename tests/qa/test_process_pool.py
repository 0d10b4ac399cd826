"""The processes of a pool end with their owner, and at once where the work is given up."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers.waiting import wait_until
from rejoin.qa.process_pool import process_pool

_OWNER = """
import sys, time
from rejoin.qa.process_pool import process_pool
if __name__ == "__main__":
    with process_pool(1) as pool:
        pool.submit(exec, f"import os, pathlib, time; "
            f"pathlib.Path({sys.argv[1]!r}).write_text(str(os.getpid())); time.sleep(600)")
        time.sleep(600)
"""


def test_work_is_computed() -> None:
    with process_pool(2) as pool:
        assert list(pool.map(abs, [-1, 2])) == [1, 2]
    assert not multiprocessing.active_children()


def test_work_that_runs_is_given_up_after_an_error() -> None:
    class GivenUpError(Exception):
        pass

    def give_up() -> None:
        with process_pool(1) as pool:
            pool.submit(time.sleep, 600)
            raise GivenUpError

    with pytest.raises(GivenUpError):
        give_up()
    assert not multiprocessing.active_children()


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(sys.platform == "win32", reason="looks for a process by its id")
def test_no_process_is_left_where_the_owner_is_killed(tmp_path: Path) -> None:
    script, said = tmp_path / "owner.py", tmp_path / "worker"
    script.write_text(_OWNER)
    owner = subprocess.Popen([sys.executable, str(script), str(said)])
    try:
        wait_until(lambda: said.is_file() and said.read_text() != "")
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    worker = int(said.read_text())
    wait_until(lambda: not _is_alive(worker))
