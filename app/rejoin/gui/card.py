"""The card: a dark rounded panel with text and buttons in the middle of the picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QEvent, QRect, QRectF, Qt
from PySide6.QtGui import (
    QFocusEvent,
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
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from rejoin.clock import Clock
from rejoin.gui import theme
from rejoin.gui.keys_down import KeysDown
from rejoin.gui.labels import TextButton
from rejoin.gui.roles import Role

UNARMED_S = 0.7
"""A card that has just appeared ignores presses for this long: they were meant for the game."""

SETTLED_S = 0.5
"""A key presses a button once it has visibly had the focus for this long."""

_MARGIN_PX = 20
_TAB_KEYS = {Qt.Key.Key_Tab: 1, Qt.Key.Key_Backtab: -1}
_FOCUS_KEYS = {
    **_TAB_KEYS,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Up: -1,
}
"""How far each moves the focus through the buttons of a card."""
_COMMANDS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
_PRESS_KEYS = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Select)


_ROOMY_PX = (theme.CARD_PADDING, theme.CARD_PADDING - 4, 22)
_TIGHT_PX = (2, 4, 3)
"""Above, below, and between texts and buttons."""
_ROOMY_LINES_PX, _TIGHT_LINES_PX = 8, 0


class CardButton(TextButton):
    """A button for mouse, Space and Enter.

    A key presses it only when it cannot have been meant for the game: the card has been there for
    `UNARMED_S`, the focus has been here for `SETTLED_S`, and nothing else is held down.
    """

    def __init__(self, text: str, kind: str, card: Card) -> None:
        super().__init__(text, kind)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.armed_at = 0.0
        """Boot time from which presses count."""
        self.settled_at = 0.0
        """Boot time from which a key may press it: the player has seen that it has the focus."""
        self.clicks_at_once = False
        """The mouse was not the game's when the card appeared, so clicks are for the card."""
        self._card = card

    def set_kind(self, kind: str) -> None:
        """Look like this kind of the style sheet's from now on."""
        if self.property("kind") != kind:
            self.setProperty("kind", kind)
            self.style().unpolish(self)
            self.style().polish(self)

    def is_armed(self) -> bool:
        return self._card.clock() >= self.armed_at

    def set_usable(self, *, shown: bool, enabled: bool = True) -> None:
        """Show or hide, enable or disable it. It never passes its focus on to another button."""
        if self.hasFocus() and not (shown and enabled):
            self._card.panel.setFocus(Qt.FocusReason.OtherFocusReason)
        self.setVisible(shown)
        self.setEnabled(enabled)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._card.move_focus(event, _FOCUS_KEYS):
            return
        if event.key() not in _PRESS_KEYS or event.modifiers() & Qt.KeyboardModifier.AltModifier:
            event.ignore()
            return
        may_press = self.is_armed() and self._card.clock() >= self.settled_at
        if may_press and not event.isAutoRepeat() and not self._card.keys.any:
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.click()
            else:
                super().keyPressEvent(event)
        event.ignore()  # the window notes every key that is down

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        super().keyReleaseEvent(event)
        event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        if event.reason() != Qt.FocusReason.ActiveWindowFocusReason:
            self.settled_at = self._card.clock() + SETTLED_S
        super().focusInEvent(event)

    def focusNextPrevChild(self, forwards: bool) -> bool:
        return False  # `Card.move_focus` does that

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self.clicks_at_once or self.is_armed():
            super().mousePressEvent(event)
        else:
            event.accept()


class _Panel(QFrame):
    """Has the focus while no button has it, so that the keys of a game press none."""

    def __init__(self, card: Card) -> None:
        super().__init__(card)
        self._card = card
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._card.move_focus(event, _TAB_KEYS):
            event.ignore()

    def focusNextPrevChild(self, forwards: bool) -> bool:
        return False


class Card(QWidget):
    """Covers the whole picture; all of it but the panel in the middle is transparent.

    Subclasses fill `body` (a column) and `row` (a row of buttons beneath).
    """

    def __init__(self, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.keys = KeysDown()
        """The keys that are down; the window sets its own object here, which sees every key."""
        self.follows_game = False
        """A game had the keyboard before: no button has the focus when the card appears."""
        self.clock = clock
        self.panel = _Panel(self)
        self.panel.installEventFilter(self)
        column = self._column = QVBoxLayout(self.panel)
        self.lines = QVBoxLayout()
        """For the texts of a subclass, one below the other."""
        self.body = QHBoxLayout()
        self.body.setSpacing(24)
        self.row = QHBoxLayout()
        self.row.setSpacing(10)
        column.addLayout(self.body)
        column.addLayout(self.row)
        self._saved = 0
        """How much lower the tight card is."""
        self._set_tight(False)
        self.hide()

    def name_after(self, title: str) -> None:
        """What a screen reader calls the card."""
        if self.panel.accessibleName() != title:
            self.panel.setAccessibleName(title)

    def button(self, text: str, kind: str, on_press: Callable[[], None]) -> CardButton:
        """A new button with this marked text, which calls `on_press`; the caller adds it to a
        layout."""
        made = CardButton(text, kind, self)
        made.clicked.connect(on_press)
        return made

    def buttons(self) -> list[CardButton]:
        """The buttons that are visible and enabled, in the order of Tab."""
        found = [b for b in self.panel.findChildren(CardButton) if b.isVisible() and b.isEnabled()]
        return sorted(found, key=lambda b: (b.y(), b.x()))

    def first_focus(self) -> QWidget:
        """What has the focus while the player has not moved it to a button."""
        return self.panel

    def take_focus(self) -> None:
        """Move the focus to where it starts."""
        self.first_focus().setFocus(Qt.FocusReason.OtherFocusReason)

    def move_focus(self, event: QKeyEvent, steps: Mapping[Qt.Key, int]) -> bool:
        """Move the focus if this key press is for that, unless it repeats one that is held.

        Returns whether it is one of `steps`.
        """
        step = steps.get(Qt.Key(event.key()))
        if step is None or event.modifiers() & _COMMANDS:
            return False
        buttons = self.buttons()
        if not self.keys.press(event) or not all(button.is_armed() for button in buttons):
            return True
        focused = next((n for n, button in enumerate(buttons) if button.hasFocus()), None)
        if buttons:
            at = (focused + step) if focused is not None else (0 if step > 0 else -1)
            buttons[at % len(buttons)].setFocus(Qt.FocusReason.TabFocusReason)
        return True

    def appear(self, *, mouse_was_captured: bool = True) -> None:
        """Show the card, if it is hidden. For `UNARMED_S` its buttons ignore keys, and clicks too
        if the game had the mouse."""
        if self.isVisible():
            return
        self.show()
        self.raise_()
        self.place()
        self.take_focus()
        now = self.clock()
        for button in self.panel.findChildren(CardButton):
            button.armed_at, button.settled_at = now + UNARMED_S, now
            button.clicks_at_once = not mouse_was_captured

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        self.keys.release(event)  # of Tab, whose press moves the focus and goes no further
        super().keyReleaseEvent(event)

    def disappear(self) -> None:
        """Hide the card."""
        self.hide()

    # --- where the panel is ---------------------------------------------------------------------

    def place(self) -> None:
        """Put the panel in the middle, up to `CARD_WIDTH` wide and as high as its texts need."""
        layout = self._column
        layout.activate()
        # Buttons and figures are not cut off, however long their words are in a language.
        wanted_px = max(theme.scaled(theme.CARD_WIDTH), layout.minimumSize().width())
        width = min(wanted_px, self.width() - 2 * _MARGIN_PX)
        height = self._height(width)
        if (height + self._saved > self.height()) != self._tight:
            self._set_tight(not self._tight)
            tight, roomy = self._height(width), height
            self._saved = max(0, roomy - tight) if self._tight else 0
            height = tight
        x, y = (self.width() - width) // 2, max(0, (self.height() - height) // 2)
        wanted = QRect(x, y, width, height)
        if self.panel.geometry() != wanted:
            self.panel.setGeometry(wanted)
            self.update()

    def _height(self, width: int) -> int:
        height = self._column.totalHeightForWidth(width)
        return self._column.totalSizeHint().height() if height < 0 else height

    def _set_tight(self, tight: bool) -> None:
        """Less space above, below and between, where the card would be higher than the picture."""
        self._tight = tight
        pad, (above, below, between) = theme.CARD_PADDING, _TIGHT_PX if tight else _ROOMY_PX
        self._column.setContentsMargins(pad, above, pad, below)
        self._column.setSpacing(between)
        self.lines.setSpacing(_TIGHT_LINES_PX if tight else _ROOMY_LINES_PX)
        self.body.invalidate()  # Qt does not, and it would keep the height of the lines of before

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
            painter.setBrush(theme.colour(Role.SHADOW, theme.shown_palette().shadow_opacity))
            radius = theme.CARD_RADIUS + spread
            around = panel.adjusted(-spread, -spread + 5, spread, spread + 5)
            painter.drawRoundedRect(around, radius, radius)
        painter.setBrush(theme.card_colour())
        painter.setPen(QPen(theme.colour(theme.HAIRLINE, 0.9), 1.0))
        inside = panel.adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(inside, theme.CARD_RADIUS, theme.CARD_RADIUS)
        painter.end()
