"""The panel of the menu: its entries, the volume, and the question before a game is ended.

Up and Down move the focus, Enter and Space press, Left and Right change the volume on *Sound*,
Escape goes back.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from rejoin.gui import theme
from rejoin.gui.keys_down import KeysDown
from rejoin.gui.labels import label, set_text
from rejoin.gui.menu import texts
from rejoin.gui.menu.entries import ENTRIES, Entry, MenuAction, MenuState
from rejoin.gui.menu.painted_once import PaintedOnce
from rejoin.gui.settings.controls import PercentSlider
from rejoin.language import tr
from rejoin.media.audio.volume import SoundChoice

_PAD_PX = 22
_PRESS_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space, Qt.Key.Key_Select)
_STEPS = {
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_Tab: 1,
    Qt.Key.Key_Backtab: -1,
}


class _Entries(QScrollArea):
    """As high as what is in it, where there is room."""

    def sizeHint(self) -> QSize:
        inside = self.widget()
        return super().sizeHint() if inside is None else inside.sizeHint()


class MenuButton(QPushButton):
    """A line of the panel. The keys that it takes are noted as held, so that one that leads back to
    the game does not press itself there."""

    def __init__(self, text: str, kind: str, panel: MenuPanel) -> None:
        super().__init__(tr(text))
        self._text = text
        self._panel = panel
        self.setProperty("kind", kind)
        self.setAccessibleName(tr(text))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.detail = label("entry-detail", wraps=False)
        self.detail.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.detail.setProperty("on", kind)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 0, 14, 0)
        row.addStretch()
        row.addWidget(self.detail)

    def show_detail(self, detail: str) -> None:
        set_text(self.detail, detail)
        spoken = texts.entry_spoken(self.text(), detail)
        if self.accessibleName() != spoken:
            self.setAccessibleName(spoken)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.setText(tr(self._text))
            self.setAccessibleName(tr(self._text))

    def sizeHint(self) -> QSize:
        """With room for what stands beside the text."""
        hint, detail = super().sizeHint(), self.detail.sizeHint()
        return QSize(hint.width() + detail.width() + 16, max(hint.height(), detail.height() + 16))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in _PRESS_KEYS:
            if self._panel.keys.press(event):
                self.click()
        elif self._panel.move_focus(event, self):
            self._panel.keys.press(event)
        else:
            event.ignore()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        event.ignore()  # the window notes it

    def focusNextPrevChild(self, forwards: bool) -> bool:
        return False  # `MenuPanel.move_focus` does that

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._panel.area.ensureWidgetVisible(self)


class MenuPanel(QFrame):
    """Shows a `MenuState`; what the player chose leaves by `chosen`."""

    chosen = Signal(object)
    """A `MenuAction`. END was confirmed."""
    sound_chosen = Signal(object)
    """A `SoundChoice`."""
    shut = Signal()
    """The player goes back to the game."""

    def __init__(self, keys: KeysDown, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.keys = keys
        self._painted = PaintedOnce()
        self._state = MenuState()
        self._last = MenuAction.RESUME
        self.title = label("heading")
        self.subtitle = label("hint")
        self.buttons: dict[MenuAction, MenuButton] = {}
        self._separators: dict[MenuAction, QFrame] = {}
        self.volume = PercentSlider()
        self.volume.slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.volume.moved.connect(lambda percent: self._choose_sound(SoundChoice(percent)))
        self.area = _Entries(self)
        self._stack = QStackedWidget(self.area)
        self.area.setWidget(self._stack)
        self.area.setWidgetResizable(True)
        self._stack.addWidget(self._entries())
        self._stack.addWidget(self._question())
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = QVBoxLayout(self)
        column.setContentsMargins(_PAD_PX, _PAD_PX - 4, _PAD_PX, _PAD_PX - 6)
        column.setSpacing(4)
        column.addWidget(self.title)
        column.addWidget(self.subtitle)
        column.addSpacing(8)
        column.addWidget(self.area, 1)
        self._name()

    def _name(self) -> None:
        """In the language of now."""
        self.setAccessibleName(tr(texts.TITLE))
        self.title.setText(tr(texts.TITLE))
        self.volume.slider.setAccessibleName(tr(texts.VOLUME))
        self.question.setText(tr(texts.END_QUESTION))
        self.consequence.setText(tr(texts.END_CONSEQUENCE))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._name()

    def _entries(self) -> QWidget:
        made = QWidget(self._stack)
        column = QVBoxLayout(made)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for entry in ENTRIES:
            if entry.apart:
                line = self._separators[entry.action] = QFrame()
                line.setProperty("kind", "separator")
                column.addSpacing(8)
                column.addWidget(line)
                column.addSpacing(8)
            column.addWidget(self._entry(entry))
            if entry.action is MenuAction.SOUND:
                row = QHBoxLayout()
                row.setContentsMargins(16, 0, 16, 0)
                row.addWidget(self.volume)
                column.addLayout(row)
        column.addStretch()
        return made

    def _entry(self, entry: Entry) -> MenuButton:
        kind = "entry-primary" if entry.primary else "entry-danger" if entry.danger else "entry"
        made = self.buttons[entry.action] = MenuButton(entry.text, kind, self)
        made.clicked.connect(lambda: self._press(entry.action))
        return made

    def _question(self) -> QWidget:
        made = QWidget(self._stack)
        column = QVBoxLayout(made)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self.question = label("strong")
        self.consequence = label("quiet")
        self.keep = MenuButton(texts.KEEP_PLAYING, "entry-primary", self)
        self.keep.clicked.connect(self.close_question)
        self.confirm = MenuButton(texts.END, "entry-danger", self)
        self.confirm.clicked.connect(self._confirm)
        column.addWidget(self.question)
        column.addWidget(self.consequence)
        column.addSpacing(8)
        column.addWidget(self.keep)
        column.addWidget(self.confirm)
        column.addStretch()
        return made

    # --- what is shown --------------------------------------------------------------------------

    @property
    def asks(self) -> bool:
        """Whether it asks if the game should really be ended."""
        return self._stack.currentIndex() == 1

    def show_state(self, state: MenuState) -> None:
        """Called at each tick while the menu is open."""
        self._state = state
        set_text(self.subtitle, state.trouble or tr(texts.GOES_ON))
        for entry in ENTRIES:
            button, shown = self.buttons[entry.action], entry.shown(state)
            if button.hasFocus() and not shown:
                self.take_focus()
            if button.isHidden() == shown:
                button.setVisible(shown)
                self.area.updateGeometry()
            button.show_detail(entry.detail(state))
        self.volume.show_percent(0 if state.sound.muted else state.sound.volume)
        if self.asks and not state.can_end:
            self.close_question()

    def take_focus(self) -> None:
        """To the first entry, or the answer that ends nothing."""
        first = self.keep if self.asks else self.buttons[MenuAction.RESUME]
        first.setFocus(Qt.FocusReason.OtherFocusReason)

    def begin(self) -> None:
        """It was opened."""
        self._stack.setCurrentIndex(0)
        self.take_focus()

    def focus_last(self) -> None:
        """To the entry that was pressed last."""
        self.buttons[self._last].setFocus(Qt.FocusReason.OtherFocusReason)

    def _press(self, action: MenuAction) -> None:
        self._last = action
        if action is MenuAction.END:
            self._stack.setCurrentIndex(1)
            self.take_focus()
        else:
            self.chosen.emit(action)

    def close_question(self) -> None:
        """Back from the question to the entries."""
        self._stack.setCurrentIndex(0)
        self.buttons[MenuAction.END].setFocus(Qt.FocusReason.OtherFocusReason)

    def _confirm(self) -> None:
        self._stack.setCurrentIndex(0)
        self.chosen.emit(MenuAction.END)

    def _choose_sound(self, choice: SoundChoice) -> None:
        self.sound_chosen.emit(choice)

    # --- keyboard -------------------------------------------------------------------------------

    def move_focus(self, event: QKeyEvent, button: MenuButton) -> bool:
        """What an arrow does on this button; whether it does anything."""
        if button is self.buttons[MenuAction.SOUND]:
            sound = self._state.sound
            if event.key() == Qt.Key.Key_Right:
                self._choose_sound(sound.louder())
                return True
            if event.key() == Qt.Key.Key_Left:
                self._choose_sound(sound.quieter())
                return True
        step = _STEPS.get(Qt.Key(event.key()))
        if step is None:
            return False
        of_question = [self.keep, self.confirm]
        shown = of_question if self.asks else [b for b in self.buttons.values() if b.isVisible()]
        shown[(shown.index(button) + step) % len(shown)].setFocus(Qt.FocusReason.TabFocusReason)
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
            return
        if not self.keys.press(event):
            return
        if self.asks:
            self.close_question()
        else:
            self.shut.emit()

    # --- how it looks ---------------------------------------------------------------------------

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        self._painted.draw(self, None, self._paint)

    def _paint(self, painter: QPainter) -> None:
        painter.setBrush(theme.card_colour())
        painter.setPen(QPen(theme.colour(theme.HAIRLINE, 0.9), 1.0))
        inside = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(inside, theme.CARD_RADIUS, theme.CARD_RADIUS)
