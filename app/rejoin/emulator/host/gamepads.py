"""How the game uses gamepads: as arrow keys and as more buttons of the controls."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rejoin.input_protocol.controls import Controls, Gamepad

_FIRST_BUTTON = 8
"""The bits below are the mouse buttons."""
_U32 = 0xFFFFFFFF
_PUSHED = 16_384
"""Half way: a stick pushed further counts as its arrow key."""

# Buttons 12 to 15 of the W3C's standard gamepad, and the arrow keys' USB HID usages.
_PAD_ARROWS = {12: 0x52, 13: 0x51, 14: 0x50, 15: 0x4F}
_DIRECTIONS = sum(1 << button for button in _PAD_ARROWS)


def with_gamepads(held: Controls, gamepads: Iterable[Gamepad]) -> Controls:
    """The controls with what the gamepads hold added.

    The directional pad and the left stick become arrow keys, other buttons become buttons from
    bit 8 on.
    """
    keys, buttons = set(held.keys), held.buttons
    for gamepad in gamepads:
        keys.update(usage for button, usage in _PAD_ARROWS.items() if gamepad.buttons >> button & 1)
        x, y = gamepad.axes[:2]
        for pushed, usage in ((-y, 0x52), (y, 0x51), (-x, 0x50), (x, 0x4F)):
            if pushed > _PUSHED:
                keys.add(usage)
        buttons |= (gamepad.buttons & ~_DIRECTIONS) << _FIRST_BUTTON & _U32
    return replace(held, keys=frozenset(keys), buttons=buttons)
