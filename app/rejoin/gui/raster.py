"""The memory behind a painter: where a widget's pixels end up, for those who write them there.

Where Qt has a window's widgets painted into an image in memory, as is usual, that may be touched
while it is painted on, by the thread that paints: the painter has seen to it that nobody else has
the same memory.
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
"""So near to a whole pixel is on it."""


def area_of(painter: QPainter, target: QRectF, free: QRectF) -> Area | None:
    """The pixels of `target` (logical, as the painter's) in the image that is painted on.

    `free`, around it, is what may be overwritten to the right of it. None where there is no such
    image, where the target is between its pixels, and for a painter that turns, clips or blends.
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
