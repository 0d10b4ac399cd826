"""How a window behaves, how large a new one is, and whether it is open."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from rejoin.core.model import Snapshot, Stage
from rejoin.gui import theme
from rejoin.gui.control_options import ControlOptions
from rejoin.gui.input import NoPads, PlayerPads
from rejoin.gui.limits import IDLE_LIMIT_S
from rejoin.gui.raster_surface import RasterSurface
from rejoin.gui.settings.followed import FollowedSettings
from rejoin.gui.surface_choice import PictureOptions
from rejoin.gui.video_surface import MakeSurface
from rejoin.runtime.place_file import PlaceFile

FIRST_SIZE: Final = QSize(1280, 720)
LEAST_SIZE: Final = QSize(640, 400)
LEAST_WITH_LARGE_TEXT: Final = QSize(1024, 600)
_FIRST_SHARE: Final = 0.92
"""The share of a smaller screen that a new window takes: the rest is for its frame."""


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
    which `application.run` restores; None: nowhere.
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


def first_size(available: QSize) -> QSize:
    """The size of a new window: `FIRST_SIZE` if that fits the screen with a frame around it."""
    most = available * _FIRST_SHARE
    fits = FIRST_SIZE.width() <= most.width() and FIRST_SIZE.height() <= most.height()
    return FIRST_SIZE if fits else FIRST_SIZE.scaled(most, Qt.AspectRatioMode.KeepAspectRatio)


def least_size(available: QSize) -> QSize:
    """The smallest size of a window: larger with larger text, so that every card fits, and no
    larger than the screen."""
    wanted = QSize(theme.scaled(LEAST_SIZE.width()), theme.scaled(LEAST_SIZE.height()))
    return wanted.boundedTo(LEAST_WITH_LARGE_TEXT).boundedTo(available)


def open_on(window: QWidget, name: str | None) -> bool:
    """Move a window that is not shown yet to the middle of the screen of this name. False if there
    is none."""
    for screen in QGuiApplication.screens():
        if screen.name() == name:
            window.setScreen(screen)
            place = window.frameGeometry()
            place.moveCenter(screen.availableGeometry().center())
            window.move(place.topLeft())
            return True
    return False


class Presence(enum.Enum):
    """Whether the window is open, being closed, or gone."""

    OPEN = "open"
    START_REQUESTED = "start_requested"
    """Open, and the player has requested a game."""
    LEAVING = "leaving"
    """Closed and hidden, until the engine has finished."""
    GONE = "gone"
