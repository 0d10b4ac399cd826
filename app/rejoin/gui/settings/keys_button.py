"""A button with the keys of a shortcut: pressed, it takes the next ones that the player presses."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from rejoin.gui.key_events import MODIFIER_KEYS, pressed_of
from rejoin.gui.keys_down import KeysDown
from rejoin.gui.settings import sections
from rejoin.gui.shortcuts import Pressed, chord_label
from rejoin.input_events import chords
from rejoin.language import listed, tr


class KeysButton(QPushButton):
    """While it listens, Escape alone ends that, and so does the loss of the focus.

    Modifiers alone are taken when one of them goes up, since a key may still follow.
    """

    picked = Signal(str)
    """The keys that the player pressed, as settings write them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAutoDefault(True)  # Enter presses it
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._keys = ""
        self._title = ""
        self._listens = False
        self._down = KeysDown()
        self._modifiers: Pressed | None = None
        self.clicked.connect(self._listen)

    def show_keys(self, title: str, keys: str) -> None:
        """Show what is set. `title`: what the keys are for."""
        self._title = title
        shown = listed(map(chord_label, chords.parse(keys)))
        self._keys = shown or tr(sections.CHOOSE_KEYS)
        self._show()

    @property
    def listens(self) -> bool:
        return self._listens

    def _listen(self) -> None:
        self._listens = True
        self._modifiers = None
        self._down.forget()
        self._show()

    def _stop(self) -> None:
        self._listens = False
        self._show()

    def _show(self) -> None:
        self.setText(tr(sections.PRESS_KEYS) if self._listens else self._keys)
        self.setAccessibleName(tr("{name}: {value}", name=self._title, value=self.text()))

    def _take(self, pressed: Pressed) -> bool:
        """Whether they can be keys of a shortcut."""
        try:
            found = chords.parse(str(chords.Chord(pressed.modifiers, pressed.key)))
        except chords.ChordError:
            return False
        self._stop()
        self.picked.emit(chords.to_text(found))
        return True

    def event(self, event: QEvent) -> bool:
        # Tab, and the window's own shortcuts, belong to the button while it listens.
        if self._listens and isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.KeyRelease:
                self._release(event)
                event.ignore()  # the window notes it: the key may have been pressed in the game
                return False
            if event.type() == QEvent.Type.KeyPress:
                self._press(event)
            event.accept()
            return True
        return super().event(event)

    def _press(self, event: QKeyEvent) -> None:
        self._down.press(event)
        pressed = pressed_of(event, self._down.keys)
        if pressed is None:
            return
        if pressed == Pressed("Escape", frozenset()):
            self._stop()
        elif pressed.key:
            self._take(pressed)
        else:
            self._modifiers = pressed

    def _release(self, event: QKeyEvent) -> None:
        self._down.release(event)
        if event.key() in MODIFIER_KEYS and self._modifiers is not None:
            modifiers, self._modifiers = self._modifiers, None
            self._take(modifiers)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if self._listens:
            self._stop()
