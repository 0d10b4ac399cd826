"""The surface of the processor: swscale draws the picture, Qt's raster engine what is around it.

A whole picture at its own size is converted by swscale straight into the window's memory, in one
pass. A picture that needs another size was prescaled on the decoder's thread and is copied. Where
only a part has to be painted (something above it moved), the picture is converted once into an
image of its own and copied from there. The last picture stays until there is a newer one.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QRegion
from PySide6.QtWidgets import QWidget

from rejoin.gui import theme
from rejoin.gui.picture_layout import PictureLayout, device_size, laid_out
from rejoin.gui.raster import area_of
from rejoin.gui.roles import Role
from rejoin.gui.video_surface import Drawing, SurfaceEvents
from rejoin.language import mark
from rejoin.media.video.picture import Picture, Pixels
from rejoin.media.video.scaling import Scaler
from rejoin.media.video.swscale import BLOCK


@dataclass(frozen=True, slots=True)
class _Place:
    """Where pictures of one size go in a view of one size."""

    made_for: tuple[float, ...]
    layout: PictureLayout
    target: QRectF
    bars: QRegion
    """The black bars around it, extended by one pixel under its edge."""


@dataclass(frozen=True, slots=True)
class _Converted:
    """The pixels of a picture, as an image that shares their memory."""

    pixels: Pixels
    image: QImage

    @classmethod
    def of(cls, pixels: Pixels | None) -> _Converted | None:
        if pixels is None:
            return None
        form = QImage.Format.Format_RGB32
        size = (pixels.width, pixels.height)
        return cls(pixels, QImage(pixels.data, *size, pixels.stride, form))

    @property
    def size(self) -> tuple[int, int]:
        return self.pixels.width, self.pixels.height


class RasterSurface(QWidget):
    """A `VideoSurface` on any display."""

    def __init__(
        self,
        view: QWidget,
        events: SurfaceEvents,
        drawing: Drawing = Drawing(),  # noqa: B008 frozen
    ) -> None:
        super().__init__(view)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._view = view
        self._events = events
        self._clock = events.clock
        self._drawing = drawing
        self._picture: Picture | None = None
        self._last: Picture | None = None
        """The last picture that was painted."""
        self._scaler = Scaler()
        self._converted: _Converted | None = None
        self._place: _Place | None = None
        self._is_new = False
        """Whether the picture was not painted yet."""
        self._dim = 0.0
        self.place()
        self.show()

    # --- the interface --------------------------------------------------------------------------

    @property
    def widget(self) -> QWidget:
        return self

    @property
    def drawn_by(self) -> str:
        return mark("the processor")

    @property
    def on_card(self) -> bool:
        return False

    @property
    def drawing(self) -> Drawing:
        return self._drawing

    def draw_with(self, drawing: Drawing) -> None:
        self._drawing = drawing
        self._place = self._converted = None
        self.update()

    @property
    def picture(self) -> Picture | None:
        return self._picture

    def show_picture(self, picture: Picture, *, at_once: bool) -> None:
        self._picture, self._converted = picture, _Converted.of(picture.pixels)
        self._is_new = True
        if at_once:
            self.repaint()
        else:
            self.update()

    def clear(self) -> None:
        self._picture = self._last = self._converted = None
        self.update()

    def set_dim(self, dim: float) -> None:
        if dim != self._dim:
            self._dim = dim
            self.update()

    def place(self) -> None:
        self.setGeometry(self._view.rect())

    def target(self) -> QRectF:
        return QRectF() if self._picture is None else self._place_of(self._picture).target

    def grab(self) -> QImage:  # type: ignore[override]  # an image, of all of it
        return super().grab().toImage()

    def close(self) -> None:  # type: ignore[override]  # for good
        self._picture = self._last = self._converted = None
        self.hide()
        self.setParent(None)
        self.deleteLater()

    # --- painting -------------------------------------------------------------------------------

    def _place_of(self, picture: Picture) -> _Place:
        """Where the picture goes; computed again only if a size changed, not for each picture."""
        ratio = self.devicePixelRatioF()
        made_for = (picture.width, picture.height, self.width(), self.height(), ratio)
        if self._place is None or self._place.made_for != made_for:
            own, way = (picture.width, picture.height), self._drawing
            layout = laid_out(own, device_size(self), way.scale_filter, way.aspect)
            target, bars = layout.logical(ratio), QRegion(self.rect())
            if target == QRectF(self.rect()):
                bars = QRegion()
            else:
                bars = bars.subtracted(QRegion(target.toRect().adjusted(1, 1, -1, -1)))
            self._place = _Place(made_for, layout, target, bars)
        return self._place

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.window().isMinimized():
            return
        painter = QPainter(self)
        try:
            if not self._paint_newest(painter, event.region()):
                painter.fillRect(event.rect(), theme.colour(theme.INK))
            elif self._dim > 0.0:
                veil = theme.colour(Role.VEIL, theme.DIM_OPACITY * self._dim)
                painter.fillRect(self.rect(), veil)
        finally:
            painter.end()

    def _paint_newest(self, painter: QPainter, region: QRegion) -> bool:
        """Paint the newest picture that can be painted; False if there is none."""
        if self._picture is not None and not self._paint(painter, region, self._picture):
            last = None if self._picture is self._last else self._last
            self._picture, self._converted, self._is_new = last, None, False
            if last is not None and not self._paint(painter, region, last):
                self._picture = None
        self._last = self._picture
        return self._picture is not None

    def _paint(self, painter: QPainter, region: QRegion, picture: Picture) -> bool:
        """Paint a part of the picture and of its bars; False if it cannot be painted."""
        began, place = self._clock(), self._place_of(picture)
        if not place.bars.isEmpty():
            painter.setClipRegion(region.intersected(place.bars))
            painter.fillRect(self.rect(), theme.colour(Role.BARS))
            painter.setClipping(False)
        size = place.layout.size
        converted = self._converted if self._converted and self._converted.size == size else None
        if converted is None and not self._draw(painter, region, picture, place):
            converted = self._converted = _Converted.of(
                self._scaler.pixels(picture, size, self._drawing.scale_filter)
            )
            if converted is None:
                return False
        if converted is not None:
            painter.drawImage(place.target, converted.image)
        if self._is_new:
            self._is_new = False
            now = self._clock()
            self._events.painted(picture, now, now - began)
        return True

    def _draw(self, painter: QPainter, region: QRegion, picture: Picture, place: _Place) -> bool:
        """Convert it straight into the window's memory, if all of it is painted at its own size."""
        whole = QRegion(self.rect()).subtracted(region).isEmpty()
        if not whole or place.layout.size != (picture.width, picture.height):
            return False
        area = area_of(painter, place.target, QRectF(self.rect()))
        if area is None or not self._scaler.draw(picture, area):
            return False
        beyond = QRectF(self.rect())  # a few pixels there may be garbage now: see Area.spare
        beyond.setLeft(place.target.right())
        beyond.setRight(min(beyond.right(), beyond.left() + BLOCK))
        if not beyond.isEmpty():
            painter.fillRect(beyond, theme.colour(Role.BARS))
        return True
