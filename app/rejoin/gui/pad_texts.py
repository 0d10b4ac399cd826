"""The buttons of gamepads, as they are printed on the pad in hand. Pure.

What PlayStation pads print as signs, and Switch pads as minus and plus, is said in words: a screen
reader reads them aloud, and every font has them. The names were not compared with real pads or
with their manuals. What is printed in letters is the same in every language.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rejoin.gamepads.in_hand import PadInHand
from rejoin.gamepads.pad_kinds import PadKind
from rejoin.language import mark, tr


@dataclass(frozen=True, slots=True)
class _Printed:
    """By place: bottom and right button, left and right one in the middle. `misc`: the one beside
    the W3C's seventeen; "" where its name is not known."""

    bottom: str
    right: str
    view: str
    menu: str
    misc: str = ""


_CROSS: Final = mark("Cross")
_CIRCLE: Final = mark("Circle")
_PRINTED: Final = {
    PadKind.XBOX: _Printed("A", "B", mark("View"), mark("Menu"), mark("Share")),
    PadKind.XBOX_360: _Printed("A", "B", "BACK", "START"),
    PadKind.PLAYSTATION_3: _Printed(_CROSS, _CIRCLE, "SELECT", "START"),
    PadKind.PLAYSTATION_4: _Printed(_CROSS, _CIRCLE, "SHARE", "OPTIONS"),
    PadKind.PLAYSTATION_5: _Printed(
        _CROSS, _CIRCLE, mark("Create"), mark("Options"), mark("Mic button")
    ),
    PadKind.SWITCH: _Printed("B", "A", mark("Minus"), mark("Plus"), mark("Capture")),
    PadKind.STADIA: _Printed("A", "B", mark("Options"), mark("Menu")),
}


def bottom(pad: PadInHand) -> str:
    """The bottom one of the four in the right hand."""
    return tr(_PRINTED[pad.kind].bottom)


def right(pad: PadInHand) -> str:
    """The right one of the four."""
    return tr(_PRINTED[pad.kind].right)


def menu(pad: PadInHand) -> str:
    """The right one of the two in the middle."""
    return tr(_PRINTED[pad.kind].menu)


def chord(pad: PadInHand) -> str:
    """The hint that the two in the middle open the menu."""
    printed = _PRINTED[pad.kind]
    return tr("{view} and {menu}, held: menu", view=tr(printed.view), menu=tr(printed.menu))


def microphone(pad: PadInHand) -> str:
    """The button that `talk_button` takes for the microphone."""
    printed = _PRINTED[pad.kind]
    if pad.has_misc and printed.misc:
        return tr(printed.misc)
    return tr("{view} and left stick (pressed)", view=tr(printed.view))
