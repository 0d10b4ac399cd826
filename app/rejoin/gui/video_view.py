"""Paints the newest picture, centred on black, one picture pixel per device pixel if it fits.

A whole picture at its own size is converted by swscale straight into the window's memory, in one
pass. A picture that needs another size was prescaled on the decoder's thread and is copied. Where
only a part has to be painted (something above it moved), the picture is converted once into an
image of its own and copied from there. The last picture stays until there is a newer one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from PySide6.QtCore import QEasingCurve, QEvent, QRectF, Qt, QTimer, QVariantAnimation
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QRegion, QResizeEvent, QShowEvent, QWindow
from PySide6.QtWidgets import QWidget

from rejoin.clock import Clock
from rejoin.gui import theme
from rejoin.gui.bridge import Bridge
from rejoin.gui.raster import area_of
from rejoin.media.video.frame_pacer import FramePacer
from rejoin.media.video.picture import PaintTelemetry, Picture, Pixels, ViewHints
from rejoin.media.video.scaling import Scaler, fitted
from rejoin.media.video.swscale import BLOCK

_DIM_MS = 220
_MAX_WAITING = 2
_DUE_WITHIN_S = 0.0005
"""Timers have a resolution of 1 ms: a picture that is due within half of that is due."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where pictures of one size go in a view of one size."""

    made_for: tuple[float, ...]
    size: tuple[int, int]
    """In device pixels."""
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


class VideoView(QWidget):
    """The widget that shows the game."""

    def __init__(
        self,
        bridge: Bridge,
        *,
        clock: Clock,
        reduced_motion: bool = False,
        smooth: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        """`smooth`: delay pictures by up to one frame, so that they are painted evenly."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Game picture")
        self.takes_tab = False
        """While playing, Tab is for the game and does not move the focus."""
        self._bridge = bridge
        self._clock = clock
        self._reduced_motion = reduced_motion
        self._picture: Picture | None = None
        self._last: Picture | None = None
        """The last picture that was painted."""
        self._scaler = Scaler()
        self._converted: _Converted | None = None
        self._layout: _Layout | None = None
        self._hints = ViewHints()
        self._is_new = False
        """Whether the picture was not painted yet."""
        self._pacer = FramePacer() if smooth else None
        self._waiting: deque[tuple[float, Picture]] = deque()
        self._pacer_timer = QTimer(self)
        self._pacer_timer.setSingleShot(True)
        self._pacer_timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._pacer_timer.timeout.connect(self._show_due)
        self._dimmed = False
        self._dim = 0.0
        self._dimming = QVariantAnimation(self)
        self._dimming.setDuration(_DIM_MS)
        self._dimming.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._dimming.valueChanged.connect(self._set_dim)
        bridge.picture_ready.connect(self.show_newest)

    # --- which picture is shown -----------------------------------------------------------------

    @property
    def painted(self) -> PaintTelemetry:
        """What was painted so far."""
        return self._bridge.painted

    @property
    def picture(self) -> Picture | None:
        """The picture on screen."""
        return self._picture

    def show_newest(self) -> None:
        """Take the newest picture and paint it. While minimised it is left in the slot."""
        visible = self.isVisible() and not self.window().isMinimized()
        if visible != self._hints.visible:
            self._set_hints(replace(self._hints, visible=visible))
        if not visible:
            self._drop_waiting()
            return
        picture = self._bridge.take_picture()
        if picture is None:
            return
        if self._pacer is None:
            self._show(picture)
            return
        due_at = self._pacer.due_at(picture.connection, picture.rtp_timestamp, picture.decoded_at)
        self._waiting.append((due_at, picture))
        self._show_due()

    def _show_due(self) -> None:
        """Show the newest picture that is due. If three are waiting, the first is due."""
        now, due = self._clock(), None
        while self._waiting and (
            self._waiting[0][0] - now < _DUE_WITHIN_S or len(self._waiting) > _MAX_WAITING
        ):
            if due is not None:
                self._bridge.count_skipped()
            due = self._waiting.popleft()[1]
        if due is not None:
            self._show(due)
        if self._waiting:
            left_s = self._waiting[0][0] - self._clock()  # painting took some time
            self._pacer_timer.start(max(1, int(left_s * 1000)))

    def _drop_waiting(self) -> None:
        self._pacer_timer.stop()
        while self._waiting:
            self._waiting.popleft()
            self._bridge.count_skipped()

    def _show(self, picture: Picture) -> None:
        self._picture, self._converted = picture, _Converted.of(picture.pixels)
        self._is_new = True
        if self._exposed():
            self.repaint()  # now: update() would wait until the window has done everything else
        else:
            self.update()

    def _exposed(self) -> bool:
        """Whether the system shows the window; before that Qt cannot paint."""
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
        """Where the picture is, in logical pixels, on whole device pixels; empty without one."""
        return QRectF() if self._picture is None else self._layout_for(self._picture).target

    def target_or_room(self) -> QRectF:
        """`target`; without a picture the whole view."""
        return QRectF(self.rect()) if self._picture is None else self.target()

    def _layout_for(self, picture: Picture) -> _Layout:
        """Where the picture goes; computed again only if a size changed, not for each picture."""
        ratio = self.devicePixelRatioF()
        made_for = (picture.width, picture.height, self.width(), self.height(), ratio)
        if self._layout is None or self._layout.made_for != made_for:
            device = self.device_size()
            width, height = fitted((picture.width, picture.height), device)
            x, y = (device[0] - width) // 2, (device[1] - height) // 2
            target = QRectF(x / ratio, y / ratio, width / ratio, height / ratio)
            bars = QRegion(self.rect())
            if target == QRectF(self.rect()):
                bars = QRegion()
            else:
                bars = bars.subtracted(QRegion(target.toRect().adjusted(1, 1, -1, -1)))
            self._layout = _Layout(made_for, (width, height), target, bars)
        return self._layout

    def _set_hints(self, hints: ViewHints) -> None:
        self._hints = hints
        self._bridge.set_view_hints(hints)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._set_hints(replace(self._hints, size=self.device_size()))
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._set_hints(replace(self._hints, size=self.device_size()))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._set_hints(replace(self._hints, size=self.device_size()))
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
        began, layout = self._clock(), self._layout_for(picture)
        if not layout.bars.isEmpty():
            painter.setClipRegion(region.intersected(layout.bars))
            painter.fillRect(self.rect(), Qt.GlobalColor.black)
            painter.setClipping(False)
        converted = (
            self._converted if self._converted and self._converted.size == layout.size else None
        )
        if converted is None and not self._draw(painter, region, picture, layout):
            converted = self._converted = _Converted.of(self._scaler.pixels(picture, layout.size))
            if converted is None:
                return False
        if converted is not None:
            painter.drawImage(layout.target, converted.image)
        if self._is_new:
            self._is_new = False
            now = self._clock()
            self._bridge.count_painted(picture, now, now - began)
        return True

    def _draw(self, painter: QPainter, region: QRegion, picture: Picture, layout: _Layout) -> bool:
        """Convert it straight into the window's memory, if all of it is painted at its own size."""
        whole = QRegion(self.rect()).subtracted(region).isEmpty()
        if not whole or layout.size != (picture.width, picture.height):
            return False
        area = area_of(painter, layout.target, QRectF(self.rect()))
        if area is None or not self._scaler.draw(picture, area):
            return False
        beyond = QRectF(self.rect())  # a few pixels there may be garbage now: see Area.spare
        beyond.setLeft(layout.target.right())
        beyond.setRight(min(beyond.right(), beyond.left() + BLOCK))
        if not beyond.isEmpty():
            painter.fillRect(beyond, Qt.GlobalColor.black)
        return True
