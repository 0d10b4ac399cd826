"""Finds the memory that a QPainter paints on, so that pixels can be written into it directly.

Qt usually paints a window's widgets into an image in memory. While a painter is active on it, the
painting thread may write to that memory: the painter has made sure that nothing else shares it.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from rejoin.media.video.swscale import BYTES_PER_PIXEL, Area

_BGRA = (
    QImage.Format.Format_RGB32,
    QImage.Format.Format_ARGB32,
    QImage.Format.Format_ARGB32_Premultiplied,
)
_WHOLE = 0.01
"""A position this close to a whole pixel counts as whole."""


def area_of(painter: QPainter, target: QRectF, free: QRectF) -> Area | None:
    """The memory of `target` (logical coordinates of the painter) in the image it paints on.

    `free` encloses `target`; what is to the right of `target` in it may be overwritten. None if
    there is no such image, if the target is not on whole pixels, or if the painter rotates, clips
    or blends.
    """
    transform = painter.deviceTransform()
    upright = min(transform.m11(), transform.m22()) > 0.0 and not transform.isRotating()
    if not upright or painter.hasClipping() or painter.opacity() < 1.0:
        return None
    image = painter.paintEngine().paintDevice()
    if not isinstance(image, QImage) or image.format() not in _BGRA:
        return None
    place, room = transform.mapRect(target), transform.mapRect(free)
    sides = (place.left(), place.top(), place.width(), place.height())
    left, top, width, height = (round(side) for side in sides)
    inside = (
        min(left, top) >= 0 and left + width <= image.width() and top + height <= image.height()
    )
    whole = all(abs(side - round(side)) < _WHOLE for side in sides)
    if not (inside and whole):
        return None
    spare = int(min(room.right() + _WHOLE, image.width())) - (left + width)
    stride = image.bytesPerLine()
    return Area(
        memory=memoryview(image.bits()),
        offset=top * stride + left * BYTES_PER_PIXEL,
        stride=stride,
        width=width,
        height=height,
        spare=max(0, spare),
    )
