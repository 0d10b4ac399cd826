"""How a window behaves, and whether it is open."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rejoin.core.model import Snapshot, Stage
from rejoin.gui.control_options import ControlOptions
from rejoin.gui.input import NoPads, PlayerPads
from rejoin.gui.limits import IDLE_LIMIT_S
from rejoin.gui.practice.practice_options import PracticeOptions
from rejoin.gui.raster_surface import RasterSurface
from rejoin.gui.settings.followed import FollowedSettings
from rejoin.gui.surface_choice import PictureOptions
from rejoin.gui.video_surface import MakeSurface
from rejoin.runtime.place_file import PlaceFile


@dataclass(frozen=True, slots=True)
class WindowOptions:
    """How a window behaves.

    `smooth`: as `VideoView`'s. `drop_again`: what the shortcut that drops the connection does; None
    outside a demo. `report_facts`: more lines for the report. `before_start`: what is shown until
    the engine has started; by default a window that waits for *Start*. `start_again`: a new game of
    the same profile was asked for on the end card, which offers it only with this;
    `RejoinWindow.play` then brings its stream. `idle_limit_s`: how long the service waits for
    input. `first_size`: in pixels; None: what fits the screen. `picture`: how `application.run`
    chooses what draws. `make_surface`: what draws; when it fails, `on_surface_failed` is called
    with the reason, and the processor draws. `pads`: the gamepads, which `application.run` stops at
    the end. `screen`: the name of the one to open on; None, or while there is none of that name:
    the desktop decides. `settings`: the player's, which `application.run` follows while the window
    is open. `controls`: how keyboard, mouse and touch behave. `place`: where its place is kept,
    which `application.run` restores; None: nowhere. `practice`: what testers have in the menu; None
    for players.
    """

    title: str = "Rejoin"
    reduced_motion: bool = False
    smooth: bool = False
    drop_again: Callable[[], None] | None = None
    report_facts: Callable[[], Mapping[str, str]] = dict
    before_start: Snapshot = Snapshot(Stage.IDLE)  # noqa: RUF009 frozen
    start_again: Callable[[], None] | None = None
    idle_limit_s: float = IDLE_LIMIT_S
    first_size: tuple[int, int] | None = None
    screen: str | None = None
    settings: FollowedSettings = FollowedSettings()  # noqa: RUF009 frozen
    place: PlaceFile | None = None
    picture: PictureOptions = PictureOptions()  # noqa: RUF009 frozen
    make_surface: MakeSurface = RasterSurface
    on_surface_failed: Callable[[str], None] = lambda why: None
    pads: PlayerPads = NoPads()  # noqa: RUF009 nothing is kept
    controls: ControlOptions = ControlOptions()  # noqa: RUF009 frozen
    practice: PracticeOptions | None = None


class Presence(enum.Enum):
    """Whether the window is open, being closed, or gone."""

    OPEN = "open"
    START_REQUESTED = "start_requested"
    """Open, and the player has requested a game."""
    LEAVING = "leaving"
    """Closed and hidden, until the engine has finished."""
    GONE = "gone"
