"""The card: a dark rounded panel with text and buttons in the middle of the picture."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QRect, QRectF, Qt
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
"""A card that has just appeared ignores presses for this long: they were meant for the game."""

_MARGIN_PX = 20
_PRESS_KEYS = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Select)


def label(kind: str = "", *, wraps: bool = True) -> QLabel:
    """A label of one of the style sheet's kinds; its text wraps and is never cut off."""
    made = QLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(wraps)
    if kind:
        made.setProperty("kind", kind)
    return made


def set_text(shown: QLabel, text: str) -> None:
    """Show `text`; an empty one hides the label."""
    if shown.text() != text:
        shown.setText(text)
    shown.setVisible(bool(text))


class CardButton(QPushButton):
    """A button for mouse, Space and Enter; it ignores key repeat, and every press until armed."""

    def __init__(self, text: str, kind: str, clock: Clock) -> None:
        super().__init__(text)
        self.setProperty("kind", kind)
        self.setAccessibleName(text)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.armed_at = 0.0
        """Boot time from which presses count."""
        self._clock = clock

    def _is_armed(self) -> bool:
        return self._clock() >= self.armed_at

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() not in _PRESS_KEYS or event.modifiers() & Qt.KeyboardModifier.AltModifier:
            super().keyPressEvent(event)
        elif event.isAutoRepeat() or not self._is_armed():
            event.accept()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def focusNextPrevChild(self, forwards: bool) -> bool:
        return super().focusNextPrevChild(forwards) if self._is_armed() else True

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._is_armed():
            super().mousePressEvent(event)
        else:
            event.accept()


class Card(QWidget):
    """Covers the whole picture; all of it but the panel in the middle is transparent.

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

    def button(self, text: str, kind: str, on_press: Callable[[], None]) -> CardButton:
        """A new button that calls `on_press`; the caller adds it to a layout."""
        made = CardButton(text, kind, self._clock)
        made.clicked.connect(on_press)
        return made

    def buttons(self) -> list[CardButton]:
        """The buttons that are visible and enabled, in the order of Tab."""
        found = [b for b in self.panel.findChildren(CardButton) if b.isVisible() and b.isEnabled()]
        return sorted(found, key=lambda b: (b.y(), b.x()))

    def first_focus(self) -> QWidget:
        """What gets the focus when the card appears: never a button that could do harm."""
        return self.panel

    def appear(self) -> None:
        """Show the card, if it is hidden; for `UNARMED_S` its buttons ignore presses."""
        if self.isVisible():
            return
        self.show()
        self.raise_()
        self.place()
        self.first_focus().setFocus(Qt.FocusReason.OtherFocusReason)
        armed_at = self._clock() + UNARMED_S
        for button in self.panel.findChildren(CardButton):
            button.armed_at = armed_at

    def disappear(self) -> None:
        """Hide the card."""
        self.hide()

    # --- where the panel is ---------------------------------------------------------------------

    def place(self) -> None:
        """Put the panel in the middle, up to `CARD_WIDTH` wide and as high as its texts need."""
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
