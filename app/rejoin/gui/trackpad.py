"""Fingers on a touch screen as on a trackpad: moves, clicks and turns of the wheel. Pure.

One finger moves the pointer; two turn the wheel, as if they held the page. A tap of one, two or
three fingers clicks left, right or middle. A finger that comes down right after a tap holds the
left button until it goes up. Positions are in Qt's pixels, times in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rejoin.input_events.events import Button

TAP_WITHIN_S: Final = 0.25
"""From the first finger down to the last one up; and from a tap to the finger that holds."""
TAP_PX: Final = 8.0
"""How far a finger of a tap may slip."""
TURN_PER_PX: Final = 3.0
"""Eighths of a degree: a notch (120) in 40 pixels."""
CLICK_S: Final = 0.06
"""How long the button of a tap is down: a game that looks 30 times a second sees it."""

_BUTTONS: Final = {1: Button.LEFT, 2: Button.RIGHT, 3: Button.MIDDLE}

Fingers = Mapping[int, tuple[float, float]]
"""Where each finger is that is down, by its number."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The pointer moves so far."""

    dx: float
    dy: float


@dataclass(frozen=True, slots=True)
class Turned:
    """The wheel turns, as `events.Wheel` counts."""

    turn_x: int
    turn_y: int


@dataclass(frozen=True, slots=True)
class Clicked:
    """This button goes down, and up after `CLICK_S`."""

    button: Button


@dataclass(frozen=True, slots=True)
class Held:
    """The left button goes down, or up."""

    pressed: bool


TouchAction = Moved | Turned | Clicked | Held


class Trackpad:
    """Fed with all fingers at each event of the screen."""

    def __init__(self) -> None:
        self._fingers: dict[int, tuple[float, float]] = {}
        self._since = 0.0
        self._most = 0
        """Fingers at once since the first came down."""
        self._slipped = 0.0
        self._rest = (0.0, 0.0)
        self._tapped_at = float("-inf")
        self._holds = False

    def touch(self, fingers: Fingers, now: float) -> list[TouchAction]:
        """These fingers are down now."""
        actions: list[TouchAction] = []
        before = self._fingers
        if fingers and not before:
            actions += self._begin(now)
        stayed = [number for number in fingers if number in before]
        if stayed and len(fingers) == len(before):
            actions += self._slide(fingers, stayed)
        self._most = max(self._most, len(fingers))
        self._fingers = dict(fingers)
        if before and not fingers:
            actions += self._end(now)
        return actions

    def cancel(self) -> list[TouchAction]:
        """The screen took the fingers back: none of it was a tap."""
        held, self._holds, self._fingers = self._holds, False, {}
        return [Held(False)] if held else []

    def _begin(self, now: float) -> list[TouchAction]:
        self._since, self._most, self._slipped, self._rest = now, 0, 0.0, (0.0, 0.0)
        if now - self._tapped_at > TAP_WITHIN_S:
            return []
        self._tapped_at = float("-inf")
        self._holds = True
        return [Held(True)]

    def _slide(self, fingers: Fingers, stayed: list[int]) -> list[TouchAction]:
        """What the fingers' common way does."""
        ways = [
            (fingers[each][0] - self._fingers[each][0], fingers[each][1] - self._fingers[each][1])
            for each in stayed
        ]
        dx = sum(way[0] for way in ways) / len(ways)
        dy = sum(way[1] for way in ways) / len(ways)
        self._slipped += abs(dx) + abs(dy)
        if not (dx or dy):
            return []
        if len(fingers) == 1:
            return [Moved(dx, dy)]
        # A finger that goes down pulls the page down: the wheel turns away from the player.
        x, y = self._rest[0] - dx * TURN_PER_PX, self._rest[1] + dy * TURN_PER_PX
        turn = int(x), int(y)
        self._rest = x - turn[0], y - turn[1]
        return [Turned(*turn)] if any(turn) else []

    def _end(self, now: float) -> list[TouchAction]:
        if self._holds:
            self._holds = False
            return [Held(False)]
        button = _BUTTONS.get(self._most)
        tapped = now - self._since <= TAP_WITHIN_S and self._slipped <= TAP_PX
        if not tapped or button is None:
            return []
        if button is Button.LEFT:
            self._tapped_at = now
        return [Clicked(button)]
