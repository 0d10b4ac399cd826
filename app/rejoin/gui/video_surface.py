"""What draws the game's picture: one interface for the processor's surface and the card's.

`video_view.VideoView` decides which picture is shown and how far it is dimmed. A surface is a
widget that fills the view and draws that: `raster_surface` with swscale, `rhi_surface` on the
graphics card.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from rejoin.clock import Clock
from rejoin.media.video.picture import Picture
from rejoin.media.video.scale_filter import Aspect, ScaleFilter


@dataclass(frozen=True, slots=True)
class Drawing:
    """How a picture is drawn, which may change while it is. `sharpness`: 0 to 1, for SHARP on a
    graphics card."""

    scale_filter: ScaleFilter = ScaleFilter.SMOOTH
    sharpness: float = 0.0
    aspect: Aspect = Aspect.SENT


@dataclass(frozen=True, slots=True)
class SurfaceEvents:
    """What a surface reports, on the GUI thread.

    `painted`: a picture is shown for the first time; with the boot time of that, and how long the
    window's thread worked on it, in seconds. `failed`: this surface cannot draw any more, and why,
    in a few words; another one has to take its place.
    """

    clock: Clock
    painted: Callable[[Picture, float, float], None]
    failed: Callable[[str], None] = lambda why: None


class VideoSurface(Protocol):
    """Draws one picture, as large as fits, on black. The last one stays until there is another."""

    @property
    def widget(self) -> QWidget:
        """The widget that draws; a child of the view, without input of its own."""

    @property
    def drawn_by(self) -> str:
        """What draws, in a few words; for testers."""

    @property
    def on_card(self) -> bool:
        """Whether the graphics card scales: then nobody scales in advance, and a widget over the
        picture that repaints costs the whole window's upload."""

    @property
    def drawing(self) -> Drawing:
        """How it draws."""

    def draw_with(self, drawing: Drawing) -> None:
        """Draw in this way from now on, the picture on screen too."""

    @property
    def picture(self) -> Picture | None:
        """The picture on screen, or the one that will be there after the next paint."""

    def show_picture(self, picture: Picture, *, at_once: bool) -> None:
        """Show a newer picture, with the next paint. `at_once`: the processor's draws it before
        this returns."""

    def clear(self) -> None:
        """Let go of every picture, and show black until there is another."""

    def set_dim(self, dim: float) -> None:
        """How far the picture is dimmed: 0 not at all, 1 as under a card."""

    def place(self) -> None:
        """Fill the view, which has changed its size."""

    def target(self) -> QRectF:
        """Where the picture is, in logical pixels of the view; empty without a picture."""

    def grab(self) -> QImage:
        """What it shows, in device pixels."""

    def close(self) -> None:
        """Take the widget away for good and let go of every picture."""


MakeSurface = Callable[[QWidget, SurfaceEvents], VideoSurface]
"""Makes a surface in a view."""
