"""`rejoin play` as a program against the emulator: what reached the game, and a pad that it has."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.buttons_of_program import Eyes
from helpers.headless_scene import small, until
from helpers.programs import PATIENCE_S, Program, started
from helpers.virtual_pads import DPAD_DOWN, DPAD_UP, MENU, VIEW, A
from rejoin.emulator.service.control import EmulatorControl
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.studio.serve import studio

_TESTS = Path(__file__).parents[1]
_FOLLOWS_A_FILE = """if True:
    import os, sys, threading, time

    def follow():
        while "rejoin.gamepads.sdl_source" not in sys.modules:
            time.sleep(0.01)
        from helpers.virtual_pads import VirtualPad
        from rejoin.gamepads import sdl_library
        sdl = sdl_library.load()

        def plugged(pad):
            while not sdl.SDL_WasInit(sdl_library.INIT_GAMECONTROLLER):
                time.sleep(0.01)
            if pad is None or not sdl.SDL_JoystickFromInstanceID(pad.instance):
                pad = VirtualPad()
                while not sdl.SDL_JoystickFromInstanceID(pad.instance):
                    time.sleep(0.01)
            return pad

        pad = plugged(None)
        with open(os.environ["PAD_COMMANDS"]) as commands:
            for line in commands:
                verb, button = line.split()
                pad = plugged(pad)
                (pad.press if verb == "press" else pad.release)(int(button))

    threading.Thread(target=follow, daemon=True).start()
"""
"""A virtual pad in the program, which does what is written into a named pipe. It is plugged in
again where the program has begun to read pads anew: in a game, and at home after it."""


class Play:
    """The running program, and what the emulated game says."""

    def __init__(self, program: Program, control: EmulatorControl) -> None:
        self.program = program
        self._control = control

    async def session(self) -> dict[str, Any]:
        """What the emulator says of the game; empty without one."""
        assert self.program.process.poll() is None, "it ended too soon"
        sessions = (await self._control.state())["sessions"]
        return dict(sessions[0]) if sessions else {}

    async def presses(self) -> int:
        """How many key presses have reached the game; -1 without one."""
        game = (await self.session()).get("game_state")
        return -1 if game is None else int(game.get("key_presses", 0))

    async def drop(self) -> None:
        """The host closes the connection, and the game goes on."""
        await self._control.inject(Fault(FaultKind.GRACEFUL_CLOSE))

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


def playing(
    tmp_path: Path,
    script: Callable[[Play], Awaitable[None]],
    environment: Mapping[str, str],
    *,
    flags: tuple[str, ...] = ("--close-at-end",),
) -> None:
    """Run the script beside `rejoin play` with these flags and variables. Its settings are in the
    folder."""

    async def main() -> None:
        async with (
            studio(small(60.0)) as there,
            EmulatorControl(there.control_url, there.control_token) as control,
        ):
            everything = {
                "REJOIN_TOKEN": there.player_token,
                "XDG_CONFIG_HOME": str(tmp_path),
                **environment,
            }
            verb = ("play", "--network", "loopback", *flags, there.backend_url)
            with started(*verb, environment=everything) as program:
                await script(Play(program, control))
                await asyncio.to_thread(program.wait_until_gone)

    asyncio.run(main())


class PadOfProgram:
    """A virtual pad in the program."""

    def __init__(self, folder: Path) -> None:
        self._pipe = folder / "pad"
        os.mkfifo(self._pipe)
        (folder / "sitecustomize.py").write_text(_FOLLOWS_A_FILE, encoding="utf-8")
        self.environment = {"PYTHONPATH": f"{folder}:{_TESTS}", "PAD_COMMANDS": str(self._pipe)}
        """The program needs these variables."""
        self.pressed = 0
        """How many presses there have been."""

    async def plugged(self) -> None:
        """The program has read the file, and has the pad."""
        await asyncio.to_thread(self.plug)

    def plug(self) -> None:
        """Waits for that."""
        self._commands = self._pipe.open("wb", 0)

    def send(self, verb: str, *buttons: int) -> None:
        """press or release."""
        self.pressed += len(buttons) if verb == "press" else 0
        for button in buttons:
            self._commands.write(f"{verb} {button}\n".encode())

    def hold(self, *buttons: int, for_s: float = 0.15) -> None:
        """Press and release, with the time that a person needs."""
        self.send("press", *buttons)
        time.sleep(for_s)
        self.send("release", *buttons)
        time.sleep(0.15)

    def close(self) -> None:
        self._commands.close()


@dataclass
class PadHand:
    """Has a pad alone, and holds what it presses until the program goes on, however busy it is."""

    pad: PadOfProgram
    eyes: Eyes

    def hold(self, *buttons: int) -> None:
        self.pad.send("press", *buttons)
        self.eyes.later()
        self.pad.send("release", *buttons)
        self.eyes.later()

    def press(self, name: str, towards: Callable[[], int]) -> None:
        """A button of the program, which `towards` leads to."""
        self.eyes.sees.find(self.eyes.program, name)
        self.eyes.later(0.5)  # what was held belonged to the game
        self.eyes.until_focus(name, lambda: self.hold(towards()))
        self.eyes.later(0.7)  # a button has had the focus for a while before it is pressed
        self.hold(A)

    def open_menu(self) -> None:
        self.pad.send("press", VIEW, MENU)
        self.eyes.until(menu=True)
        self.pad.send("release", VIEW, MENU)


async def open_menu_and_end(play: Play, hand: PadHand) -> int:
    """By the pad alone: the chord, the last entry, and its question. The program's exit code."""
    await asyncio.to_thread(hand.open_menu)
    pressed = hand.pad.pressed
    for button in 5 * (DPAD_DOWN, DPAD_UP):
        await asyncio.to_thread(hand.hold, button)
    assert await play.presses() <= pressed, "they were for the menu"
    await asyncio.to_thread(hand.press, "End game", lambda: DPAD_UP)
    await asyncio.to_thread(hand.eyes.sees.find, play.program, "Keep playing")
    await asyncio.to_thread(hand.eyes.until_focus, "End game", lambda: hand.hold(DPAD_DOWN))
    hand.pad.send("press", A)  # the program may be gone before it is released
    return await play.until_over()
