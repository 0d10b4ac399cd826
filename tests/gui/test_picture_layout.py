"""Pictures are centred, on whole device pixels, as large as they fit."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRectF, QSize
from PySide6.QtWidgets import QApplication, QWidget

from rejoin.gui.picture_layout import PictureLayout, device_size, in_device, laid_out
from rejoin.media.video.scale_filter import Aspect, ScaleFilter


@pytest.mark.parametrize(
    ("picture", "view", "expected"),
    [
        ((1280, 720), (1280, 720), PictureLayout(0, 0, 1280, 720)),
        ((1280, 720), (1300, 721), PictureLayout(9, 0, 1282, 721)),
        ((1280, 720), (1280, 1000), PictureLayout(0, 140, 1280, 720)),
        ((1920, 1080), (640, 400), PictureLayout(0, 20, 640, 360)),
        ((3, 7000), (10, 10), PictureLayout(4, 0, 1, 10)),
    ],
)
def test_a_picture_is_centred_and_keeps_its_aspect_ratio(
    picture: tuple[int, int], view: tuple[int, int], expected: PictureLayout
) -> None:
    assert laid_out(picture, view) == expected


def test_pixel_art_is_drawn_in_whole_multiples_where_one_fits() -> None:
    assert laid_out((640, 360), (1900, 1060), ScaleFilter.PIXEL) == PictureLayout(
        310, 170, 1280, 720
    )
    assert laid_out((640, 360), (320, 200), ScaleFilter.PIXEL) == PictureLayout(0, 10, 320, 180)


def test_logical_pixels_are_device_pixels_by_the_scale_of_the_screen() -> None:
    assert PictureLayout(5, 10, 125, 250).logical(1.25) == QRectF(4, 8, 100, 200)


def test_a_widget_has_at_least_one_device_pixel(application: QApplication) -> None:
    widget = QWidget()
    widget.resize(0, 0)
    assert device_size(widget) == (1, 1)
    widget.resize(320, 180)
    ratio = widget.devicePixelRatioF()
    assert device_size(widget) == (round(320 * ratio), round(180 * ratio))


@pytest.mark.parametrize(
    ("logical", "ratio", "expected"),
    [(183, 1.5, 275), (181, 1.5, 272), (1, 1.25, 1), (-1, 1.5, -2), (0, 1.75, 0), (7, 2.0, 14)],
)
def test_lengths_are_rounded_as_qt_rounds_them(logical: int, ratio: float, expected: int) -> None:
    assert in_device(logical, ratio) == expected == (QSize(logical, 0) * ratio).width()


def test_another_shape_is_centred_as_well() -> None:
    wide = laid_out((640, 480), (1280, 720), ScaleFilter.SMOOTH, Aspect.WIDE)
    assert wide == PictureLayout(0, 0, 1280, 720)
    tall = laid_out((1280, 720), (1280, 720), ScaleFilter.SMOOTH, Aspect.FOUR_THIRDS)
    assert tall == PictureLayout(160, 0, 960, 720)
