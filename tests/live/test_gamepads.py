"""A gamepad of SDL's own plays the emulator's game, through the input module and real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from helpers.headless_scene import Scene, can_play, play, presses, small, until
from helpers.virtual_pads import DPAD_DOWN, LEFT_X, A, VirtualPad
from helpers.waiting import eventually
from helpers.wire import Wire, at_of
from rejoin.clock import boot_s
from rejoin.core.model import Snapshot, Stage
from rejoin.emulator.service.faults import FaultKind
from rejoin.gamepads.choices import PadChoices
from rejoin.gamepads.reader import Gamepads
from rejoin.gui.input import PlayerInput
from rejoin.input_events.events import PadState, View

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

ARROW_DOWN, ARROW_RIGHT = 0x51, 0x4F
FIRST_BUTTON = 1 << 8
"""The game counts buttons of pads from this bit on."""


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

    it = play(small(30.0), script)
    (wire,) = wires
    lost_at, goodbye_at = at_of(it, "Mute"), at_of(it, "SayGoodbye")
    between = {kind for at, kind in wire.sent if lost_at + 0.001 < at < goodbye_at}
    assert wire.since(0.0) >= {"check", "dtls", "rtcp"}, "it is the wire"
    assert between <= {"check"}, "the checks alone"
    assert it.timelines()[0].outcome == "live"
