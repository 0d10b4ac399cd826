"""What a gamepad's player means on Rejoin's own cards and menu: presses, from whole states. Pure.

While the pad plays the game only its chord counts: View and Menu together, held for a second. A pad
that has just played has to be still for a moment before it presses anything: what was held or
hammered belongs to the game.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Final

from rejoin.gamepads.choices import PadChoices
from rejoin.input_events.events import PadState

CHORD_S: Final = 1.0
REST_S: Final = 0.3
"""A pad that has just played has to be still for so long."""
REPEAT_AFTER_S: Final = 0.45
REPEAT_EVERY_S: Final = 0.12
"""A direction that is held."""

VIEW, MENU = 8, 9
"""Buttons of the W3C's standard gamepad, as below."""
_CHORD: Final = frozenset({VIEW, MENU})
_BOTTOM, _RIGHT = 0, 1
_HELD_FROM = 0.5
"""Buttons and triggers."""
_TILTED_FROM, _TILTED_UNTIL = 0.6, 0.4
"""A stick counts as a direction from here on, and until it is back there."""


class PadPress(enum.Enum):
    """What was pressed, by what it means."""

    UP = "up"
    DOWN = "down"
    LEFT = "left"
    RIGHT = "right"
    PRESS = "press"
    BACK = "back"
    MENU = "menu"
    """The chord."""


_CROSS: Final = {12: PadPress.UP, 13: PadPress.DOWN, 14: PadPress.LEFT, 15: PadPress.RIGHT}


@dataclass(slots=True)
class _Pad:
    state: PadState
    held: frozenset[int]
    direction: PadPress | None = None
    repeats_at: float = 0.0
    still_since: float | None = None
    """None: it is not still."""
    must_rest: bool = False
    chord_since: float | None = None
    chord_done: bool = False


@dataclass(slots=True)
class Navigation:
    """Of all pads. Times are seconds of the boot clock; `plays`: the states reach the game."""

    choices: PadChoices
    _pads: dict[int, _Pad] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """Whether `tick` may find anything while the pads play: the chord is held, or a button of
        a pad that has not been seen to play."""
        return any(
            pad.held and (not pad.must_rest or pad.held >= _CHORD) for pad in self._pads.values()
        )

    def put(self, state: PadState, now: float, *, plays: bool) -> list[PadPress]:
        """The newest state of a pad."""
        if not state.connected:
            self._pads.pop(state.index, None)
            return []
        pad = self._pads.get(state.index)
        if pad is None:  # what it holds already was pressed for nobody
            pad = _Pad(state, _held(state), _direction(state, None))
            pad.repeats_at = float("inf")
            self._pads[state.index] = pad
        before = pad.held
        if state.buttons is not pad.state.buttons:  # as they are where sticks alone move
            pad.held = _held(state)
        pad.state = state
        return self._after(pad, pad.held - before, now, plays=plays)

    def tick(self, now: float, *, plays: bool) -> list[PadPress]:
        """To be called many times a second: what is held long enough."""
        return [
            press
            for pad in self._pads.values()
            for press in self._after(pad, frozenset(), now, plays=plays)
        ]

    def _after(
        self, pad: _Pad, fresh: frozenset[int], now: float, *, plays: bool
    ) -> list[PadPress]:
        presses = self._chord(pad, now)
        before, pad.direction = pad.direction, _direction(pad.state, pad.direction)
        still = not pad.held and pad.direction is None
        pad.still_since = (now if pad.still_since is None else pad.still_since) if still else None
        if plays:
            pad.must_rest = True
            return presses
        if pad.must_rest:
            if pad.still_since is None or now - pad.still_since < REST_S:
                pad.repeats_at = float("inf")
                return presses
            pad.must_rest = False
        return [*presses, *self._moves(pad, before, now), *self._buttons(fresh)]

    def _chord(self, pad: _Pad, now: float) -> list[PadPress]:
        if not pad.held >= _CHORD:
            pad.chord_since, pad.chord_done = None, False
            return []
        if pad.chord_since is None:
            pad.chord_since = now
        if pad.chord_done or now - pad.chord_since < CHORD_S:
            return []
        pad.chord_done = True
        return [PadPress.MENU]

    def _moves(self, pad: _Pad, before: PadPress | None, now: float) -> list[PadPress]:
        direction = pad.direction
        if direction is None:
            return []
        if direction is not before:
            pad.repeats_at = now + REPEAT_AFTER_S
            return [direction]
        if now >= pad.repeats_at:
            pad.repeats_at = now + REPEAT_EVERY_S
            return [direction]
        return []

    def _buttons(self, fresh: frozenset[int]) -> list[PadPress]:
        # The states are those of the game, in which the two may be swapped.
        swapped = self.choices.swap_ab != self.choices.swap_ab_cards
        press, back = (_RIGHT, _BOTTOM) if swapped else (_BOTTOM, _RIGHT)
        found = {press: PadPress.PRESS, back: PadPress.BACK}
        return [meaning for button, meaning in found.items() if button in fresh]


def _held(state: PadState) -> frozenset[int]:
    return frozenset(at for at, value in enumerate(state.buttons) if value >= _HELD_FROM)


def _direction(state: PadState, before: PadPress | None) -> PadPress | None:
    """Of the cross, else of the left stick, which stays where it was between its two limits."""
    for button, direction in _CROSS.items():
        if button < len(state.buttons) and state.buttons[button] >= _HELD_FROM:
            return direction
    across, down = (*state.axes, 0.0, 0.0)[:2]
    limit = _TILTED_FROM if before is None else _TILTED_UNTIL
    if max(abs(across), abs(down)) < limit:
        return None
    if abs(across) > abs(down):
        return PadPress.RIGHT if across > 0 else PadPress.LEFT
    return PadPress.DOWN if down > 0 else PadPress.UP
