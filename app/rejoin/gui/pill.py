"""A pill: a short text on a dark rounded ground, over the picture."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from rejoin.gui import theme
from rejoin.gui.labels import label, set_text

_ICON = QSize(18, 18)
_RADIUS_PX = 11


class Pill(QFrame):
    """One or two lines, with or without an icon; clicks go through to the picture behind it."""

    def __init__(
        self, kind: str = "pill", icon: str | None = None, parent: QWidget | None = None
    ) -> None:
        """`kind`: how the style sheet shows the first line. `icon`: an SVG among the assets."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._row = row = QHBoxLayout(self)
        row.setContentsMargins(13, 7, 14, 8)
        row.setSpacing(8)
        self._icon = icon
        self._icon_ratio = 0.0
        self._picture = QLabel(self)
        self._picture.setFixedSize(_ICON)
        self._picture.setVisible(icon is not None)
        row.addWidget(self._picture)
        self.line = label(kind, wraps=False)
        self.second = label("hint", wraps=False)
        lines = QVBoxLayout()
        lines.setSpacing(2)
        lines.addWidget(self.line)
        lines.addWidget(self.second)
        row.addLayout(lines)
        self.second.hide()
        self.hide()

    def text(self) -> str:
        """Both lines."""
        return " ".join(part for part in (self.line.text(), self.second.text()) if part)

    def set_text(self, text: str, second: str = "") -> None:
        """Show these lines; an empty text hides the pill."""
        if text:
            set_text(self.line, text)
            set_text(self.second, second)
            if self.accessibleName() != self.text():
                self.setAccessibleName(self.text())
        if self.isHidden() == bool(text):
            self.setVisible(bool(text))

    def fit(self, room_px: int) -> None:
        """Its lines wrap where they are wider than this."""
        margins = self.contentsMargins() + self._row.contentsMargins()
        icon = 0 if self._icon is None else _ICON.width() + self._row.spacing()
        room = room_px - margins.left() - margins.right() - icon
        for line in (self.line, self.second):
            wide = line.fontMetrics().horizontalAdvance(line.text()) > room
            line.setWordWrap(wide)
            line.setMinimumWidth(room if wide else 0)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._icon_ratio = 0.0  # drawn again, in the colour of now

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._icon is not None and self._icon_ratio != self.devicePixelRatioF():
            self._icon_ratio = self.devicePixelRatioF()
            self._picture.setPixmap(theme.drawing(self._icon, _ICON, self._icon_ratio, theme.TEXT))
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(theme.pill_colour())
        painter.setPen(QPen(theme.colour(theme.HAIRLINE, 0.9), 1.0))
        inside = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(inside, _RADIUS_PX, _RADIUS_PX)
        painter.end()


def row_of(pill: Pill, parent: QWidget | None = None) -> QWidget:
    """A row of its own with the pill in its middle; hidden at first."""
    row = QWidget(parent)
    column = QVBoxLayout(row)
    column.setContentsMargins(6, 6, 6, 6)
    column.addWidget(pill, 0, Qt.AlignmentFlag.AlignHCenter)
    row.hide()
    return row
