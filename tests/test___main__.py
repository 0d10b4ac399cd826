"""`python -m rejoin` is the command line."""

from __future__ import annotations

import subprocess
import sys

from rejoin.version import VERSION


def test_the_module_runs_the_command_line() -> None:
    """In a process of its own: a command line that has ended lets signals end the process."""
    done = subprocess.run(
        [sys.executable, "-m", "rejoin", "--version"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0
    assert VERSION in done.stdout
