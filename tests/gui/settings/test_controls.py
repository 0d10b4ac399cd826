"""The controls answer to mouse and keyboard, show their focus, and leave the wheel to the page."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from helpers.settings_page import usual_theme
from helpers.window_faces import delete, wait_until
from rejoin.gui import roles, theme
from rejoin.gui.roles import Appearance, Role, ThemeChoice
from rejoin.gui.settings.controls import (
    ChoiceBox,
    PercentSlider,
    Switch,
    TwiceButton,
    action_button,
)
from rejoin.runtime.setting_kinds import Value

pytestmark = pytest.mark.usefixtures("application")

VALUES: list[tuple[Value, str]] = [(None, "None"), (5, "Five"), ("six", "Six")]


def wheel(widget: QWidget) -> QWheelEvent:
    event = QWheelEvent(
        QPointF(5, 5),
        QPointF(5, 5),
        QPoint(0, -120),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return event


def test_a_switch_is_switched_by_click_space_and_enter() -> None:
    switch, seen = Switch(), list[bool]()
    switch.toggled.connect(lambda on: seen.append(bool(on)))
    switch.show()
    QTest.mouseClick(switch, Qt.MouseButton.LeftButton)
    for key in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
        QTest.keyClick(switch, key)
    assert seen == [True, False, True, False]
    delete(switch)


def test_a_switch_shows_its_state_and_focus_by_more_than_colour(
    application: QApplication,
) -> None:
    with usual_theme(application):
        switch = Switch()
        switch.resize(switch.sizeHint())
        off = switch.grab().toImage()
        switch.setChecked(True)
        on = switch.grab().toImage()
        left, right = (round(switch.width() * share) for share in (0.3, 0.7))
        middle = switch.height() // 2
        assert off.pixelColor(left, middle).name() == theme.name(Role.QUIET)
        assert on.pixelColor(right, middle).name() == theme.name(Role.ON_ACCENT)
        width = switch.sizeHint().width()
        theme.apply(application, Appearance(ThemeChoice.LIGHT, text_percent=200))
        assert switch.sizeHint().width() > width * 1.8
        light = switch.grab().toImage().pixelColor(left, middle).name()
        assert light == roles.LIGHT.colours[Role.ACCENT]
        delete(switch)


def test_a_choice_says_what_was_picked_and_not_what_was_shown() -> None:
    box, seen = ChoiceBox(), list[object]()
    box.picked.connect(seen.append)
    box.offer(VALUES, 5)
    assert box.currentText() == "Five"
    box.offer(VALUES, None)
    box.offer([*VALUES, (7, "Seven")], 7)
    assert (box.currentText(), box.count(), seen) == ("Seven", 4, [])
    box.show()
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Up)
    assert seen == ["six"]
    QTest.keyClick(box, Qt.Key.Key_Return)
    assert box.view().isVisible()
    QTest.keyClick(box.view(), Qt.Key.Key_Home)
    QTest.keyClick(box.view(), Qt.Key.Key_Return)
    assert seen == ["six", None]
    delete(box)


def test_the_wheel_changes_nothing() -> None:
    box, slider = ChoiceBox(), PercentSlider()
    box.offer(VALUES, None)
    slider.show_percent(50)
    assert not wheel(box).isAccepted()
    assert not wheel(slider.slider).isAccepted()
    assert (box.currentIndex(), slider.slider.value()) == (0, 50)


def test_a_slider_is_saved_when_it_rests() -> None:
    slider, moved, picked = PercentSlider(), list[int](), list[int]()
    slider.moved.connect(moved.append)
    slider.picked.connect(picked.append)
    slider.show_percent(50)
    assert (moved, slider.digits.text()) == ([], "50 %")
    for _ in range(3):
        QTest.keyClick(slider.slider, Qt.Key.Key_Right)
    assert moved == [51, 52, 53]
    slider.show_percent(10)
    assert slider.slider.value() == 53, "it is still being moved"
    assert wait_until(lambda: bool(picked), 30)
    assert picked[-1] == 53
    assert slider.digits.text() == "53 %"
    slider.show_percent(10)
    assert slider.slider.value() == 10


def test_a_button_is_pressed_by_enter() -> None:
    window = QWidget()
    button, seen = action_button("Do it"), list[bool]()
    button.setParent(window)
    button.clicked.connect(lambda: seen.append(True))
    window.show()
    button.setFocus()
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert len(seen) == 1
    assert button.accessibleName() == "Do it"
    delete(window)


def test_what_cannot_be_taken_back_is_pressed_twice() -> None:
    button, seen = TwiceButton("Reset", "Press again"), list[bool]()
    button.confirmed.connect(lambda: seen.append(True))
    button.show()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert (button.text(), button.accessibleName(), seen) == ("Press again", "Press again", [])
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert (button.text(), seen) == ("Reset", [True])
    QTest.keyClick(button, Qt.Key.Key_Space)
    button._patience.timeout.emit()
    assert not button.asks, "it has waited long enough"
    QTest.keyClick(button, Qt.Key.Key_Space)
    QApplication.sendEvent(button, QFocusEvent(QEvent.Type.FocusOut))
    assert not button.asks, "the player has gone on"
    assert seen == [True]
    delete(button)


def test_a_switch_that_a_screen_reader_toggles_is_chosen(application: QApplication) -> None:
    switch, seen = Switch(), list[bool]()
    switch.picked.connect(seen.append)
    switch.show_on(True)
    assert switch.isChecked()
    assert seen == []
    switch.toggle()  # what Qt does for AT-SPI's action; `clicked` is not emitted
    assert seen == [False]
    delete(switch)


def test_the_window_hears_what_is_released_over_an_open_list() -> None:
    """A key may be held since it was pressed in the game."""
    released: list[int] = []

    class Around(QWidget):
        def keyReleaseEvent(self, event: QKeyEvent) -> None:
            released.append(event.key())

    around = Around()
    box = ChoiceBox(around)
    box.offer(VALUES, 5)
    around.show()
    box.showPopup()
    QTest.keyRelease(box.view(), Qt.Key.Key_W)
    assert released == [Qt.Key.Key_W]
    assert box.view().isVisible()
    box.hidePopup()
    delete(around)
