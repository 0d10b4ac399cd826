"""A gamepad of SDL's own plays the emulator's game, through the input module and real sockets."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from helpers.chromium import CHROMIUM
from helpers.headless_scene import Scene, can_play, play, presses, small, until
from helpers.judge import Sent, chromium_by_playwright
from helpers.module_sandbox import begin, sandbox
from helpers.played_program import PadOfProgram, Play, playing
from helpers.virtual_pads import DPAD_DOWN, LEFT_X, A, VirtualPad
from helpers.waiting import eventually
from helpers.wire import Wire, at_of
from rejoin.clock import boot_s
from rejoin.core.model import Snapshot, Stage
from rejoin.emulator.service.faults import FaultKind
from rejoin.emulator.service.protocol_script import protocol_script
from rejoin.gamepads.choices import PadChoices
from rejoin.gamepads.reader import Gamepads
from rejoin.gui.input import PlayerInput
from rejoin.gui.qt_application import INTERRUPTED
from rejoin.input_events.events import PadState, View

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

ARROW_DOWN, ARROW_RIGHT = 0x51, 0x4F


class Hands:
    """The inputs of a window, opened and closed as it does, and a pad that is plugged in."""

    def __init__(self, it: Scene, choices: PadChoices | None = None) -> None:
        self.sent: list[PadState] = []
        self._it = it
        self.pads = Gamepads(choices or PadChoices())
        self._inputs = PlayerInput(self._send, boot_s, self.pads)
        self._inputs.show_view(View())
        self._unsubscribe = it.player.subscribe(self._show)
        it.player.subscribe_wishes(self.pads.on_wish)
        self._show(it.player.snapshot)

    def look(self, *, focused: bool) -> None:
        self._inputs.show_view(View(focused=focused))

    async def plug(self) -> VirtualPad:
        before = len(self.sent)
        pad = VirtualPad()
        await eventually(lambda: any(each.connected for each in self.sent[before:]))
        return pad

    async def press_again(self, pad: VirtualPad, button: int) -> None:
        """Let go first: a virtual pad shows what it holds at the moment when it is read."""
        pad.release(button)
        gate = self.pads._gate
        await eventually(
            lambda: not any(map(any, (each.buttons for each in gate._newest.values())))
        )
        pad.press(button)

    def stop(self) -> None:
        self._unsubscribe()
        self._inputs.close()
        self.pads.stop()

    def _send(self, event: object) -> None:
        if isinstance(event, PadState):
            self.sent.append(event)
        self._it.player.send_input(event)  # type: ignore[arg-type]

    def _show(self, snapshot: Snapshot) -> None:
        if snapshot.stage is Stage.LIVE and snapshot.input_open:
            self._inputs.open()
        else:
            self._inputs.close()


@asynccontextmanager
async def hands(it: Scene, choices: PadChoices | None = None) -> AsyncIterator[Hands]:
    """SDL is in use as soon as the game takes input: wait for that before a pad is made."""
    from rejoin.gamepads import sdl_library

    made = Hands(it, choices)
    try:
        sdl = sdl_library.load()
        await eventually(lambda: bool(sdl.SDL_WasInit(sdl_library.INIT_GAMECONTROLLER)))
        yield made
    finally:
        made.stop()


def holds(it: Scene, keys: list[int]) -> Callable[[], Awaitable[bool]]:
    async def so() -> bool:
        return (await it.game())["keys_held"] == keys

    return so


def test_a_pad_plays_and_one_that_is_pulled_out_releases_what_it_held() -> None:
    async def script(it: Scene) -> None:
        await can_play(it)
        async with hands(it) as player:
            pad = await player.plug()
            pad.press(DPAD_DOWN)
            await presses(it, 1)
            await until(holds(it, [ARROW_DOWN]))
            pad.move(LEFT_X, 32767)
            await until(holds(it, [ARROW_RIGHT, ARROW_DOWN]))
            pad.unplug()
            await until(holds(it, []))
            assert (await it.game())["key_presses"] == 2
            again = await player.plug()
            again.press(DPAD_DOWN)
            await until(holds(it, [ARROW_DOWN]))
            again.unplug()
            await until(holds(it, []))

    play(small(30.0), script)


def test_a_window_that_is_not_active_releases_its_pads_unless_wished() -> None:
    async def script(it: Scene) -> None:
        await can_play(it)
        async with hands(it) as player:
            pad = await player.plug()
            pad.press(DPAD_DOWN)
            await until(holds(it, [ARROW_DOWN]))
            player.look(focused=False)
            await until(holds(it, []))
            player.look(focused=True)
            await player.press_again(pad, DPAD_DOWN)
            await until(holds(it, [ARROW_DOWN]))
            pad.unplug()
        async with hands(it, PadChoices(background=True)) as player:
            player.look(focused=False)
            pad = await player.plug()
            pad.press(DPAD_DOWN)
            await until(holds(it, [ARROW_DOWN]))
            pad.unplug()

    play(small(30.0), script)


def test_after_a_loss_nothing_of_a_pad_leaves_and_after_the_rejoin_it_plays() -> None:
    wires: list[Wire] = []

    async def script(it: Scene) -> None:
        await can_play(it)
        async with hands(it) as player:
            pad = await player.plug()
            wires.append(Wire(it))
            pad.press(DPAD_DOWN)
            await presses(it, 1)
            await it.fault(FaultKind.SILENCE)
            await it.until(lambda shown: shown.stage is not Stage.LIVE)
            turn = 0
            while it.player.snapshot.stage is not Stage.LIVE:
                turn += 1
                pad.move(LEFT_X, (turn * 7919) % 32000)
                (pad.press if turn % 2 else pad.release)(A)
                await asyncio.sleep(0.005)
            assert turn > 20
            pad.move(LEFT_X, 0)
            pad.release(A)
            await can_play(it, episode=1)
            await asyncio.sleep(0.3)
            assert (await it.game())["keys_held"] == [], "it counts when it is pressed again"
            await player.press_again(pad, DPAD_DOWN)
            await until(holds(it, [ARROW_DOWN]))
            pad.unplug()

    it = play(small(5.0), script)
    (wire,) = wires
    lost_at, goodbye_at = at_of(it, "Mute"), at_of(it, "SayGoodbye")
    between = {kind for at, kind in wire.sent if lost_at + 0.001 < at < goodbye_at}
    assert wire.since(0.0) >= {"check", "dtls", "rtcp"}, "it is the wire"
    assert between <= {"check"}, "the checks alone"
    assert it.timelines()[0].outcome == "live"


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_the_whole_program_plays_with_a_pad_and_still_ends_by_a_signal(tmp_path: Path) -> None:
    """SDL would take SIGTERM for itself. `rejoin play`, with settings and window."""
    pad = PadOfProgram(tmp_path)
    ended: list[int] = []

    async def script(play: Play) -> None:
        await pad.plugged()
        await play.until_presses(3, lambda: pad.hold(DPAD_DOWN))
        play.program.send(signal.SIGTERM)
        ended.append(await play.until_over())
        pad.close()

    playing(tmp_path, script, pad.environment, flags=("--pad-background",))
    assert ended == [INTERRUPTED]


# --- Chromium is the judge ------------------------------------------------------------------------

SHOWN = """(pad) => {
  globalThis.shownPads ??= [null, null, null, null];
  Object.defineProperty(navigator, "getGamepads", { value: () => shownPads, configurable: true });
  const { index, connected, buttons, axes } = pad;
  const came = (shownPads[index] === null) === connected;
  shownPads[index] = !connected ? null : { index, connected, mapping: "standard", axes,
    buttons: buttons.map((value) => ({ value, pressed: value > 0.1, touched: value > 0 })) };
  if (came) dispatchEvent(new Event(connected ? "gamepadconnected" : "gamepaddisconnected"));
}"""


def pad(*pressed: int, index: int = 0, axes: tuple[float, ...] = (0.0,) * 4) -> PadState:
    buttons = tuple(float(button in pressed) for button in range(17))
    return PadState(index, True, "pad", buttons, axes)


STATES = [
    *(pad(button) for button in range(17)),
    pad(),
    pad(0, 5, 16, axes=(0.5, -0.25, 0.12345, -1.0)),
    pad(axes=(1.0, 1.0, 0.05, -0.05)),
    pad(3, index=2),
    replace(pad(), buttons=(*(0.0,) * 6, 0.75, 0.05, *(0.0,) * 9)),
    PadState(2, False),
    PadState(0, False),
]


async def bytes_of_pads(
    show: Callable[[PadState], Awaitable[object]], sent: Callable[[], Awaitable[list[Sent]]]
) -> list[str]:
    """The GAMEPAD messages, each once: after each state until there is a new one."""

    async def messages() -> list[str]:
        found = (data for label, data in await sent() if label == "inputChannel")
        return list(dict.fromkeys(data for data in found if data.startswith(GAMEPAD)))

    for state in STATES:
        before = len(await messages())
        await show(state)

        async def more(before: int = before) -> bool:
            return len(await messages()) > before

        await until(more)
    return await messages()


GAMEPAD = bytes([0x52, 1, 4]).hex()


@pytest.mark.skipif(CHROMIUM is None, reason="`chromium` is not installed (Debian's package)")
def test_the_same_states_are_the_same_bytes_as_in_chromium(tmp_path: Path) -> None:
    """Chromium has no pads of its own here: its `navigator.getGamepads` is given the states."""
    script = protocol_script()

    async def ours() -> list[str]:
        async with sandbox() as (box, heard):
            await begin(box, script)

            async def show(state: PadState) -> None:
                box.dispatch(state)

            async def sent() -> list[Sent]:
                return [
                    (channel.value, data.hex())
                    for _, channel, data in heard.sent
                    if isinstance(data, bytes)
                ]

            return await bytes_of_pads(show, sent)

    async def theirs() -> list[str]:
        place = (0.0, 0.0, 640.0, 360.0)
        async with chromium_by_playwright(script, tmp_path / "profile", place) as chromium:

            async def show(state: PadState) -> None:
                await chromium.page.evaluate(SHOWN, asdict(state))

            async def sent() -> list[Sent]:
                await chromium.fetch()
                return chromium.sent

            return await bytes_of_pads(show, sent)

    in_rejoin, in_chromium = asyncio.run(ours()), asyncio.run(theirs())
    assert len(in_rejoin) >= len(STATES)
    assert in_rejoin == in_chromium
