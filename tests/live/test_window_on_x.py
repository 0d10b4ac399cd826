"""A real window on a real X server: a key press drops the connection, and the client reconnects.

`python3 dev.py test` runs this under Xvfb.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from helpers.programs import PATIENCE_S, started

pytestmark = [
    pytest.mark.live,
    pytest.mark.x11,
    pytest.mark.skipif(shutil.which("xdotool") is None, reason="xdotool is not installed"),
]


def xdotool(*arguments: str) -> str:
    done = subprocess.run(["xdotool", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def find_window() -> str:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = xdotool("search", "--onlyvisible", "--name", "Rejoin demo").split()
        if found:
            return found[-1]
        time.sleep(0.1)
    raise AssertionError("no window appeared")


def test_a_key_press_drops_the_connection_and_the_client_reconnects(tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("demo", "--drops", "0", "--drop-after", "2", "--notice-silent-client", "0")
    with started(*arguments, "--out", str(out), environment={"QT_QPA_PLATFORM": "xcb"}) as program:
        window = find_window()
        deadline = time.monotonic() + PATIENCE_S
        while not (out / "live.png").exists():
            assert time.monotonic() < deadline, "the game did not start"
            time.sleep(0.1)
        xdotool("windowfocus", "--sync", window, "key", "F8")
        time.sleep(4.0)  # a reconnect takes less than a second; the report is checked below
        program.send(signal.SIGINT)
        done = program.done()
    assert done.code == 130, done.err
    report = json.loads((out / "report.json").read_text())
    assert [episode["outcome"] for episode in report["episodes"]] == ["live"]
    assert [one["continued"] for one in report["continuity"]] == [True]
