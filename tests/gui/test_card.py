"""Cards ignore presses that were meant for the game, and show all of their text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from helpers.fake_port import FakeClock
from rejoin.gui.card import UNARMED_S, Card
from rejoin.gui.labels import label, set_text


class Rig:
    """A card with two buttons over a plain widget."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.pressed: list[str] = []
        self.ground = QWidget()
        self.ground.resize(800, 600)
        self.card = Card(self.clock, self.ground)
        self.card.resize(800, 600)
        self.text = label()
        self.card.body.addWidget(self.text)
        self.first = self.card.button("First", "primary", lambda: self.pressed.append("first"))
        self.second = self.card.button("Second", "", lambda: self.pressed.append("second"))
        self.card.row.addWidget(self.first)
        self.card.row.addWidget(self.second)
        self.ground.show()
        self.card.appear()


@pytest.fixture
def rig(application: QApplication) -> Iterator[Rig]:
    made = Rig()
    application.processEvents()
    yield made
    made.ground.close()


@pytest.mark.parametrize(
    "key", [Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Select]
)
def test_a_press_meant_for_the_game_is_ignored(rig: Rig, key: Qt.Key) -> None:
    QTest.keyClick(rig.first, key)
    QTest.mouseClick(rig.first, Qt.MouseButton.LeftButton)
    assert rig.pressed == []
    rig.clock.now += UNARMED_S
    QTest.keyClick(rig.first, key)
    assert rig.pressed == ["first"]
    QTest.mouseClick(rig.first, Qt.MouseButton.LeftButton)
    assert rig.pressed == ["first", "first"]


def test_a_key_held_down_presses_nothing(rig: Rig) -> None:
    rig.clock.now += 1
    for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
        event = QKeyEvent(
            kind, Qt.Key.Key_Space.value, Qt.KeyboardModifier.NoModifier, " ", autorep=True
        )
        QApplication.sendEvent(rig.first, event)
    assert rig.pressed == []


def test_tab_and_arrows_move_the_focus_once_the_card_is_armed(rig: Rig) -> None:
    rig.first.setFocus()
    QTest.keyClick(rig.first, Qt.Key.Key_Tab)
    assert rig.ground.focusWidget() is rig.first
    rig.clock.now += 1
    QTest.keyClick(rig.first, Qt.Key.Key_Tab)
    assert rig.ground.focusWidget() is rig.second
    QTest.keyClick(rig.second, Qt.Key.Key_Left)
    assert rig.ground.focusWidget() is rig.first


def test_it_stays_in_the_middle_and_grows_with_its_text(rig: Rig) -> None:
    before = rig.card.panel.geometry()
    assert abs(before.center().x() - 400) <= 1
    assert abs(before.center().y() - 300) <= 1
    set_text(rig.text, "A long text. " * 40)
    rig.card.place()
    after = rig.card.panel.geometry()
    assert after.height() > before.height()
    assert abs(after.center().y() - 300) <= 1
    assert rig.text.height() >= rig.text.heightForWidth(rig.text.width())


def test_a_card_that_is_visible_already_stays_armed(rig: Rig) -> None:
    rig.clock.now += 1
    rig.card.appear()
    QTest.keyClick(rig.first, Qt.Key.Key_Space)
    assert rig.pressed == ["first"]


def test_buttons_that_cannot_be_reached_are_not_listed(rig: Rig) -> None:
    assert rig.card.buttons() == [rig.first, rig.second]
    rig.first.setEnabled(False)
    assert rig.card.buttons() == [rig.second]
    rig.second.hide()
    assert rig.card.buttons() == []


def test_buttons_have_names_for_screen_readers(rig: Rig) -> None:
    assert [b.accessibleName() for b in (rig.first, rig.second)] == ["First", "Second"]
