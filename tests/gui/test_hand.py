"""What the hand holds: a pad from its first press on, keys from the desktop's first one on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from helpers.window_faces import delete
from rejoin.gamepads.in_hand import PadInHand
from rejoin.gamepads.pad_kinds import PadKind
from rejoin.gui import hand
from rejoin.gui.hand import Hand
from rejoin.gui.languages.choice import speak
from rejoin.gui.pad_keys import send_key


@pytest.fixture
def window(application: QApplication) -> Iterator[QWidget]:
    made = QWidget()
    QPushButton("button", made)
    made.show()
    yield made
    delete(made)


def labels() -> tuple[Hand, str, str]:
    return hand.current(), hand.press_label(), hand.back_label()


def test_at_first_it_holds_keys_as_they_are_printed(application: QApplication) -> None:
    assert labels() == (Hand.KEYS, "Enter", "Esc")
    speak(application, "de")
    try:
        assert labels() == (Hand.KEYS, "Eingabetaste", "Esc")
    finally:
        speak(application, "en")


def test_a_pad_takes_it_and_what_the_pad_presses_is_no_key(window: QWidget) -> None:
    hand.pad_pressed(window)
    assert labels() == (Hand.PAD, "A", "B")
    send_key(window, Qt.Key.Key_Return)
    assert labels() == (Hand.PAD, "A", "B")
    hand.swap_buttons(True)
    assert labels() == (Hand.PAD, "B", "A")


def test_it_names_what_is_printed_on_the_pad_that_it_holds(window: QWidget) -> None:
    hand.pad_is(PadInHand(PadKind.SWITCH))
    assert (labels(), hand.pad()) == ((Hand.KEYS, "Enter", "Esc"), None)
    hand.pad_pressed(window)
    assert labels() == (Hand.PAD, "B", "A")
    hand.swap_buttons(True)
    assert labels() == (Hand.PAD, "A", "B")
    hand.pad_is(PadInHand(PadKind.PLAYSTATION_5))
    assert labels() == (Hand.PAD, "Circle", "Cross")
    hand.no_pad()
    assert labels() == (Hand.KEYS, "Enter", "Esc")


@pytest.mark.parametrize("by", ["key", "click"])
def test_a_key_or_a_click_of_the_desktop_takes_it_back_as_often_as_it_comes(
    window: QWidget, by: str
) -> None:
    for _ in range(2):
        hand.pad_pressed(window.findChildren(QPushButton)[0])
        assert hand.current() is Hand.PAD
        if by == "key":
            QTest.keyClick(window.windowHandle(), Qt.Key.Key_A)
        else:
            QTest.mouseClick(window.windowHandle(), Qt.MouseButton.LeftButton)
        assert hand.current() is Hand.KEYS


def test_a_movement_of_the_mouse_does_not(window: QWidget) -> None:
    hand.pad_pressed(window)
    QTest.mouseMove(window.windowHandle())
    assert hand.current() is Hand.PAD
