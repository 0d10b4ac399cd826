"""The frame around the picture while a fault of a tester is on, and the label that names it.

Four bars and a pill, so that the picture in between is not painted twice.
"""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from rejoin.gui import theme
from rejoin.gui.pill import Pill
from rejoin.gui.roles import Role

FRAME_PX = 5
_STRIPE_PX = 18
_LABEL_PX = 12


class _Bar(QWidget):
    """One side of the frame. It is striped, so that it can be seen without colour."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.colour(Role.INK))
        across = self.width() > self.height()
        length, red = max(self.width(), self.height()), theme.colour(Role.DANGER)
        for at in range(0, length, _STRIPE_PX):
            piece = QRectF(at, 0, _STRIPE_PX - 4, FRAME_PX)
            if not across:
                piece = QRectF(0, at, FRAME_PX, _STRIPE_PX - 4)
            painter.fillRect(piece, red)
        painter.end()


class PracticeFrame:
    """Lies over everything in `around`, and takes its size when shown."""

    def __init__(self, around: QWidget) -> None:
        self._around = around
        self.bars = [_Bar(around) for _ in range(4)]
        self.label = Pill()
        self.label.setParent(around)

    @property
    def is_shown(self) -> bool:
        return not self.bars[0].isHidden()

    def show(self, *, on: bool, text: str) -> None:
        """Show or hide it. `on`: whether a fault is on. `text`: the label's; "" for no label."""
        for bar, place in zip(self.bars, _places(self._around.rect()), strict=True):
            if on:
                bar.setGeometry(place)
                bar.raise_()
            bar.setVisible(on)
        self.label.set_text(text)
        if text:
            room = self._around.width() - 2 * _LABEL_PX
            self.label.fit(room)
            width = min(self.label.sizeHint().width(), room)
            tall = self.label.heightForWidth(width)
            self.label.resize(width, tall if tall > 0 else self.label.sizeHint().height())
            left = (self._around.width() - self.label.width()) // 2
            self.label.move(left, FRAME_PX + _LABEL_PX)
            self.label.raise_()


def _places(area: QRect) -> tuple[QRect, QRect, QRect, QRect]:
    width, height, thick = area.width(), area.height(), FRAME_PX
    return (
        QRect(0, 0, width, thick),
        QRect(0, height - thick, width, thick),
        QRect(0, 0, thick, height),
        QRect(width - thick, 0, thick, height),
    )
