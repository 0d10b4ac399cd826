"""Mouse and keyboard on a Wayland desktop: sway without a screen, and devices of its own protocols.

What arrives is judged by what the window has sent to the game.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from helpers.programs import PATIENCE_S
from helpers.sway import AVAILABLE, sway
from helpers.wayland_input import LEFT, WaylandInput, wayland_input

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not AVAILABLE, reason="sway is not installed"),
]

SIZE = (1280, 800)
BINDING = "xwayland disable\nbindsym Mod4+x exec touch $XDG_RUNTIME_DIR/desktop-got-it"

NextState = Callable[[Callable[[dict[str, Any]], bool]], dict[str, Any]]


@contextmanager
def live_window(*arguments: str) -> Iterator[tuple[NextState, WaylandInput, Path]]:
    """A window in full screen with a live game: waits for a state of it; devices; sway's folder.

    Not pytest's folder: the path of a socket has to be short.
    """
    with (
        tempfile.TemporaryDirectory(prefix="sw") as folder,
        sway(Path(folder), more=BINDING) as environment,
        subprocess.Popen(
            [sys.executable, "-m", "helpers.window_on_x", "full", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).resolve().parents[1],
            env=environment,
        ) as program,
    ):
        assert program.stdin is not None
        assert program.stdout is not None
        lines: queue.Queue[str] = queue.Queue()
        output = program.stdout

        def read() -> None:
            for line in output:
                lines.put(line)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()

        state: dict[str, Any] = {}

        def next_state(wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
            """The last one that came, or the first of those that come, that is as wanted."""
            nonlocal state
            while not (state and wanted(state)):
                state = json.loads(lines.get(timeout=PATIENCE_S))
            return state

        try:
            next_state(lambda state: "fits" in state)
            state = {}
            with wayland_input(environment) as devices:
                next_state(lambda state: bool(state["active"]))
                while not state["moves"]:  # the first may come before the window is under it
                    devices.move_to(640, 400, SIZE)
                    devices.move_by(1, 0)
                    with contextlib.suppress(queue.Empty):
                        state = json.loads(lines.get(timeout=1.0))
                yield next_state, devices, Path(folder)
        finally:
            program.stdin.close()
            reader.join(PATIENCE_S)


def stroke(devices: WaylandInput, *codes: str) -> None:
    """Press these keys, and release them the other way round."""
    for code in codes:
        devices.key(code, True)
    for code in reversed(codes):
        devices.key(code, False)


def has_travelled(x_px: float, y_px: float) -> Callable[[dict[str, Any]], bool]:
    return lambda state: state["travel"] == [x_px, y_px]


def test_a_captured_mouse_travels_exactly_as_far_as_the_device() -> None:
    with live_window() as (next_state, devices, _folder):
        devices.button(LEFT, True)
        devices.button(LEFT, False)
        state = next_state(lambda state: state["captured"])
        assert state["hint"] == "Ctrl+Alt: free the mouse"
        x_px, y_px = state["travel"]
        for across, down in ((40, 0), (-40, 0), (0, 40), (3, -40)):
            for _ in range(60):  # far beyond every edge of the screen
                devices.move_by(across, down)
            x_px, y_px = x_px + 60 * across, y_px + 60 * down
            assert next_state(has_travelled(x_px, y_px))["captured"]
        stroke(devices, "ControlLeft", "AltLeft")
        freed = next_state(lambda state: not state["captured"] and not state["held"])
        assert freed["hint"] == ""
        devices.move_by(10, 0)
        moved = next_state(lambda state: state["moves"] > freed["moves"])
        assert not moved["captured"]


def test_keys_are_positions_up_to_f24_and_the_extra_ones_of_other_keyboards() -> None:
    codes = (
        *("KeyZ", "F13", "F24", "IntlBackslash", "IntlRo", "IntlYen", "KanaMode", "Convert"),
        *("NonConvert", "Lang1", "Lang2", "NumpadComma", "NumpadEqual", "NumpadEnter"),
    )
    with live_window() as (next_state, devices, _folder):
        for code in codes:
            stroke(devices, code)
        state = next_state(lambda state: len(state["keys"]) >= 2 * len(codes))
    assert [(code, pressed) for code, _key, pressed, _repeat in state["keys"]] == [
        (code, pressed) for code in codes for pressed in (True, False)
    ]


def test_keys_of_the_desktop_reach_the_game_until_the_player_takes_them_back() -> None:
    with live_window("always") as (next_state, devices, folder):
        taken = next_state(lambda state: state["system_keys"])
        assert taken["hint"] == "Ctrl+Alt: free the keyboard"
        stroke(devices, "MetaLeft", "KeyX")
        state = next_state(lambda state: len(state["keys"]) == 4)
        assert [key[0] for key in state["keys"]] == ["MetaLeft", "KeyX", "KeyX", "MetaLeft"]
        stroke(devices, "ControlLeft", "AltLeft")
        next_state(lambda state: not state["system_keys"])
        marked = folder / "desktop-got-it"
        assert not marked.exists()
        deadline = time.monotonic() + PATIENCE_S  # the compositor hears of it in its own time
        while not marked.exists():
            assert time.monotonic() < deadline, "the desktop does not get its keys"
            stroke(devices, "MetaLeft", "KeyX")
            time.sleep(0.1)
