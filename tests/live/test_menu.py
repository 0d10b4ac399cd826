"""From playing to the menu and to the end, with real keys of an X server and with a pad alone.

The whole program (`rejoin play`) against the emulator; what reached the game is what the emulated
game says. `python3 dev.py test` runs this under Xvfb.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from helpers.headless_scene import small, until
from helpers.programs import PATIENCE_S, Program, started
from helpers.x_input import x_input
from helpers.xdotool import find_window, xdotool
from rejoin.emulator.service.control import EmulatorControl
from rejoin.studio.serve import studio

pytestmark = [
    pytest.mark.live,
    pytest.mark.x11,
    pytest.mark.skipif(shutil.which("xdotool") is None, reason="xdotool is not installed"),
]

TESTS = Path(__file__).parents[1]
FOLLOWS_A_FILE = """if True:
    import os, sys, threading, time

    def follow():
        while "rejoin.gamepads.sdl_source" not in sys.modules:
            time.sleep(0.01)
        from helpers.virtual_pads import VirtualPad
        from rejoin.gamepads import sdl_library
        sdl = sdl_library.load()
        while not sdl.SDL_WasInit(sdl_library.INIT_GAMECONTROLLER):
            time.sleep(0.01)
        pad = VirtualPad()
        while not sdl.SDL_JoystickFromInstanceID(pad.instance):
            time.sleep(0.01)
        with open(os.environ["PAD_COMMANDS"]) as commands:
            for line in commands:
                verb, button = line.split()
                (pad.press if verb == "press" else pad.release)(int(button))

    threading.Thread(target=follow, daemon=True).start()
"""
"""A virtual pad in the program, which does what is written into a named pipe."""


@pytest.fixture(scope="module", autouse=True)
def display_kept() -> Iterator[None]:
    """An X server takes nobody while it resets, which it does when its last client leaves."""
    with x_input():
        yield


class Play:
    """The running program, and what the emulated game says."""

    def __init__(self, program: Program, control: EmulatorControl) -> None:
        self.program = program
        self._control = control

    async def presses(self) -> int:
        """How many key presses have reached the game; -1 without one."""
        assert self.program.process.poll() is None, "it ended too soon"
        sessions = (await self._control.state())["sessions"]
        game = sessions[0]["game_state"] if sessions else None
        return -1 if game is None else int(game.get("key_presses", 0))

    async def until_presses(self, count: int, act: Callable[[], object] | None = None) -> None:
        """Until at least so many have arrived; `act` is repeated until then."""

        async def so() -> bool:
            if act is not None:
                await asyncio.to_thread(act)
            return await self.presses() >= count

        await until(so)

    async def until_over(self) -> int:
        """The program's exit code."""
        await asyncio.to_thread(self.program.process.wait, PATIENCE_S)
        return int(self.program.process.returncode)


def playing(tmp_path: Path, script: Callable[[Play], Awaitable[None]], **environment: str) -> None:
    async def main() -> None:
        async with (
            studio(small(60.0)) as there,
            EmulatorControl(there.control_url, there.control_token) as control,
        ):
            everything = {
                "REJOIN_TOKEN": there.player_token,
                "QT_QPA_PLATFORM": "xcb",
                "XDG_CONFIG_HOME": str(tmp_path),
                **environment,
            }
            verb = ("play", "--network", "loopback", "--close-at-end", there.backend_url)
            with started(*verb, environment=everything) as program:
                await script(Play(program, control))
                await asyncio.to_thread(program.wait_until_gone)

    asyncio.run(main())


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

    playing(tmp_path, script)
    assert ended == [0]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_by_a_pad_alone_the_chord_opens_the_menu_and_the_game_is_ended(tmp_path: Path) -> None:
    from helpers.virtual_pads import DPAD_DOWN, DPAD_UP, MENU, VIEW, A

    (tmp_path / "sitecustomize.py").write_text(FOLLOWS_A_FILE, encoding="utf-8")
    pipe = tmp_path / "pad"
    os.mkfifo(pipe)
    ended: list[int] = []

    async def script(play: Play) -> None:
        shown = await asyncio.to_thread(find_window)
        await asyncio.to_thread(xdotool, "windowfocus", "--sync", shown)
        commands = await asyncio.to_thread(pipe.open, "wb", 0)

        def send(verb: str, buttons: tuple[int, ...]) -> None:
            for button in buttons:
                commands.write(f"{verb} {button}\n".encode())

        def hold(*buttons: int, for_s: float = 0.15) -> None:
            send("press", buttons)
            time.sleep(for_s)
            send("release", buttons)
            time.sleep(0.15)

        await play.until_presses(1, lambda: hold(DPAD_DOWN))
        await asyncio.to_thread(hold, VIEW, MENU, for_s=1.4)
        await asyncio.sleep(0.6)
        before = await play.presses()
        for button in (DPAD_DOWN, DPAD_UP, DPAD_UP):  # round to the last entry
            await asyncio.to_thread(hold, button)
        assert await play.presses() == before, "they were for the menu"
        for button in (A, DPAD_DOWN):
            await asyncio.to_thread(hold, button)
        send("press", (A,))  # the program may be gone before it is released
        ended.append(await play.until_over())
        commands.close()

    path = f"{tmp_path}:{TESTS}"
    playing(tmp_path, script, PYTHONPATH=path, PAD_COMMANDS=str(pipe))
    assert ended == [0]
