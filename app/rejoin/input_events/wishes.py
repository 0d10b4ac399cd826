"""Requests of the input module to the window, each granted by the window's own rules.

A module is not trusted: it gets the pointer or the full screen only shortly after a click
(`gui/module_wishes`), and a cursor is one of CSS's keywords, never an image.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PointerLockWish:
    """Element.requestPointerLock or, not `wanted`, Document.exitPointerLock."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class FullScreenWish:
    """Element.requestFullscreen or, not `wanted`, Document.exitFullscreen."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class CursorWish:
    """The pointer over the picture: a keyword of CSS's `cursor`; "none" hides it."""

    keyword: str


@dataclass(frozen=True, slots=True)
class VibrationWish:
    """GamepadHapticActuator.playEffect("dual-rumble"): a pad, its two motors from 0 to 1, and for
    how many seconds, 5 at most; 0 ends it."""

    index: int
    strong: float
    weak: float
    duration_s: float


Wish = PointerLockWish | FullScreenWish | CursorWish
"""Requests that the window can grant."""

AnyWish = Wish | VibrationWish
"""The last one is for the gamepads."""
