from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPicture
from PySide6.QtWidgets import QApplication

from rejoin.gui.raster import area_of

WINDOW = QRectF(0, 0, 40, 30)


def image(form: QImage.Format = QImage.Format.Format_RGB32, *, ratio: float = 1.0) -> QImage:
    made = QImage(round(40 * ratio), round(30 * ratio), form)
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.black)
    return made


@pytest.mark.parametrize("ratio", [1.0, 1.25, 2.0])
def test_bytes_written_to_the_area_appear_in_the_image(
    application: QApplication, ratio: float
) -> None:
    target = image(ratio=ratio)
    painter = QPainter(target)
    painter.translate(4, 8)
    area = area_of(painter, QRectF(0, 4, 16, 8), QRectF(0, 0, 20, 16))
    assert area is not None
    assert (area.width, area.height) == (round(16 * ratio), round(8 * ratio))
    assert area.spare == round(4 * ratio)
    for row in range(area.height):
        begin = area.offset + row * area.stride
        area.memory[begin : begin + 4 * area.width] = b"\x01\x02\x03\xff" * area.width
    del area
    painter.end()
    inside = {
        (x, y)
        for x in range(target.width())
        for y in range(target.height())
        if target.pixelColor(x, y).getRgb() == (3, 2, 1, 255)
    }
    left, top, right, bottom = (round(side * ratio) for side in (4, 12, 20, 20))
    assert inside == {(x, y) for x in range(left, right) for y in range(top, bottom)}


def test_a_copy_that_shares_the_image_is_not_changed(application: QApplication) -> None:
    target = image()
    other = QImage(target)
    painter = QPainter(target)
    area = area_of(painter, WINDOW, WINDOW)
    assert area is not None
    area.memory[:4] = b"\xff" * 4
    del area
    painter.end()
    assert target.pixelColor(0, 0).red() == 255
    assert other.pixelColor(0, 0).red() == 0


@pytest.mark.parametrize(
    "target",
    [
        QRectF(0.5, 0, 10, 10),
        QRectF(0, 0, 10, 10.4),
        QRectF(-1, 0, 10, 10),
        QRectF(0, -1, 10, 10),
        QRectF(0, 0, 41, 10),
        QRectF(0, 21, 10, 10),
    ],
)
def test_no_area_between_pixels_or_outside_the_image(
    application: QApplication, target: QRectF
) -> None:
    at = image()
    painter = QPainter(at)
    assert area_of(painter, target, WINDOW) is None
    painter.end()


def test_only_bgra_images_in_memory_have_areas(application: QApplication) -> None:
    small = image(QImage.Format.Format_RGB16)
    painter = QPainter(small)
    assert area_of(painter, WINDOW, WINDOW) is None
    painter.end()
    strokes = QPicture()
    painter = QPainter(strokes)
    assert area_of(painter, WINDOW, WINDOW) is None
    painter.end()


def rotated(painter: QPainter) -> None:
    painter.rotate(90)


def mirrored(painter: QPainter) -> None:
    painter.translate(40, 0)
    painter.scale(-1, 1)


def clipped(painter: QPainter) -> None:
    painter.setClipRect(0, 0, 5, 5)


def blended(painter: QPainter) -> None:
    painter.setOpacity(0.5)


@pytest.mark.parametrize("change", [rotated, mirrored, clipped, blended])
def test_no_area_for_a_painter_that_rotates_mirrors_clips_or_blends(
    application: QApplication, change: Callable[[QPainter], None]
) -> None:
    at = image()
    painter = QPainter(at)
    assert area_of(painter, QRectF(0, 0, 16, 16), WINDOW) is not None
    change(painter)
    assert area_of(painter, QRectF(0, 0, 16, 16), WINDOW) is None
    painter.end()
