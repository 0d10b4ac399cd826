"""The program that tries Qt's platform; `test_displays` has what follows from its exit code."""

from __future__ import annotations

import os
import subprocess

import pytest

from rejoin.child_program import child_command


@pytest.mark.parametrize(("platform", "starts"), [("offscreen", True), ("canary", False)])
def test_it_exits_with_0_where_qt_starts(platform: str, starts: bool) -> None:
    done = subprocess.run(
        child_command("display-probe"),
        env={**os.environ, "QT_QPA_PLATFORM": platform},
        stderr=subprocess.DEVNULL,
        check=False,
    )
    assert (done.returncode == 0) is starts
