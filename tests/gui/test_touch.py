"""Touches of Qt's: as the pointer they are left to Qt, as a trackpad they move it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QPointingDevice
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.fake_port import FakeClock, FakePort, picture
from helpers.window_faces import LIVE, NOW, destroy, wait_until
from rejoin.gui.control_options import ControlOptions, MouseOptions, TouchMode
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.window_options import WindowOptions
from rejoin.input_events.events import Button, PointerButton, PointerMove

Open = Callable[[TouchMode], tuple[RejoinWindow, FakePort]]


@pytest.fixture
def screen(application: QApplication) -> QPointingDevice:
    return QTest.createTouchDevice()


@pytest.fixture
def open_window(application: QApplication) -> Iterator[Open]:
    made: list[RejoinWindow] = []

    def open_it(mode: TouchMode) -> tuple[RejoinWindow, FakePort]:
        port = FakePort(locks_pointer=False)
        options = ControlOptions(mouse=MouseOptions(sensitivity=2.0), touch=mode)
        window = RejoinWindow(port, WindowOptions(controls=options), clock=FakeClock(NOW))
        made.append(window)
        window.resize(1280, 720)
        window.show()
        port.show(picture(1280, 720))
        port.publish(LIVE)
        QApplication.processEvents()
        assert window.inputs.is_open
        return window, port

    yield open_it
    for window in made:
        destroy(window)


def slide(
    window: RejoinWindow, screen: QPointingDevice, start: QPoint, end: QPoint, fingers: int = 1
) -> None:
    view = window.layers.view

    def place(at: QPoint, number: int) -> QPoint:
        return at + QPoint(40 * number, 0)

    down = QTest.touchEvent(view, screen)
    for number in range(fingers):
        down.press(number, place(start, number), view)
    down.commit()
    if end != start:
        way = QTest.touchEvent(view, screen)
        for number in range(fingers):
            way.move(number, place(end, number), view)
        way.commit()
    up = QTest.touchEvent(view, screen)
    for number in range(fingers):
        up.release(number, place(end, number), view)
    up.commit()
    QApplication.processEvents()


def place(port: FakePort) -> tuple[float, float]:
    """Where the pointer is."""
    return port.held[-1].x, port.held[-1].y


def buttons(port: FakePort) -> list[tuple[Button, bool]]:
    return [
        (event.button, event.pressed) for event in port.inputs if isinstance(event, PointerButton)
    ]


def test_as_a_pointer_it_is_where_the_finger_is(open_window: Open, screen: QPointingDevice) -> None:
    window, port = open_window(TouchMode.POINTER)
    slide(window, screen, QPoint(300, 200), QPoint(400, 260))
    assert buttons(port) == [(Button.LEFT, True), (Button.LEFT, False)]
    pressed = next(event for event in port.inputs if isinstance(event, PointerButton))
    assert (pressed.x, pressed.y) == (300, 200)
    assert place(port) == (400, 260)


def test_as_a_trackpad_it_moves_the_pointer_and_holds_nothing(
    open_window: Open, screen: QPointingDevice
) -> None:
    window, port = open_window(TouchMode.TRACKPAD)
    slide(window, screen, QPoint(300, 200), QPoint(400, 260))
    slide(window, screen, QPoint(300, 200), QPoint(310, 200))
    assert buttons(port) == []
    assert place(port) == (110, 60)
    slide(window, screen, QPoint(700, 200), QPoint(300, 200))
    last = port.inputs[-1]
    assert isinstance(last, PointerMove)
    assert (last.x, last.y, last.dx) == (0, 60, -110), "it stays in the picture"
    slide(window, screen, QPoint(300, 200), QPoint(300, 240), fingers=2)
    assert port.wheel == 120


def test_taps_click_where_the_pointer_is(open_window: Open, screen: QPointingDevice) -> None:
    window, port = open_window(TouchMode.TRACKPAD)
    slide(window, screen, QPoint(300, 200), QPoint(340, 220))
    slide(window, screen, QPoint(500, 500), QPoint(500, 500), fingers=2)
    assert wait_until(lambda: len(buttons(port)) == 2, 60)
    assert buttons(port) == [(Button.RIGHT, True), (Button.RIGHT, False)]
    pressed = next(event for event in port.inputs if isinstance(event, PointerButton))
    assert (pressed.x, pressed.y) == (40, 20)


def test_a_captured_mouse_is_moved_as_by_a_trackpad_in_either_mode(
    open_window: Open, screen: QPointingDevice
) -> None:
    window, port = open_window(TouchMode.POINTER)
    window.capture_mouse()
    slide(window, screen, QPoint(300, 200), QPoint(310, 195))
    moves = [event for event in port.inputs if isinstance(event, PointerMove)]
    assert [(move.dx, move.dy) for move in moves] == [(20, -10)], "with the mouse's sensitivity"
    assert buttons(port) == []


@pytest.mark.parametrize("mode", TouchMode)
def test_with_a_finger_alone_one_comes_to_the_menu_and_back_while_the_game_has_the_mouse(
    open_window: Open, screen: QPointingDevice, mode: TouchMode
) -> None:
    window, port = open_window(mode)
    tab, clock = window.layers.menu_tab, window._clock
    assert isinstance(clock, FakeClock)
    window.capture_mouse()
    window.refresh()
    slide(window, screen, QPoint(300, 300), QPoint(300, 300))
    window.refresh()
    assert tab.isHidden(), "a touch elsewhere is the game's"
    slide(window, screen, QPoint(300, 4), QPoint(300, 4))
    window.refresh()
    assert tab.isVisible()
    clock.now += 1.0
    before = len(port.inputs)
    middle = tab.geometry().center()
    QTest.touchEvent(window, screen).press(0, middle, window).commit()
    QTest.touchEvent(window, screen).release(0, middle, window).commit()
    QApplication.processEvents()
    assert window.menu.is_open
    captured = [window.mouse.captured]
    assert not [e for e in port.inputs[before:] if isinstance(e, PointerButton) and e.pressed]
    window.menu.resume()
    captured.append(window.mouse.captured)
    assert captured == [False, True]
    window.release_mouse()
