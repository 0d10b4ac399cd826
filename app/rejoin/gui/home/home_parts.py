"""The parts with which the home window is put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rejoin.gui.renderer_choice import Choice as DrawnBy
from rejoin.runtime.player_settings import PlayerSettings

if TYPE_CHECKING:
    from rejoin.gui.home.played_game import MakeParts
    from rejoin.gui.input import PlayerPads
    from rejoin.gui.surface_choice import PictureOptions, SurfaceUse


@dataclass(frozen=True, slots=True)
class HomeParts:
    """What the home does not know itself.

    `make_parts`: composes a game. `make_use`: what draws it in this window, by its options.
    `fell_back`: called with what draws once the card cannot any more. `settings`: the player's, as
    they are now. `make_pads`: the gamepads of the home itself; None: there are none.
    """

    make_parts: MakeParts
    make_use: Callable[[PictureOptions], SurfaceUse]
    fell_back: Callable[[DrawnBy], None] = lambda choice: None
    settings: Callable[[], PlayerSettings] = PlayerSettings
    make_pads: Callable[[], PlayerPads] | None = None
