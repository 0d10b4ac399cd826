"""From playing to the menu and to the end, with real keys of an X server and with a pad alone.

The whole program (`rejoin play`) against the emulator; what reached the game is what the emulated
game says. `python3 dev.py test` runs this under Xvfb.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.played_program import PadOfProgram, Play, open_menu_and_end, playing
from helpers.virtual_pads import DPAD_DOWN
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


def key(*keys: str) -> None:
    """One after another, with the time that a person needs."""
    for each in keys:
        xdotool("key", each)
        time.sleep(0.15)


def test_by_keys_alone_the_menu_opens_keeps_keys_from_the_game_and_ends_it(tmp_path: Path) -> None:
    ended: list[int] = []

    async def script(play: Play) -> None:
        shown = await asyncio.to_thread(find_window)
        await asyncio.to_thread(xdotool, "windowfocus", "--sync", shown)
        await play.until_presses(1, lambda: key("w"))
        before = await play.presses()
        await asyncio.to_thread(key, "ctrl+alt+g", "a", "s", "d", "Down", "Up", "Escape")
        await play.until_presses(before + 1, lambda: key("w"))
        during = (await play.presses()) - before
        # Ctrl and Alt are keys of the game too, until the last key makes a shortcut of them.
        assert during <= 2 + 1 + 1, "letters and arrows were for the menu"
        await asyncio.to_thread(key, "ctrl+alt+g", "Up", "Return", "Down", "Return")
        ended.append(await play.until_over())

    playing(tmp_path, script, {"QT_QPA_PLATFORM": "xcb"})
    assert ended == [0]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_by_a_pad_alone_the_chord_opens_the_menu_and_the_game_is_ended(tmp_path: Path) -> None:
    pad = PadOfProgram(tmp_path)
    ended: list[int] = []

    async def script(play: Play) -> None:
        shown = await asyncio.to_thread(find_window)
        await asyncio.to_thread(xdotool, "windowfocus", "--sync", shown)
        await pad.plugged()
        await play.until_presses(1, lambda: pad.hold(DPAD_DOWN))
        ended.append(await open_menu_and_end(play, pad))
        pad.close()

    playing(tmp_path, script, {"QT_QPA_PLATFORM": "xcb", **pad.environment})
    assert ended == [0]
