"""The button of a shortcut takes the next keys that the player presses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from helpers.window_faces import delete
from rejoin.gui.settings import sections
from rejoin.gui.settings.keys_button import KeysButton

NONE = Qt.KeyboardModifier.NoModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier
K = Qt.Key


class Rig:
    def __init__(self) -> None:
        self.window = QWidget()
        self.button, self.other = KeysButton(), KeysButton()
        column = QVBoxLayout(self.window)
        column.addWidget(self.button)
        column.addWidget(self.other)
        self.picked: list[str] = []
        self.button.picked.connect(self.picked.append)
        self.button.show_keys("Full screen", "F11, Alt+Enter")
        self.window.show()
        self.window.activateWindow()
        self.button.setFocus()
        QApplication.processEvents()

    def key(self, key: Qt.Key, modifiers: Qt.KeyboardModifier, *, pressed: bool = True) -> None:
        kind = QEvent.Type.KeyPress if pressed else QEvent.Type.KeyRelease
        QApplication.sendEvent(self.button, QKeyEvent(kind, key, modifiers))


@pytest.fixture
def rig(application: QApplication) -> Iterator[Rig]:
    made = Rig()
    yield made
    delete(made.window)


def test_it_shows_the_keys_and_takes_the_next_ones(rig: Rig) -> None:
    assert rig.button.text() == "F11, Alt+Enter"
    assert rig.button.accessibleName() == "Full screen: F11, Alt+Enter"
    rig.key(K.Key_F9, NONE)
    assert rig.picked == [], "it does not listen"
    QTest.mouseClick(rig.button, Qt.MouseButton.LeftButton)
    assert rig.button.text() == sections.PRESS_KEYS
    assert rig.button.accessibleName() == "Full screen: Press the keys..."
    rig.key(K.Key_W, NONE)
    rig.key(K.Key_Tab, NONE)
    assert rig.picked == [], "games need them"
    rig.key(K.Key_Control, NONE)
    rig.key(K.Key_Alt, CONTROL)
    rig.key(K.Key_F, CONTROL | ALT)
    assert rig.picked == ["Ctrl+Alt+F"]
    assert rig.button.text() == "F11, Alt+Enter", "until it is saved"
    rig.key(K.Key_F10, NONE)
    assert rig.picked == ["Ctrl+Alt+F"]
    rig.button.show_keys("Full screen", "none")
    assert rig.button.text() == sections.CHOOSE_KEYS


def test_modifiers_alone_are_taken_when_one_goes_up(rig: Rig) -> None:
    QTest.keyClick(rig.button, K.Key_Return)
    assert rig.button.listens
    rig.key(K.Key_Control, NONE)
    rig.key(K.Key_Control, CONTROL, pressed=False)
    assert rig.picked == [], "one is no shortcut"
    rig.key(K.Key_Shift, NONE)
    rig.key(K.Key_Control, Qt.KeyboardModifier.ShiftModifier)
    rig.key(K.Key_Shift, CONTROL, pressed=False)
    assert rig.picked == ["Ctrl+Shift"]


def test_escape_and_the_loss_of_the_focus_leave_the_keys_as_they_are(rig: Rig) -> None:
    QTest.mouseClick(rig.button, Qt.MouseButton.LeftButton)
    rig.key(K.Key_Escape, NONE)
    assert not rig.button.listens
    QTest.mouseClick(rig.button, Qt.MouseButton.LeftButton)
    rig.other.setFocus()
    assert not rig.button.listens
    assert rig.picked == []


def test_the_window_hears_what_is_released_while_it_listens(rig: Rig) -> None:
    """A key may be held since it was pressed in the game; a press is for the button alone."""
    heard: list[tuple[QEvent.Type, int]] = []

    class Around(QWidget):
        def keyPressEvent(self, event: QKeyEvent) -> None:
            heard.append((event.type(), event.key()))

        keyReleaseEvent = keyPressEvent

    around = Around()
    rig.window.setParent(around)
    QTest.mouseClick(rig.button, Qt.MouseButton.LeftButton)
    assert rig.button.listens
    rig.key(K.Key_Q, NONE)
    rig.key(K.Key_W, NONE, pressed=False)
    assert heard == [(QEvent.Type.KeyRelease, K.Key_W)]
    assert rig.button.listens
    rig.window.setParent(None)
    delete(around)
