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

from helpers.buttons_of_program import ButtonsOfProgram, Eyes
from helpers.headless_scene import until
from helpers.played_program import PadHand, PadOfProgram, Play, open_menu_and_end, playing
from helpers.virtual_pads import DPAD_DOWN
from helpers.x_input import x_input
from helpers.xdotool import find_window, xdotool
from rejoin.input_events.keys import BY_CODE

KEY_X = BY_CODE["KeyX"].usage

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


async def counted(play: Play) -> int:
    """How many keys the game has been pressed, once all before have reached it, and one more."""
    await asyncio.to_thread(xdotool, "keydown", "x")

    async def has_it() -> bool:
        game = (await play.session())["game_state"]
        return KEY_X in game["keys_held"]

    await until(has_it)
    presses = await play.presses()
    await asyncio.to_thread(xdotool, "keyup", "x")
    return presses


def test_by_keys_alone_the_menu_opens_keeps_keys_from_the_game_and_ends_it(tmp_path: Path) -> None:
    ended: list[int] = []

    async def script(play: Play) -> None:
        shown = await asyncio.to_thread(find_window)
        await asyncio.to_thread(xdotool, "windowfocus", "--sync", shown)
        await play.until_presses(1, lambda: key("w"))
        before = await counted(play)
        await asyncio.to_thread(key, "ctrl+alt+g", "a", "s", "d", "Down", "Up", "Escape")
        during = await counted(play) - before
        # Ctrl and Alt are keys of the game too, until the last key makes a shortcut of them.
        assert during <= 2 + 1, "letters and arrows were for the menu"
        await asyncio.to_thread(key, "ctrl+alt+g", "Up", "Return", "Down", "Return")
        ended.append(await play.until_over())

    playing(tmp_path, script, {"QT_QPA_PLATFORM": "xcb"})
    assert ended == [0]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_by_a_pad_alone_the_chord_opens_the_menu_and_the_game_is_ended(tmp_path: Path) -> None:
    pad, sees = PadOfProgram(tmp_path), ButtonsOfProgram(tmp_path)
    ended: list[int] = []

    async def script(play: Play) -> None:
        shown = await asyncio.to_thread(find_window)
        await asyncio.to_thread(xdotool, "windowfocus", "--sync", shown)
        await pad.plugged()
        hand = PadHand(pad, Eyes(sees, play.program))
        await asyncio.to_thread(hand.eyes.until, takes_input=True)
        await play.until_presses(1, lambda: hand.hold(DPAD_DOWN))
        ended.append(await open_menu_and_end(play, hand))
        pad.close()

    playing(tmp_path, script, {"QT_QPA_PLATFORM": "xcb", **sees.environment, **pad.environment})
    assert ended == [0]
