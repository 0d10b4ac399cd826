"""A gamepad as a mouse, for games that need a pointer. Pure; times are seconds of the boot clock.

As in moonlight-qt: Menu, held alone for three quarters of a second, switches the pad between itself
and a mouse. While it is one, the game sees the pad at rest; either stick moves the pointer, bottom,
right and left button are the mouse's left, right and middle one, the shoulders go back and forward,
and the cross turns the wheel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from rejoin.gamepads.navigation import MENU
from rejoin.input_events.events import Button, PadState

HOLD_S: Final = 0.75
EVERY_S: Final = 0.008
"""How often the pointer moves, at most."""
FASTEST_PX_S: Final = 1800.0
"""Of a stick at its edge; in between by the square, so that small ways are exact."""
NOTCH: Final = 120
"""Of the wheel, in eighths of a degree."""

_HELD_FROM: Final = 0.5
_BUTTONS: Final = {
    0: Button.LEFT,
    1: Button.RIGHT,
    2: Button.MIDDLE,
    4: Button.BACK,
    5: Button.FORWARD,
}
_TURNS: Final = {12: (0, NOTCH), 13: (0, -NOTCH), 14: (-NOTCH, 0), 15: (NOTCH, 0)}
"""To the right, and away from the player."""


@dataclass(frozen=True, slots=True)
class PadMoved:
    """The pointer moves by so many of Qt's pixels."""

    dx: float
    dy: float


@dataclass(frozen=True, slots=True)
class PadButton:
    button: Button
    pressed: bool


@dataclass(frozen=True, slots=True)
class PadTurned:
    """The wheel, in eighths of a degree."""

    across: int
    away: int


@dataclass(frozen=True, slots=True)
class PadIsMouse:
    """This pad was switched."""

    on: bool
    pad: PadState


PadAct = PadMoved | PadButton | PadTurned | PadIsMouse


@dataclass(slots=True)
class _Pad:
    state: PadState
    held: frozenset[int]
    is_mouse: bool = False
    alone_since: float | None = None
    """Since when Menu is held, and nothing else; of a mouse also with one of its buttons."""
    switched: bool = False
    """By the press that lasts."""
    moved_at: float = 0.0


@dataclass(slots=True)
class PadMouse:
    """Of all pads; `enabled`: the player wants it."""

    enabled: bool = False
    _pads: dict[int, _Pad] = field(default_factory=dict)

    def enable(self, enabled: bool) -> list[PadAct]:
        """The player wants it, or not any more: then every pad plays, and lets go first."""
        acts: list[PadAct] = []
        if not enabled:
            for pad in self._pads.values():
                acts += self._released(pad, pad.held)
                pad.is_mouse = False
        self.enabled = enabled
        return acts

    def is_mouse(self, index: int) -> bool:
        """Whether the game shall see this pad at rest: also while the press lasts that switched it
        back."""
        pad = self._pads.get(index)
        return self.enabled and pad is not None and (pad.is_mouse or pad.switched)

    def put(self, state: PadState, *, plays: bool) -> list[PadAct]:
        """The newest state of a pad."""
        if not state.connected:
            gone = self._pads.pop(state.index, None)
            return [] if gone is None else self._released(gone, gone.held)
        pad = self._pads.get(state.index)
        if pad is None:
            pad = self._pads[state.index] = _Pad(PadState(state.index, True), frozenset())
        before = pad.held
        if state.buttons is not pad.state.buttons:  # as they are where sticks alone move
            pad.held = _held(state)
        pad.state = state
        if MENU not in pad.held:
            pad.alone_since, pad.switched = None, False
        if not (plays and self.enabled and pad.is_mouse):
            return []
        fresh = pad.held - before
        acts: list[PadAct] = [
            PadButton(button, True) for at, button in _BUTTONS.items() if at in fresh
        ]
        acts += self._released(pad, before - pad.held)
        return [*acts, *(PadTurned(*turn) for at, turn in _TURNS.items() if at in fresh)]

    def tick(self, now: float, *, plays: bool) -> list[PadAct]:
        """To be called many times a second."""
        if not self.enabled:
            return []
        return [act for pad in self._pads.values() for act in self._after(pad, now, plays=plays)]

    def _after(self, pad: _Pad, now: float, *, plays: bool) -> list[PadAct]:
        others = pad.held - {MENU} - (_BUTTONS.keys() if pad.is_mouse else set())
        if MENU not in pad.held or others or not plays:
            pad.alone_since = None
        elif pad.alone_since is None:
            pad.alone_since = now
        elif not pad.switched and now - pad.alone_since >= HOLD_S:
            released = self._released(pad, pad.held)
            pad.switched, pad.is_mouse = True, not pad.is_mouse
            return [*released, PadIsMouse(pad.is_mouse, pad.state)]
        return self._moves(pad, now) if plays and pad.is_mouse else []

    def _moves(self, pad: _Pad, now: float) -> list[PadAct]:
        took_s = now - pad.moved_at
        if took_s < EVERY_S:
            return []
        pad.moved_at = now
        left, right = pad.state.axes[0:2], pad.state.axes[2:4]
        x, y = max(left, right, key=lambda stick: math.hypot(*stick))
        tilt = min(1.0, math.hypot(x, y))
        if tilt == 0.0:
            return []
        way = FASTEST_PX_S * tilt * min(took_s, 3 * EVERY_S)  # times the direction, which has tilt
        return [PadMoved(x * way, y * way)]

    def _released(self, pad: _Pad, buttons: frozenset[int]) -> list[PadAct]:
        if not (self.enabled and pad.is_mouse):
            return []
        return [PadButton(button, False) for at, button in _BUTTONS.items() if at in buttons]


def _held(state: PadState) -> frozenset[int]:
    return frozenset(at for at, value in enumerate(state.buttons) if value >= _HELD_FROM)
