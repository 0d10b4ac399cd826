"""`rejoin play` as a program against the emulator: what reached the game, and a pad that it has."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

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

    async def plugged(self) -> None:
        """The program has read the file, and has the pad."""
        await asyncio.to_thread(self.plug)

    def plug(self) -> None:
        """Waits for that."""
        self._commands = self._pipe.open("wb", 0)

    def send(self, verb: str, *buttons: int) -> None:
        """press or release."""
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


async def open_menu_and_end(play: Play, pad: PadOfProgram) -> int:
    """By the pad alone: the chord, the last entry, and its question. The program's exit code."""
    await asyncio.to_thread(pad.hold, VIEW, MENU, for_s=1.4)
    await asyncio.sleep(0.6)
    before = await play.presses()
    for button in (DPAD_DOWN, DPAD_UP, DPAD_UP):  # round to the last entry
        await asyncio.to_thread(pad.hold, button)
    assert await play.presses() == before, "they were for the menu"
    for button in (A, DPAD_DOWN):
        await asyncio.to_thread(pad.hold, button)
    pad.send("press", A)  # the program may be gone before it is released
    return await play.until_over()
