"""A real window on a real X server: its keys and its mouse, and a drop from the first to the last.

`python3 dev.py test` runs this under Xvfb.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from helpers.buttons_of_program import ButtonsOfProgram, Eyes
from helpers.programs import PATIENCE_S, started
from helpers.x_input import x_input
from helpers.xdotool import find_window, xdotool

pytestmark = [
    pytest.mark.live,
    pytest.mark.x11,
    pytest.mark.skipif(shutil.which("xdotool") is None, reason="xdotool is not installed"),
]


@pytest.fixture(scope="module", autouse=True)
def display_kept() -> Iterator[None]:
    """An X server takes nobody while it resets, which it does when its last client leaves."""
    with x_input():
        yield


def test_a_key_press_drops_the_connection_and_the_client_reconnects(tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("demo", "--drops", "0", "--drop-after", "2", "--notice-silent-client", "0")
    sees = ButtonsOfProgram(tmp_path)
    environment = {"QT_QPA_PLATFORM": "xcb", **sees.environment}
    with started(*arguments, "--out", str(out), environment=environment) as program:
        window = find_window("Rejoin demo")
        deadline = time.monotonic() + PATIENCE_S
        while not (out / "live.png").exists():
            assert time.monotonic() < deadline, "the game did not start"
            time.sleep(0.1)
        xdotool("windowfocus", "--sync", window, "key", "ctrl+alt+d")
        Eyes(sees, program).until(stage="live", episode=1)
        program.send(signal.SIGINT)
        done = program.done()
    assert done.code == 130, done.err
    report = json.loads((out / "report.json").read_text())
    assert [episode["outcome"] for episode in report["episodes"]] == ["live"]
    assert [one["continued"] for one in report["continuity"]] == [True]


@contextmanager
def live_window(*arguments: str) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """A window with a live game: its id on the X server, and its next state."""
    with subprocess.Popen(
        [sys.executable, "-m", "helpers.window_on_x", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[1],
        env={**os.environ, "QT_QPA_PLATFORM": "xcb"},
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        lines: queue.Queue[str] = queue.Queue()
        output = program.stdout

        def read() -> None:
            for line in output:
                lines.put(line)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()

        def next_state() -> dict[str, Any]:
            state: dict[str, Any] = json.loads(lines.get(timeout=PATIENCE_S))
            return state

        try:
            assert next_state() == {"fits": True}
            window = find_window("Rejoin on a real display")
            xdotool("windowfocus", "--sync", window)
            yield window, next_state
        finally:
            program.stdin.close()
            reader.join(PATIENCE_S)  # to the end of the output, before it is closed here


def test_a_key_that_is_held_is_pressed_once_repeated_and_released_once() -> None:
    with live_window() as (_window, next_state):
        xdotool("keydown", "w")
        try:
            while next_state()["presses"] < 12:  # it has been repeated
                pass
        finally:
            xdotool("keyup", "w")
        state = next_state()
        while state["held"]:
            state = next_state()
    first, *repeats, last = state["keys"]
    assert first == ["KeyW", "w", True, False]
    assert len(repeats) >= 11
    assert all(repeat == ["KeyW", "w", True, True] for repeat in repeats)
    assert last == ["KeyW", "w", False, False]


@pytest.mark.parametrize("beyond", ["0,0", "800,0", "1000,600"])
def test_all_of_the_travel_arrives_wherever_the_window_is(beyond: str) -> None:
    with live_window(beyond) as (window, next_state):
        xdotool("mousemove", "--window", window, "40", "40", "click", "1")
        state = next_state()
        while not state["captured"]:
            state = next_state()
        x_px, y_px = state["travel"]
        for across, down in ((40, -10), (-40, 10), (40, 10)):
            for _ in range(60):
                xdotool("mousemove_relative", "--", str(across), str(down))
                # The next move waits until the pointer is back in the middle: there is an edge.
                x_px, y_px = x_px + across, y_px + down
                while state["travel"] != [x_px, y_px] and state["moves"] < 10_000:
                    state = next_state()
        assert state["captured"]


def until(
    next_state: Callable[[], dict[str, Any]], wanted: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """The first state that is as wanted."""
    while not wanted(state := next_state()):
        pass
    return state


def test_keys_of_the_desktop_reach_the_game_until_the_player_takes_them_back() -> None:
    """Alt+Tab, which somebody else on this display has grabbed as a window manager does."""
    with x_input() as x, live_window("0,0", "always") as (_window, next_state):
        x.grab_key("Tab")
        taken = until(next_state, lambda state: state["system_keys"])
        assert taken["hint"] == "Ctrl+Alt: free the keyboard"
        for code, pressed in ALT_TAB:
            x.key(code, pressed)
        state = until(next_state, lambda state: len(state["keys"]) == 4)
        assert [(key[0], key[2]) for key in state["keys"]] == ALT_TAB
        assert x.events() == 0
        for code in ("ControlLeft", "AltLeft"):
            x.key(code, True)
        until(next_state, lambda state: not state["system_keys"])
        for code in ("ControlLeft", "AltLeft"):
            x.key(code, False)
        deadline = time.monotonic() + PATIENCE_S  # the window gives it back in its own time
        while not x.events():
            assert time.monotonic() < deadline, "the keyboard is still grabbed"
            for code, pressed in ALT_TAB:
                x.key(code, pressed)


ALT_TAB = [("AltLeft", True), ("Tab", True), ("Tab", False), ("AltLeft", False)]


ALT_GR = 0xFE03
"""XK_ISO_Level3_Shift of X11's keysymdef.h: what the right Alt is on a German keyboard."""


def test_alt_gr_frees_no_mouse() -> None:
    with x_input() as x, x.mapped("AltRight", ALT_GR), live_window() as (window, next_state):
        xdotool("mousemove", "--window", window, "40", "40", "click", "1")
        until(next_state, lambda state: state["captured"])
        strokes = [
            ("ControlLeft", True),
            ("AltRight", True),
            ("ControlLeft", False),
            ("KeyQ", True),
            ("KeyQ", False),
            ("AltRight", False),
        ]
        for code, pressed in strokes:
            x.key(code, pressed)
        state = until(next_state, lambda state: len(state["keys"]) == len(strokes))
        assert state["captured"]
        assert [(key[0], key[2]) for key in state["keys"]] == strokes
        assert state["keys"][1][1] == "AltGraph"
        for code in ("ControlLeft", "AltLeft"):
            x.key(code, True)
        until(next_state, lambda state: not state["captured"])
        for code in ("AltLeft", "ControlLeft"):
            x.key(code, False)
