"""The surface of the processor behind the interface; `test_video_view` tests what it paints."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from av.video.frame import VideoFrame
from PySide6.QtCore import QRectF, Qt
from PySide6.QtWidgets import QApplication, QWidget

from helpers.fake_port import FakeClock, picture
from rejoin.core.model import ConnectionNumber
from rejoin.gui import theme
from rejoin.gui.raster_surface import RasterSurface
from rejoin.gui.roles import Appearance, ThemeChoice
from rejoin.gui.video_surface import Drawing, SurfaceEvents
from rejoin.media.video.picture import Picture
from rejoin.media.video.scale_filter import Aspect, ScaleFilter


class Rig:
    """A surface in a view of its own."""

    def __init__(self, scale_filter: ScaleFilter = ScaleFilter.SMOOTH) -> None:
        self.view = QWidget()
        self.view.resize(64, 32)
        self.painted: list[Picture] = []
        events = SurfaceEvents(
            FakeClock(), lambda picture, at, took_s: self.painted.append(picture)
        )
        self.surface = RasterSurface(self.view, events, Drawing(scale_filter))
        self.view.show()
        QApplication.processEvents()


@pytest.fixture
def rig(application: QApplication) -> Iterator[Rig]:
    made = Rig()
    yield made
    made.view.close()


def test_a_picture_is_painted_at_once_or_with_the_next_paint(rig: Rig) -> None:
    first, second = picture(64, 32), picture(64, 32)
    rig.surface.show_picture(first, at_once=True)
    assert rig.painted == [first]
    rig.surface.show_picture(second, at_once=False)
    assert rig.painted == [first]
    QApplication.processEvents()
    assert rig.painted == [first, second]
    assert rig.surface.picture is second


def test_it_fills_the_view_and_takes_no_input(rig: Rig) -> None:
    rig.view.resize(100, 60)
    rig.surface.place()
    assert rig.surface.geometry() == rig.view.rect()
    assert rig.surface.testAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    assert not rig.surface.on_card
    assert rig.surface.drawn_by == "the processor"


def test_the_target_is_empty_without_a_picture(rig: Rig) -> None:
    assert rig.surface.target() == QRectF()
    rig.surface.show_picture(picture(32, 32), at_once=True)
    assert rig.surface.target().width() == 32


def test_closed_it_holds_no_picture(rig: Rig) -> None:
    rig.surface.show_picture(picture(64, 32), at_once=True)
    rig.surface.close()
    assert rig.surface.picture is None
    assert rig.view.findChildren(RasterSurface) == []


@pytest.mark.parametrize(
    ("scale_filter", "greys", "beyond"),
    [(ScaleFilter.SMOOTH, True, False), (ScaleFilter.SHARP, True, True)],
)
def test_an_edge_is_smooth_or_sharp(
    application: QApplication, scale_filter: ScaleFilter, greys: bool, beyond: bool
) -> None:
    """Bicubic filtering overshoots an edge, bilinear filtering does not."""
    row = scaled_row(scale_filter, low=60, high=180)
    flat_left, flat_right = row[2], row[-3]
    between = [value for value in row if flat_left + 2 < value < flat_right - 2]
    overshoots = min(row) < flat_left - 2 and max(row) > flat_right + 2
    assert (bool(between), overshoots) == (greys, beyond)


def test_pixels_stay_pixels(application: QApplication) -> None:
    row = scaled_row(ScaleFilter.PIXEL, low=60, high=180)
    assert len(set(row)) == 2
    assert [row.index(each) for each in dict.fromkeys(row)] == [0, 32]


def scaled_row(scale_filter: ScaleFilter, *, low: int, high: int) -> list[int]:
    """The red of a row of 64 pixels, scaled from 16 samples of which half are `high`."""
    rig = Rig(scale_filter)
    samples = np.full((12, 16), 128, dtype=np.uint8)
    samples[:8], samples[:8, 8:] = low, high
    frame = VideoFrame.from_ndarray(samples, format="yuv420p")
    rig.surface.show_picture(Picture(ConnectionNumber(1), frame, 0.0, 0, 0.0), at_once=True)
    image = rig.surface.grab()
    row = [image.pixelColor(x, 16).red() for x in range(image.width())]
    rig.view.close()
    return row


def test_a_new_shape_and_filter_count_for_the_picture_on_screen(rig: Rig) -> None:
    rig.surface.show_picture(picture(32, 32, bgr=(0, 0, 255)), at_once=True)
    assert rig.surface.target() == QRectF(16, 0, 32, 32)
    drawing = Drawing(ScaleFilter.SHARP, 0.0, Aspect.FILL)
    rig.surface.draw_with(drawing)
    assert rig.surface.drawing == drawing
    assert rig.surface.target() == QRectF(0, 0, 64, 32)
    QApplication.processEvents()
    image = rig.surface.grab()
    assert image.pixelColor(2, 16).name() == "#ff0000"
    assert image.pixelColor(image.width() - 3, 16).name() == "#ff0000"


def test_the_ground_has_the_themes_colour_and_is_not_dimmed(
    rig: Rig, application: QApplication
) -> None:
    try:
        theme.apply(application, Appearance(ThemeChoice.LIGHT))
        rig.surface.set_dim(1.0)
        assert rig.surface.grab().pixelColor(5, 5).name() == theme.name(theme.INK)
        rig.surface.show_picture(picture(32, 32, bgr=(255, 255, 255)), at_once=True)
        image = rig.surface.grab()
        assert image.pixelColor(32, 16).lightness() < 120, "the picture is dimmed"
        assert image.pixelColor(2, 16).lightness() < 20, "bars stay black"
    finally:
        theme.apply(application)
