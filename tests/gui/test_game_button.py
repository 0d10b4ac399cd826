"""A button over the game: nothing that the mouse does on it reaches what is behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QPointingDevice, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from helpers.fake_port import FakeClock
from helpers.window_faces import NOW
from rejoin.gui.game_button import GameButton
from rejoin.language import mark

UNARMED_S = 0.5


class Behind(QWidget):
    """Notes what arrives behind the button."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived: list[str] = []

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.arrived.append("press")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.arrived.append("release")

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.arrived.append("double")

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.arrived.append("wheel")


class Rig:
    """The button over a window."""

    def __init__(self) -> None:
        self.clock = FakeClock(NOW)
        self.window = Behind()
        self.window.resize(300, 200)
        self.button = GameButton(mark("Menu"), self.clock, UNARMED_S, parent=self.window)
        self.button.adjustSize()
        self.pressed: list[float] = []
        self.button.clicked.connect(lambda: self.pressed.append(self.clock.now))
        self.window.show()

    def show(self) -> None:
        self.button.show_now(True, self.clock.now)


@pytest.fixture
def rig(application: QApplication) -> Iterator[Rig]:
    made = Rig()
    yield made
    made.window.close()


def test_a_click_counts_once_the_button_has_been_there_for_a_moment(rig: Rig) -> None:
    assert not rig.button.isVisible()
    rig.show()
    QTest.mouseClick(rig.button, Qt.MouseButton.LeftButton)
    assert rig.pressed == []
    rig.clock.now += UNARMED_S
    rig.show()  # it is there already: that counts from when it appeared
    QTest.mouseClick(rig.button, Qt.MouseButton.LeftButton)
    assert rig.pressed == [rig.clock.now]
    rig.button.show_now(False, rig.clock.now)
    rig.show()
    QTest.mouseClick(rig.button, Qt.MouseButton.LeftButton)
    assert len(rig.pressed) == 1, "it has just appeared again"


@pytest.mark.parametrize("armed", [True, False])
def test_no_button_of_the_mouse_and_no_wheel_reach_what_is_behind_it(
    application: QApplication, rig: Rig, armed: bool
) -> None:
    rig.show()
    rig.clock.now += UNARMED_S if armed else 0.0
    for button in (
        Qt.MouseButton.LeftButton,
        Qt.MouseButton.RightButton,
        Qt.MouseButton.MiddleButton,
        Qt.MouseButton.BackButton,
    ):
        QTest.mouseClick(rig.button, button)
        QTest.mouseDClick(rig.button, button)
    middle = QPointF(rig.button.rect().center())
    application.sendEvent(
        rig.button,
        QWheelEvent(
            middle,
            QPointF(rig.button.mapToGlobal(middle)),
            QPoint(),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        ),
    )
    assert rig.window.arrived == []
    QTest.mouseClick(rig.window, Qt.MouseButton.RightButton, pos=QPoint(250, 150))
    assert rig.window.arrived == ["press", "release"], "beside the button it does"


def test_it_takes_no_focus(rig: Rig) -> None:
    rig.show()
    assert rig.button.focusPolicy() is Qt.FocusPolicy.NoFocus


@pytest.fixture
def screen(application: QApplication) -> QPointingDevice:
    return QTest.createTouchDevice()


def tap(rig: Rig, screen: QPointingDevice, *, leaves: bool = False) -> None:
    at = rig.button.geometry().center()
    up = QPoint(250, 150) if leaves else at
    QTest.touchEvent(rig.window, screen).press(0, at, rig.window).commit()
    if leaves:
        QTest.touchEvent(rig.window, screen).move(0, up, rig.window).commit()
    QTest.touchEvent(rig.window, screen).release(0, up, rig.window).commit()
    QApplication.processEvents()


def test_a_finger_presses_it_and_is_no_mouse_for_what_is_behind(
    rig: Rig, screen: QPointingDevice
) -> None:
    rig.show()
    tap(rig, screen)
    assert rig.pressed == [], "it has just appeared"
    rig.clock.now += UNARMED_S
    tap(rig, screen, leaves=True)
    assert rig.pressed == [], "the finger was lifted elsewhere"
    tap(rig, screen)
    assert rig.pressed == [rig.clock.now]
    assert not rig.button.isDown()
    assert rig.window.arrived == []


def test_a_finger_presses_it_while_the_mouse_is_grabbed(rig: Rig, screen: QPointingDevice) -> None:
    rig.show()
    rig.clock.now += UNARMED_S
    rig.window.grabMouse()
    try:
        tap(rig, screen)
    finally:
        rig.window.releaseMouse()
    assert rig.pressed == [rig.clock.now]
    assert rig.window.arrived == []
