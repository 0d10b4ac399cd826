"""Plays a few seconds on any backend, and reports which input the service's module turned into
bytes.

For the first test with a real service: it lists the events that produced bytes, the browser
features that the module missed here, and the module's messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from rejoin.clock import boot_s
from rejoin.core.model import NoInput, Stage
from rejoin.errors import RejoinError
from rejoin.input_events.events import (
    Button,
    InputEvent,
    KeyEvent,
    PadState,
    PointerButton,
    PointerMove,
    View,
    Wheel,
)
from rejoin.input_module.port import ModuleFacts
from rejoin.media.audio.output import NullOutput
from rejoin.runtime.brief_game import brief_game
from rejoin.runtime.module_report import report_lines
from rejoin.runtime.player import Player, PlayerOptions
from rejoin.runtime.studio_profile import StudioProfile

LIVE_WITHIN_S: Final = 120.0
"""A game may have to be placed first."""
INPUT_WITHIN_S: Final = 20.0
"""From live to input: three tries to fetch the script fit in."""
POLL_EVERY_S: Final = 0.005
EVENT_EVERY_S: Final = 0.03
"""Pause between events, so that an event's bytes are not attributed to another one."""
QUIET_S: Final = 0.12
"""Longer than a module waits before it repeats something."""
HANDLED_WITHIN_S: Final = 1.0
"""How long an event may take to be handled."""
QUIET_WITHIN_S: Final = 1.0
"""A module that repeats something for longer does so for ever."""


def _key(code: str, key: str) -> tuple[InputEvent, InputEvent]:
    return KeyEvent(code, key, pressed=True), KeyEvent(code, key, pressed=False)


def _button(button: Button) -> tuple[InputEvent, InputEvent]:
    down = PointerButton(button, True, 320, 180, buttons=button.bit)
    return down, replace(down, pressed=False, buttons=0)


def _pad(button: int) -> tuple[InputEvent, InputEvent]:
    buttons = tuple(float(index == button) for index in range(17))
    loose = PadState(0, True, "Rejoin test pad", (0.0,) * 17, (0.0,) * 4)
    return replace(loose, buttons=buttons, axes=(0.5, -0.5, 0.0, 0.0)), loose


_REPEAT: Final = KeyEvent("KeyD", "d", pressed=True, repeat=True)

STEPS: Final[tuple[tuple[str, tuple[InputEvent, ...]], ...]] = (
    ("letters", _key("KeyW", "w") + _key("KeyA", "a")),
    ("arrows", _key("ArrowLeft", "ArrowLeft") + _key("ArrowRight", "ArrowRight")),
    ("modifiers", _key("ShiftLeft", "Shift") + _key("ControlRight", "Control")),
    ("function keys", _key("F5", "F5") + _key("Escape", "Escape")),
    ("auto-repeat", (*_key("KeyD", "d")[:1], _REPEAT, *_key("KeyD", "d")[1:])),
    ("movement", (PointerMove(5, -3, 320, 180), PointerMove(-5, 3, 320, 180))),
    ("left button", _button(Button.LEFT)),
    ("other buttons", _button(Button.RIGHT) + _button(Button.MIDDLE)),
    ("wheel", (Wheel(0, 120, 320, 180), Wheel(0, -120, 320, 180))),
    ("gamepad", _pad(0) + _pad(12)),
)
"""What is played in turn, by name."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """`events`: of this kind. `with_bytes`: those of them that the module sent something for."""

    name: str
    events: int = 0
    with_bytes: int = 0


@dataclass(frozen=True, slots=True)
class InputReport:
    """`missing`: why there was no module; None if one was attached."""

    missing: NoInput | None
    facts: ModuleFacts
    steps: tuple[StepResult, ...] = ()
    live_to_input_s: float | None = None

    @property
    def plays(self) -> bool:
        """Whether anything that the player does reaches the game."""
        return self.missing is None and any(step.with_bytes for step in self.steps)

    def lines(self) -> Sequence[str]:
        """For a terminal."""
        if self.missing is not None:
            found = [f"No input: {self.missing.value.replace('_', ' ')}."]
        else:
            assert self.live_to_input_s is not None
            found = [f"Input opened {self.live_to_input_s:.3f} s after the first picture."]
            found += [f"{'events':<16}{'played':>8}{'with bytes':>12}"]
            found += [
                f"{each.name:<16}{each.events:>8}{each.with_bytes:>12}" for each in self.steps
            ]
        return [*found, *(f"{name}: {text}" for name, text in report_lines(self.facts).items())]


async def check(
    profile: StudioProfile, seconds: float, on_open: Callable[[], None] = lambda: None
) -> InputReport:
    """Start a game, play the steps in turn for so long, and end the game. `on_open` is called when
    the playing begins.

    Raises RejoinError if the game does not become live, or ends meanwhile.
    """
    player = Player(profile, PlayerOptions(audio=NullOutput()))
    async with brief_game(player):
        return await _check(player, seconds, on_open)


async def _check(player: Player, seconds: float, on_open: Callable[[], None]) -> InputReport:
    await _until_live(player)
    live_at = boot_s()
    while boot_s() - live_at < INPUT_WITHIN_S:
        if player.snapshot.input_open or player.snapshot.view_only is not None:
            break
        _check_playing(player)
        await asyncio.sleep(POLL_EVERY_S)
    if not player.snapshot.input_open:
        missing = player.snapshot.view_only or NoInput.NOT_LOADED
        return InputReport(missing, player.input_facts())
    opened_at = boot_s()
    on_open()
    player.send_input(View(width=640, height=360))
    results = {name: StepResult(name) for name, _ in STEPS}
    while boot_s() - opened_at < seconds:
        for name, events in STEPS:
            for event in events:
                if player.snapshot.input_open:
                    results[name] = await _play(player, event, results[name])
            _check_playing(player)
    if player.snapshot.view_only is not None:
        return InputReport(player.snapshot.view_only, player.input_facts())
    return InputReport(
        None, player.input_facts(), tuple(results.values()), live_to_input_s=opened_at - live_at
    )


async def _play(player: Player, event: InputEvent, before: StepResult) -> StepResult:
    """A gamepad sends no events in a browser: a module reads it a moment later, by itself."""
    if isinstance(event, PadState):
        await _until_quiet(player)
    facts = player.input_facts()
    player.send_input(event)
    handled = produced = False
    for _ in range(int(HANDLED_WITHIN_S / EVENT_EVERY_S)):
        await asyncio.sleep(EVENT_EVERY_S)
        after = player.input_facts()
        if isinstance(event, PadState):
            handled = produced = after.bytes_sent > facts.bytes_sent
        else:
            handled = after.events_answered > facts.events_answered
            produced = after.events_with_bytes > facts.events_with_bytes
        if handled:
            break
    return replace(before, events=before.events + 1, with_bytes=before.with_bytes + int(produced))


async def _until_quiet(player: Player) -> None:
    """Wait until nothing is repeated any more, but not for ever."""
    before = -1
    for _ in range(int(QUIET_WITHIN_S / QUIET_S)):
        now = player.input_facts().bytes_sent
        if now == before:
            return
        before = now
        await asyncio.sleep(QUIET_S)


async def _until_live(player: Player) -> None:
    began_at = boot_s()
    while boot_s() - began_at < LIVE_WITHIN_S:
        if player.snapshot.stage is Stage.LIVE:
            return
        _check_playing(player)
        await asyncio.sleep(POLL_EVERY_S)
    raise RejoinError("The game never went live.")


def _check_playing(player: Player) -> None:
    ending = player.snapshot.ending
    if ending is not None:
        raise RejoinError(f"The game ended: {ending.kind.value.replace('_', ' ')}.")
