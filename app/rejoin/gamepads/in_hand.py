"""Which pad is in the player's hand, and what is printed on it. Pure.

SDL names buttons by their place after an Xbox pad, whatever is printed there (`standard`). Hints
name what the player sees: that is by the pad's kind, and by whether it has a button more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from rejoin.gamepads.changes import ButtonChanged, Change, Plugged, Unplugged
from rejoin.gamepads.navigation import PadPress
from rejoin.gamepads.pad_kinds import PadKind
from rejoin.gamepads.pad_mouse import PadAct

AGAIN_AFTER_S: Final = 1.0
"""A pad that goes on playing says so again after this time: a key or a click may have come
between."""


@dataclass(frozen=True, slots=True)
class PadInHand:
    """Hints name the buttons of this pad. `has_misc`: one with a button beside the W3C's seventeen,
    for the microphone, for sharing or for capturing. `pressed`: the player has pressed a button;
    else the pad was only plugged in."""

    kind: PadKind = PadKind.XBOX
    has_misc: bool = False
    pressed: bool = True


@dataclass(frozen=True, slots=True)
class NoPad:
    """None is left that could be in a hand."""


PadNews = PadPress | PadAct | PadInHand | NoPad
"""What the gamepads say to the window."""


class InHand:
    """Of all pads together: the last one whose button was pressed, else the newest."""

    def __init__(self) -> None:
        self._pads: dict[int, PadInHand] = {}
        self._last: int | None = None
        self._said_at = float("-inf")

    def apply(self, change: Change, now: float) -> list[PadInHand | NoPad]:
        """What is news by this change, at this time of the boot clock, in seconds."""
        match change:
            case Plugged(instance):
                self._pads[instance] = PadInHand(change.kind, change.has_misc)
                if self._last is None:
                    return [replace(self._pads[instance], pressed=False)]
            case Unplugged(instance):
                self._pads.pop(instance, None)
                if instance == self._last or not self._pads:
                    return self._rest()
            case ButtonChanged(instance, _, True) if instance in self._pads:
                if instance != self._last or now - self._said_at >= AGAIN_AFTER_S:
                    self._last, self._said_at = instance, now
                    return [self._pads[instance]]
            case _:
                pass
        return []

    def _rest(self) -> list[PadInHand | NoPad]:
        """The pad in hand is gone; the newest of the others is what can be pressed now."""
        self._last = None
        newest = list(self._pads.values())[-1:]
        return [replace(pad, pressed=False) for pad in newest] or [NoPad()]
