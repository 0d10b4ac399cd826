"""The picture: the newest one in the middle of black, device pixel for device pixel.

A whole picture in its own size is drawn by swscale straight into the window's memory, in one pass.
One that needs another size was scaled on the decoder's thread and is copied; and where only a part
is to be painted (something over it moved), it is drawn aside once. The last stays until a newer one
comes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from PySide6.QtCore import QEasingCurve, QEvent, QRectF, Qt, QTimer, QVariantAnimation
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QRegion, QResizeEvent, QShowEvent, QWindow
from PySide6.QtWidgets import QWidget

from rejoin.clock import Clock
from rejoin.gui import theme
from rejoin.gui.bridge import Bridge
from rejoin.gui.raster import area_of
from rejoin.media.video.frame_pacer import FramePacer
from rejoin.media.video.picture import PaintCount, Picture, Pixels
from rejoin.media.video.scaling import Scaler, fitted
from rejoin.media.video.swscale import BLOCK

_DIM_MS = 220
_MOST_WAITING = 2
_DUE_WITHIN_S = 0.0005
"""Timers tick in whole milliseconds: what is due by half of one is due."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where pictures of one size go on a surface of one size."""

    sizes: tuple[float, ...]
    size: tuple[int, int]
    """In device pixels."""
    target: QRectF
    bars: QRegion
    """What it leaves free, and a pixel under its edge."""


@dataclass(frozen=True, slots=True)
class _Aside:
    """A picture's pixels, as an image that looks into their memory."""

    pixels: Pixels
    image: QImage

    @classmethod
    def of(cls, pixels: Pixels | None) -> _Aside | None:
        if pixels is None:
            return None
        form = QImage.Format.Format_RGB32
        size = (pixels.width, pixels.height)
        return cls(pixels, QImage(pixels.data, *size, pixels.stride, form))

    @property
    def size(self) -> tuple[int, int]:
        return self.pixels.width, self.pixels.height


class VideoView(QWidget):
    """The raster surface."""

    def __init__(
        self,
        bridge: Bridge,
        *,
        clock: Clock,
        reduced_motion: bool = False,
        smooth: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        """`smooth`: hold pictures for up to one frame, so that they are painted evenly."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Game picture")
        self.takes_tab = False
        """While playing Tab belongs to the game and does not move the focus."""
        self._bridge = bridge
        self._clock = clock
        self._reduced_motion = reduced_motion
        self._picture: Picture | None = None
        self._last: Picture | None = None
        """The last one that was painted."""
        self._scaler = Scaler()
        self._aside: _Aside | None = None
        self._placed: _Place | None = None
        self._is_new = False
        self._smoothing = FramePacer() if smooth else None
        self._waiting: deque[tuple[float, Picture]] = deque()
        self._pacing = QTimer(self)
        self._pacing.setSingleShot(True)
        self._pacing.setTimerType(Qt.TimerType.PreciseTimer)
        self._pacing.timeout.connect(self._show_due)
        self._dimmed = False
        self._dim = 0.0
        self._dimming = QVariantAnimation(self)
        self._dimming.setDuration(_DIM_MS)
        self._dimming.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._dimming.valueChanged.connect(self._set_dim)
        bridge.picture_ready.connect(self.show_newest)

    # --- what is shown --------------------------------------------------------------------------

    @property
    def painted(self) -> PaintCount:
        """What was painted so far."""
        return self._bridge.painted

    @property
    def picture(self) -> Picture | None:
        """The picture on screen."""
        return self._picture

    def show_newest(self) -> None:
        """Take the newest picture and paint it. While minimised it is left where it is."""
        watched = self.isVisible() and not self.window().isMinimized()
        self._bridge.set_watched(watched)
        if not watched:
            self._leave_waiting()
            return
        picture = self._bridge.take_picture()
        if picture is None:
            return
        if self._smoothing is None:
            self._show(picture)
            return
        due_at = self._smoothing.due_at(
            picture.connection, picture.rtp_timestamp, picture.decoded_at
        )
        self._waiting.append((due_at, picture))
        self._show_due()

    def _show_due(self) -> None:
        """Show the newest picture that is due; a third one that waits makes the first due."""
        now, due = self._clock(), None
        while self._waiting and (
            self._waiting[0][0] - now < _DUE_WITHIN_S or len(self._waiting) > _MOST_WAITING
        ):
            if due is not None:
                self._bridge.count_skipped()
            due = self._waiting.popleft()[1]
        if due is not None:
            self._show(due)
        if self._waiting:
            left_s = self._waiting[0][0] - self._clock()  # painting took its time
            self._pacing.start(max(1, int(left_s * 1000)))

    def _leave_waiting(self) -> None:
        self._pacing.stop()
        while self._waiting:
            self._waiting.popleft()
            self._bridge.count_skipped()

    def _show(self, picture: Picture) -> None:
        self._picture, self._aside = picture, _Aside.of(picture.pixels)
        self._is_new = True
        if self._exposed():
            self.repaint()  # now; an update would wait behind whatever else the window has to do
        else:
            self.update()

    def _exposed(self) -> bool:
        """Whether the system shows the window; before that Qt has nothing to paint on."""
        handle: QWindow | None = self.window().windowHandle()
        return handle is not None and handle.isExposed()

    @property
    def dimmed(self) -> bool:
        return self._dimmed

    @dimmed.setter
    def dimmed(self, dimmed: bool) -> None:
        if dimmed == self._dimmed:
            return
        self._dimmed = dimmed
        self._dimming.stop()
        if self._reduced_motion or not self.isVisible():
            self._set_dim(float(dimmed))
            return
        self._dimming.setStartValue(self._dim)
        self._dimming.setEndValue(float(dimmed))
        self._dimming.start()

    def finish_dimming(self) -> None:
        """Jump to the end of the animation (for screenshots)."""
        self._dimming.stop()
        self._set_dim(float(self._dimmed))

    def _set_dim(self, dim: object) -> None:
        if isinstance(dim, float) and dim != self._dim:
            self._dim = dim
            self.update()

    # --- where it is shown ----------------------------------------------------------------------

    def device_size(self) -> tuple[int, int]:
        """This widget's size in device pixels."""
        ratio = self.devicePixelRatioF()
        return max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio))

    def target(self) -> QRectF:
        """Where the picture goes, in logical pixels on whole device pixels; empty without one."""
        return QRectF() if self._picture is None else self._place(self._picture).target

    def _place(self, picture: Picture) -> _Place:
        """Where it goes; thought about again only when a size changed, not for each picture."""
        ratio = self.devicePixelRatioF()
        sizes = (picture.width, picture.height, self.width(), self.height(), ratio)
        if self._placed is None or self._placed.sizes != sizes:
            device = self.device_size()
            width, height = fitted((picture.width, picture.height), device)
            x, y = (device[0] - width) // 2, (device[1] - height) // 2
            target = QRectF(x / ratio, y / ratio, width / ratio, height / ratio)
            bars = QRegion(self.rect())
            if target == QRectF(self.rect()):
                bars = QRegion()
            else:
                bars = bars.subtracted(QRegion(target.toRect().adjusted(1, 1, -1, -1)))
            self._placed = _Place(sizes, (width, height), target, bars)
        return self._placed

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._bridge.set_target(self.device_size())
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._bridge.set_target(self.device_size())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._bridge.set_target(self.device_size())
        self.show_newest()

    def focusNextPrevChild(self, forwards: bool) -> bool:
        return False if self.takes_tab else super().focusNextPrevChild(forwards)

    # --- painting -------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.window().isMinimized():
            return
        painter = QPainter(self)
        try:
            if not self._paint_newest(painter, event.region()):
                painter.fillRect(event.rect(), theme.colour(theme.INK))
            if self._dim > 0.0:
                painter.fillRect(
                    self.rect(), theme.colour(theme.INK, theme.DIM_OPACITY * self._dim)
                )
        finally:
            painter.end()

    def _paint_newest(self, painter: QPainter, region: QRegion) -> bool:
        """Paint the newest picture that can be painted; False when there is none."""
        if self._picture is not None and not self._paint(painter, region, self._picture):
            last = None if self._picture is self._last else self._last
            self._picture, self._aside, self._is_new = last, None, False
            if last is not None and not self._paint(painter, region, last):
                self._picture = None
        self._last = self._picture
        return self._picture is not None

    def _paint(self, painter: QPainter, region: QRegion, picture: Picture) -> bool:
        """Paint a part of the picture and its bars; False when it cannot be painted at all."""
        began, place = self._clock(), self._place(picture)
        if not place.bars.isEmpty():
            painter.setClipRegion(region.intersected(place.bars))
            painter.fillRect(self.rect(), Qt.GlobalColor.black)
            painter.setClipping(False)
        aside = self._aside if self._aside and self._aside.size == place.size else None
        if aside is None and not self._drawn(painter, region, picture, place):
            aside = self._aside = _Aside.of(self._scaler.pixels(picture, place.size))
            if aside is None:
                return False
        if aside is not None:
            painter.drawImage(place.target, aside.image)
        if self._is_new:
            self._is_new = False
            now = self._clock()
            self._bridge.count_painted(picture, now, now - began)
        return True

    def _drawn(self, painter: QPainter, region: QRegion, picture: Picture, place: _Place) -> bool:
        """Draw it in one pass, if all of it is to be painted, in its own size, and into memory."""
        whole = QRegion(self.rect()).subtracted(region).isEmpty()
        if not whole or place.size != (picture.width, picture.height):
            return False
        area = area_of(painter, place.target, QRectF(self.rect()))
        if area is None or not self._scaler.draw(picture, area):
            return False
        beyond = QRectF(self.rect())  # a few pixels there may be overwritten: see Area.spare
        beyond.setLeft(place.target.right())
        beyond.setRight(min(beyond.right(), beyond.left() + BLOCK))
        if not beyond.isEmpty():
            painter.fillRect(beyond, Qt.GlobalColor.black)
        return True
