"""SDL's game controller as the W3C's standard gamepad. Pure.

SDL's buttons and axes are named after an Xbox pad by position: A is the bottom one on every pad.
The W3C's order: https://www.w3.org/TR/gamepad/#remapping
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Final

from rejoin.gamepads.choices import PadChoices

BUTTONS: Final = 17
TRIGGERS: Final = {6: 4, 7: 5}
"""Of each trigger, a button of the W3C's: its axis of SDL's, 0 to 32767."""

_SDL_BUTTONS: Final = {
    0: 0,  # A: bottom
    1: 1,  # B: right
    2: 2,  # X: left
    3: 3,  # Y: top
    4: 9,  # left shoulder
    5: 10,  # right shoulder
    8: 4,  # back, view
    9: 6,  # start, menu
    10: 7,  # left stick
    11: 8,  # right stick
    12: 11,  # up
    13: 12,  # down
    14: 13,  # left
    15: 14,  # right
    16: 5,  # guide
}
"""Of each button of the W3C's: SDL's."""

_FULL: Final = 32767
_DIGITS: Final = 5
"""After the point: finer than any device, and short in JSON."""


def buttons_of(
    pressed: Collection[int], axes: Sequence[int], choices: PadChoices
) -> tuple[float, ...]:
    """17 buttons, 0 to 1. `pressed`: SDL's buttons; `axes`: SDL's six."""
    values = [float(_SDL_BUTTONS.get(button, -1) in pressed) for button in range(BUTTONS)]
    for button, axis in TRIGGERS.items():
        values[button] = round(min(1.0, max(0.0, axes[axis] / _FULL)), _DIGITS)
    if choices.swap_ab:
        values[0], values[1] = values[1], values[0]
    if choices.swap_xy:
        values[2], values[3] = values[3], values[2]
    return tuple(values)


def axes_of(axes: Sequence[int], choices: PadChoices) -> tuple[float, ...]:
    """Left x, left y, right x, right y, -1 to 1; positive right and down, as SDL's are."""
    return (
        *stick(axes[0], axes[1], choices.dead_zone),
        *stick(axes[2], axes[3], choices.dead_zone),
    )


def stick(x: int, y: int, dead_zone: float) -> tuple[float, float]:
    """A stick without its dead zone, which is round: the direction stays, and what is left of the
    way counts from 0 to 1. Corners that reach further than 1 keep their values within -1 to 1."""
    across, down = max(-1.0, x / _FULL), max(-1.0, y / _FULL)
    tilt = math.hypot(across, down)
    if tilt <= dead_zone or tilt == 0.0:
        return 0.0, 0.0
    scale = (tilt - dead_zone) / (1.0 - dead_zone) / tilt if dead_zone < 1.0 else 0.0
    return _within(across * scale), _within(down * scale)


def _within(value: float) -> float:
    return round(max(-1.0, min(1.0, value)), _DIGITS)
