"""The program that tries Qt's platform; `test_displays` has what follows from its exit code."""

from __future__ import annotations

import os
import subprocess
import sys

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


def test_what_the_plugin_lacks_is_named_on_standard_error() -> None:
    program = """if True:
        from rejoin.gui import display_probe, platform_plugin
        def check():
            raise ImportError("libxcb-cursor.so.0: cannot open shared object file")
        platform_plugin.check = check
        display_probe.main([])
    """
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "libxcb-cursor.so.0: cannot open shared object file" in done.stderr
