"""The card: a dark rounded panel in the middle of the picture, and the pills in its corners."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from rejoin.clock import Clock
from rejoin.gui import theme

UNARMED_S = 0.7
"""A card that comes by itself does not obey for this long: the press was meant for the game."""

_MARGIN_PX = 20
_ICON = QSize(18, 18)
_PRESS_KEYS = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Select)


def label(kind: str = "", *, wraps: bool = True) -> QLabel:
    """A text in one of the style sheet's kinds; it wraps and is never cut short."""
    made = QLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(wraps)
    if kind:
        made.setProperty("kind", kind)
    return made


def say(where: QLabel, text: str) -> None:
    """Put `text` there; an empty text takes no room."""
    if where.text() != text:
        where.setText(text)
    where.setVisible(bool(text))


class CardButton(QPushButton):
    """A button that obeys Space and Enter, ignores key repeat, and is deaf until armed."""

    def __init__(self, text: str, kind: str, clock: Clock) -> None:
        super().__init__(text)
        self.setProperty("kind", kind)
        self.setAccessibleName(text)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.armed_at = 0.0
        self._clock = clock

    def _obeys(self) -> bool:
        return self._clock() >= self.armed_at

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() not in _PRESS_KEYS or event.modifiers() & Qt.KeyboardModifier.AltModifier:
            super().keyPressEvent(event)
        elif event.isAutoRepeat() or not self._obeys():
            event.accept()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def focusNextPrevChild(self, forwards: bool) -> bool:
        return super().focusNextPrevChild(forwards) if self._obeys() else True

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._obeys():
            super().mousePressEvent(event)
        else:
            event.accept()


class Card(QWidget):
    """Covers the whole picture, transparent but for the panel, which keeps to the middle.

    Subclasses fill `body` (a column) and `row` (a row of buttons beneath).
    """

    def __init__(self, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._clock = clock
        self.panel = QFrame(self)
        self.panel.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.panel.installEventFilter(self)
        column = QVBoxLayout(self.panel)
        pad = theme.CARD_PADDING
        column.setContentsMargins(pad, pad, pad, pad - 4)
        column.setSpacing(22)
        self.body = QHBoxLayout()
        self.body.setSpacing(24)
        self.row = QHBoxLayout()
        self.row.setSpacing(10)
        column.addLayout(self.body)
        column.addLayout(self.row)
        self.hide()

    def button(self, text: str, kind: str, pressed: Callable[[], None]) -> CardButton:
        """A button that calls `pressed`; the caller puts it into a layout."""
        made = CardButton(text, kind, self._clock)
        made.clicked.connect(pressed)
        return made

    def buttons(self) -> list[CardButton]:
        """Those that can be reached now, in the order of Tab."""
        found = [b for b in self.panel.findChildren(CardButton) if b.isVisible() and b.isEnabled()]
        return sorted(found, key=lambda b: (b.y(), b.x()))

    def first_focus(self) -> QWidget:
        """What has the focus when nothing was chosen: never what would do harm."""
        return self.panel

    def rise(self) -> None:
        """Come into view. For a moment presses are not obeyed."""
        if self.isVisible():
            return
        self.show()
        self.raise_()
        self.place()
        self.first_focus().setFocus(Qt.FocusReason.OtherFocusReason)
        armed_at = self._clock() + UNARMED_S
        for button in self.panel.findChildren(CardButton):
            button.armed_at = armed_at

    # --- where the panel is ---------------------------------------------------------------------

    def place(self) -> None:
        """Put the panel in the middle, as wide as it may be and as high as its texts need."""
        layout = self.panel.layout()
        if layout is None:
            return
        width = min(theme.CARD_WIDTH, self.width() - 2 * _MARGIN_PX)
        layout.activate()
        height = layout.totalHeightForWidth(width)
        if height < 0:
            height = layout.totalSizeHint().height()
        x, y = (self.width() - width) // 2, max(0, (self.height() - height) // 2)
        wanted = QRect(x, y, width, height)
        if self.panel.geometry() != wanted:
            self.panel.setGeometry(wanted)
            self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.place()

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if watched is self.panel and event.type() == QEvent.Type.LayoutRequest:
            self.place()
        return False

    # --- how it looks ---------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        panel = QRectF(self.panel.geometry())
        painter.setPen(Qt.PenStyle.NoPen)
        for spread in range(14, 0, -2):
            painter.setBrush(theme.colour("#000000", 0.035))
            radius = theme.CARD_RADIUS + spread
            around = panel.adjusted(-spread, -spread + 5, spread, spread + 5)
            painter.drawRoundedRect(around, radius, radius)
        painter.setBrush(theme.colour(theme.CARD, theme.CARD_OPACITY))
        painter.setPen(QPen(theme.colour(theme.HAIRLINE, 0.9), 1.0))
        inside = panel.adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(inside, theme.CARD_RADIUS, theme.CARD_RADIUS)
        painter.end()


class Pill(QFrame):
    """A short text on a dark rounded ground over the picture; the mouse goes through it."""

    def __init__(self, kind: str = "pill", icon: str | None = None) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        row = QHBoxLayout(self)
        row.setContentsMargins(13, 7, 14, 8)
        row.setSpacing(8)
        self._icon = icon
        self._icon_ratio = 0.0
        self._picture = QLabel()
        self._picture.setFixedSize(_ICON)
        if icon is not None:
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
        """What it says, both lines."""
        return " ".join(part for part in (self.line.text(), self.second.text()) if part)

    def tell(self, text: str, second: str = "") -> None:
        """Show these lines; an empty text hides the pill."""
        if text:
            say(self.line, text)
            say(self.second, second)
            if self.accessibleName() != self.text():
                self.setAccessibleName(self.text())
        if self.isHidden() == bool(text):
            self.setVisible(bool(text))

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._icon is not None and self._icon_ratio != self.devicePixelRatioF():
            self._icon_ratio = self.devicePixelRatioF()
            self._picture.setPixmap(theme.drawing(self._icon, _ICON, self._icon_ratio, theme.TEXT))
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(theme.colour(theme.CARD, theme.PILL_OPACITY))
        painter.setPen(QPen(theme.colour(theme.HAIRLINE, 0.9), 1.0))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 11, 11)
        painter.end()
