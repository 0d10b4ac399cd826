"""What is down, what is a repeat, and when nothing is known any more."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent

from rejoin.gui.keys_down import KeysDown


def event(kind: QEvent.Type, scan_code: int = 25, *, repeated: bool = False) -> QKeyEvent:
    modifiers = Qt.KeyboardModifier.NoModifier
    return QKeyEvent(kind, Qt.Key.Key_W, modifiers, scan_code, 0, 0, "w", repeated)


DOWN, UP = QEvent.Type.KeyPress, QEvent.Type.KeyRelease


def test_a_press_of_a_key_that_is_down_is_a_repeat_with_and_without_the_flag() -> None:
    keys = KeysDown()
    assert keys.press(event(DOWN))
    assert not keys.press(event(DOWN))
    assert not keys.press(event(DOWN, repeated=True))
    assert not keys.release(event(UP, repeated=True))
    assert keys.is_repeat(event(DOWN))
    assert keys.press(event(DOWN, 26))
    assert keys.release(event(UP))
    assert keys.press(event(DOWN)), "it was released in between"


def test_anything_down_counts_until_it_is_released_or_cannot_be_seen() -> None:
    keys = KeysDown()
    keys.press(event(DOWN))
    keys.set_button(Qt.MouseButton.RightButton, True)
    keys.release(event(UP))
    keys.release(event(UP))
    down = [keys.any]
    keys.set_button(Qt.MouseButton.RightButton, False)
    down.append(keys.any)
    keys.press(event(DOWN))
    keys.set_button(Qt.MouseButton.LeftButton, True)
    down.append(keys.any)
    keys.forget()
    down.append(keys.any)
    assert down == [True, False, True, False]
