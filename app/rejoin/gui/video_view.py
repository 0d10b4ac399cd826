"""The view of the game: which picture is shown when, and how far it is dimmed.

It takes the newest picture from the slot, holds it if even motion is asked for, and gives it to the
surface that draws it (`video_surface`). Focus, keys and mouse belong to this widget, whatever
draws.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from PySide6.QtCore import QEasingCurve, QEvent, QRectF, Qt, QTimer, QVariantAnimation, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent, QWindow
from PySide6.QtWidgets import QWidget

from rejoin.clock import Clock
from rejoin.gui import theme
from rejoin.gui.accessible_roles import PICTURE
from rejoin.gui.bridge import Bridge
from rejoin.gui.picture_layout import device_size
from rejoin.gui.raster_surface import RasterSurface
from rejoin.gui.video_surface import Drawing, MakeSurface, SurfaceEvents, VideoSurface
from rejoin.language import tr
from rejoin.media.video.frame_pacer import FramePacer
from rejoin.media.video.picture import PaintTelemetry, Picture, ViewHints

_DIM_MS = 220
_MAX_WAITING = 2
_DUE_WITHIN_S = 0.0005
"""Timers have a resolution of 1 ms: a picture that is due within half of that is due."""


class VideoView(QWidget):
    """The widget that shows the game."""

    accessible_role = PICTURE

    surface_failed = Signal(str)
    """The surface cannot draw any more, and why: `use` another one."""

    def __init__(
        self,
        bridge: Bridge,
        *,
        clock: Clock,
        reduced_motion: bool = False,
        smooth: bool = False,
        make_surface: MakeSurface = RasterSurface,
        parent: QWidget | None = None,
    ) -> None:
        """`smooth`: delay pictures by up to one frame, so that they are painted evenly."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Game picture"))
        self.takes_tab = False
        """While playing, Tab is for the game and does not move the focus."""
        self._bridge = bridge
        self._clock = clock
        self._reduced_motion = reduced_motion
        self._hints = ViewHints()
        self._counted: Picture | None = None
        """The last picture that was counted as painted."""
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
        self._events = SurfaceEvents(clock, self._on_painted, self.surface_failed.emit)
        self._surface = make_surface(self, self._events)
        bridge.picture_ready.connect(self.show_newest)

    # --- which picture is shown -----------------------------------------------------------------

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.setAccessibleName(tr("Game picture"))

    @property
    def painted(self) -> PaintTelemetry:
        """What was painted so far."""
        return self._bridge.painted

    @property
    def picture(self) -> Picture | None:
        """The picture on screen."""
        return self._surface.picture

    @property
    def surface(self) -> VideoSurface:
        """What draws now."""
        return self._surface

    def use(self, make_surface: MakeSurface) -> None:
        """Draw with another surface from now on, and the picture on screen with it at once."""
        picture = self._surface.picture
        self._surface.close()
        self._surface = make_surface(self, self._events)
        self._surface.set_dim(self._dim)
        self._report_size()
        if picture is not None:
            self._surface.show_picture(picture, at_once=False)

    def pace_with(self, *, smooth: bool) -> None:
        """As with `smooth` in the first place, while no picture waits."""
        self._pacer = FramePacer() if smooth else None

    def draw_with(self, drawing: Drawing) -> None:
        """Draw in this way from now on: the picture on screen, and what is decoded."""
        if drawing != self._surface.drawing:
            self._surface.draw_with(drawing)
            self._report_size()

    def clear(self) -> None:
        """Forget every picture: what comes next belongs to another game."""
        self._drop_waiting()
        self._counted = None
        if self._pacer is not None:
            self._pacer = FramePacer()
        self._surface.clear()

    def _on_painted(self, picture: Picture, at: float, took_s: float) -> None:
        if picture is not self._counted:
            self._counted = picture
            self._bridge.count_painted(picture, at, took_s)

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
        # At once if possible: update() would wait until the window has done everything else.
        before, counted = self._surface.picture, self._counted
        self._surface.show_picture(picture, at_once=self._exposed())
        if before is not None and before is not counted and before is not self._surface.picture:
            self._bridge.count_skipped()  # it was still to be painted

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
        if self._reduced_motion or not theme.moves() or not self.isVisible():
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
            self._surface.set_dim(dim)

    # --- where it is shown ----------------------------------------------------------------------

    def device_size(self) -> tuple[int, int]:
        """This widget's size in device pixels."""
        return device_size(self)

    def target(self) -> QRectF:
        """Where the picture is, in logical pixels, on whole device pixels; empty without one."""
        return self._surface.target()

    def target_or_room(self) -> QRectF:
        """`target`; without a picture the whole view."""
        target = self.target()
        return QRectF(self.rect()) if target.isEmpty() else target

    def _set_hints(self, hints: ViewHints) -> None:
        self._hints = hints
        self._bridge.set_view_hints(hints)

    def _report_size(self) -> None:
        """The size for which the decoder scales in advance; none where the card scales."""
        surface = self._surface
        size = None if surface.on_card else self.device_size()
        drawing = surface.drawing
        hints = replace(self._hints, size=size, scale_filter=drawing.scale_filter)
        self._set_hints(replace(hints, aspect=drawing.aspect))

    def _on_resized(self) -> None:
        self._surface.place()
        self._report_size()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._report_size()
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._on_resized()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._on_resized()
        self.show_newest()

    def focusNextPrevChild(self, forwards: bool) -> bool:
        return False if self.takes_tab else super().focusNextPrevChild(forwards)
