"""Kinds of gamepads, by what is printed on their buttons."""

from __future__ import annotations

import enum
from typing import Final


class PadKind(enum.Enum):
    """Pads with the same names on their buttons."""

    XBOX = "xbox"
    """Of Xbox One and later; also those that SDL knows nothing else of."""
    XBOX_360 = "xbox_360"
    PLAYSTATION_3 = "playstation_3"
    PLAYSTATION_4 = "playstation_4"
    PLAYSTATION_5 = "playstation_5"
    SWITCH = "switch"
    """The Pro controller, and two Joy-Con together."""
    STADIA = "stadia"


_OF_SDL: Final = {
    1: PadKind.XBOX_360,
    2: PadKind.XBOX,
    3: PadKind.PLAYSTATION_3,
    4: PadKind.PLAYSTATION_4,
    5: PadKind.SWITCH,
    7: PadKind.PLAYSTATION_5,
    9: PadKind.STADIA,
    13: PadKind.SWITCH,
}
"""SDL_GameControllerType of SDL_gamecontroller.h. Others have names like an Xbox pad, or (a Joy-Con
alone) none that are known here."""


def kind_of(sdl_type: int) -> PadKind:
    """By SDL_GameControllerGetType."""
    return _OF_SDL.get(sdl_type, PadKind.XBOX)
