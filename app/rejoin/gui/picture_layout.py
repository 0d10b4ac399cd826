"""Where a picture goes in a view: centred, as large as it fits, on whole device pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QRectF
from PySide6.QtWidgets import QWidget

from rejoin.media.video.scale_filter import Aspect, ScaleFilter, fitted


@dataclass(frozen=True, slots=True)
class PictureLayout:
    """A picture of `width` x `height` at `x`, `y` in a view, all in device pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height

    def logical(self, ratio: float) -> QRectF:
        """The same in logical pixels, for a screen of this scale."""
        return QRectF(self.x / ratio, self.y / ratio, self.width / ratio, self.height / ratio)


def laid_out(
    picture: tuple[int, int],
    view: tuple[int, int],
    scale_filter: ScaleFilter = ScaleFilter.SMOOTH,
    aspect: Aspect = Aspect.SENT,
) -> PictureLayout:
    """The layout of a picture of one size in a view of another, in device pixels."""
    width, height = fitted(picture, view, scale_filter, aspect)
    return PictureLayout((view[0] - width) // 2, (view[1] - height) // 2, width, height)


def device_size(widget: QWidget) -> tuple[int, int]:
    """A widget's size in device pixels; at least 1 x 1."""
    ratio = widget.devicePixelRatioF()
    return max(1, in_device(widget.width(), ratio)), max(1, in_device(widget.height(), ratio))


def in_device(logical: int, ratio: float) -> int:
    """A length in device pixels, rounded as Qt rounds it: halves away from zero."""
    rounded = math.floor(abs(logical) * ratio + 0.5)
    return rounded if logical >= 0 else -rounded
