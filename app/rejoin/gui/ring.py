"""The ring: the time left as an arc with digits in it, or a turning arc where none is known."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QFont,
    QFontMetricsF,
    QHideEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QShowEvent,
)
from PySide6.QtWidgets import QWidget

from rejoin.gui import theme
from rejoin.gui.accessible_roles import PICTURE
from rejoin.gui.roles import Role

_WIDTH_PX = 8.0
_TURN_EVERY_MS = 33
_TURN_DEGREES = 6.0
_PACED_DEGREES = 30.0
"""A turn of a paced ring, which is repainted a few times a second."""
_TURNING_ARC_DEGREES = 80.0


class Ring(QWidget):
    """Shows a share of 0..1; for None an arc turns (not with reduced motion).

    For screen readers it is a picture with a name, and no progress bar: of those they say by
    themselves how many per cent there are, again and again (ADR 0071).
    """

    accessible_role = PICTURE

    def __init__(
        self, side_px: int, *, reduced_motion: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._side_px = side_px
        self._resize()
        self._reduced_motion = reduced_motion
        self._share: float | None = None
        self._digits = ""
        self._angle = 0.0
        self._paced = False
        self._turning = QTimer(self)
        self._turning.setInterval(_TURN_EVERY_MS)
        self._turning.timeout.connect(self._turn)

    @property
    def digits(self) -> str:
        return self._digits

    @property
    def share(self) -> float | None:
        return self._share

    @property
    def paced(self) -> bool:
        """Whether it turns by `show_time` alone, and not by a timer of its own."""
        return self._paced

    @paced.setter
    def paced(self, paced: bool) -> None:
        self._paced = paced
        self._start_or_stop()

    def show_time(self, sentence: str, digits: str, share: float | None) -> None:
        """`sentence` is for screen readers; `share` is how much of the time is left."""
        if self.accessibleName() != sentence:
            self.setAccessibleName(sentence)
        turns = self._paced and self._turns_when_shown(share)
        if turns:
            self._angle = (self._angle + _PACED_DEGREES) % 360.0
        if turns or (digits, share) != (self._digits, self._share):
            self._digits, self._share = digits, share
            self._start_or_stop()
            self.update()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._start_or_stop()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._turning.stop()

    def _turns_when_shown(self, share: float | None) -> bool:
        may_move = theme.moves() and not self._reduced_motion
        return share is None and self.isVisible() and may_move

    def _start_or_stop(self) -> None:
        if self._turns_when_shown(self._share) and not self._paced:
            self._turning.start()
        else:
            self._turning.stop()

    def _turn(self) -> None:
        self._angle = (self._angle + _TURN_DEGREES) % 360.0
        self.update()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._resize()
            self._start_or_stop()

    def _resize(self) -> None:
        """As large as the texts beside it are read."""
        side_px = theme.scaled(self._side_px)
        self.setFixedSize(QSize(side_px, side_px))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        inset = _WIDTH_PX / 2 + 1
        circle = QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)
        painter.setPen(QPen(theme.colour(Role.TRACK), _WIDTH_PX))
        painter.drawEllipse(circle)
        if self._share is None:
            start, span = 90.0 - self._angle, -_TURNING_ARC_DEGREES
        else:
            start, span = 90.0, 360.0 * self._share
        if abs(span) > 0.1:
            pen = QPen(theme.colour(theme.ACCENT), _WIDTH_PX)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            painter.drawArc(circle, round(start * 16), round(span * 16))
        if self._digits:
            painter.setPen(theme.colour(theme.TEXT))
            painter.setFont(self._fitting_font())
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._digits)
        painter.end()

    def _fitting_font(self) -> QFont:
        """The largest font in which the digits stay inside the ring."""
        room = self.width() - 2 * _WIDTH_PX - 20
        pixels = round(self.width() * 0.25)
        font = theme.digit_font(pixels)
        while pixels > 10 and QFontMetricsF(font).horizontalAdvance(self._digits) > room:
            pixels -= 1
            font.setPixelSize(pixels)
        return font
