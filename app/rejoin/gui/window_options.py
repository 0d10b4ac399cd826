"""How a window behaves, how large a new one is, and whether it is open."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QWidget

from rejoin.core.model import Snapshot, Stage
from rejoin.gui.input import NoPads, PlayerPads
from rejoin.gui.raster_surface import RasterSurface
from rejoin.gui.surface_choice import PictureOptions
from rejoin.gui.video_surface import MakeSurface

FIRST_SIZE: Final = QSize(1280, 720)
_FIRST_SHARE: Final = 0.92
"""The share of a smaller screen that a new window takes: the rest is for its frame."""


@dataclass(frozen=True, slots=True)
class WindowOptions:
    """How a window behaves.

    `smooth`: as `VideoView`'s. `drop_again`: what F8 does; None outside a demo. `report_facts`:
    more lines for the report. `before_start`: what is shown until the engine has started; by
    default a window that waits for *Start*. `first_size`: in pixels; None: what fits the screen.
    `picture`: how `application.run` chooses what draws. `make_surface`: what draws; when it fails,
    `on_surface_failed` is called with the reason, and the processor draws. `pads`: the gamepads,
    which `application.run` stops at the end.
    """

    title: str = "Rejoin"
    reduced_motion: bool = False
    smooth: bool = False
    drop_again: Callable[[], None] | None = None
    report_facts: Callable[[], Mapping[str, str]] = dict
    before_start: Snapshot = Snapshot(Stage.IDLE)  # noqa: RUF009 frozen
    first_size: tuple[int, int] | None = None
    picture: PictureOptions = PictureOptions()  # noqa: RUF009 frozen
    make_surface: MakeSurface = RasterSurface
    on_surface_failed: Callable[[str], None] = lambda why: None
    pads: PlayerPads = NoPads()  # noqa: RUF009 nothing is kept


def first_size(available: QSize) -> QSize:
    """The size of a new window: `FIRST_SIZE` if that fits the screen with a frame around it."""
    most = available * _FIRST_SHARE
    fits = FIRST_SIZE.width() <= most.width() and FIRST_SIZE.height() <= most.height()
    return FIRST_SIZE if fits else FIRST_SIZE.scaled(most, Qt.AspectRatioMode.KeepAspectRatio)


def prepare_window(window: QWidget, options: WindowOptions) -> None:
    """Give a new window its title and its size."""
    window.setWindowTitle(options.title)
    available = window.screen().availableSize()
    window.setMinimumSize(QSize(640, 400).boundedTo(available))
    window.resize(QSize(*options.first_size) if options.first_size else first_size(available))


class Presence(enum.Enum):
    """Whether the window is open, being closed, or gone."""

    OPEN = "open"
    START_REQUESTED = "start_requested"
    """Open, and the player has requested a game."""
    LEAVING = "leaving"
    """Closed and hidden, until the engine has finished."""
    GONE = "gone"
