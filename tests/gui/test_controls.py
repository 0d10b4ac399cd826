"""The player's keyboard and mouse in a window, with choices of the player's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.fake_port import FakeClock, FakePort, picture
from helpers.window_faces import LIVE, NOW, destroy, words
from rejoin.gui.control_options import ControlOptions, MouseOptions
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.window_options import WindowOptions
from rejoin.input_events.events import Button, PointerButton

Open = Callable[[ControlOptions], tuple[RejoinWindow, FakePort]]


@pytest.fixture
def open_window(application: QApplication) -> Iterator[Open]:
    made: list[RejoinWindow] = []

    def open_it(options: ControlOptions) -> tuple[RejoinWindow, FakePort]:
        port = FakePort()
        window = RejoinWindow(port, WindowOptions(controls=options), clock=FakeClock(NOW))
        made.append(window)
        window.resize(1280, 720)
        window.show()
        port.show(picture(1280, 720))
        port.publish(LIVE)
        QApplication.processEvents()
        return window, port

    yield open_it
    for window in made:
        destroy(window)


def buttons(port: FakePort) -> list[tuple[Button, int]]:
    """Each button that changed, and what is held after it."""
    events = [event for event in port.inputs if isinstance(event, PointerButton)]
    return [(event.button, event.buttons) for event in events]


def click(window: RejoinWindow, button: Qt.MouseButton = Qt.MouseButton.LeftButton) -> None:
    QTest.mouseClick(window.layers.view, button, pos=QPoint(200, 200))
    QApplication.processEvents()


def test_swapped_buttons_reach_the_game_swapped(open_window: Open) -> None:
    window, port = open_window(ControlOptions(mouse=MouseOptions(swap_buttons=True)))
    click(window)
    click(window, Qt.MouseButton.RightButton)
    assert buttons(port) == [
        (Button.RIGHT, 2),
        (Button.RIGHT, 0),
        (Button.LEFT, 1),
        (Button.LEFT, 0),
    ]


def test_a_mouse_that_is_never_captured_is_refused_to_the_module(open_window: Open) -> None:
    window, port = open_window(ControlOptions(mouse=MouseOptions(capture=False)))
    click(window)
    assert not window.mouse.captured
    assert len(port.views) >= 2, "a refusal is answered with the view as it is"
    assert not any(view.captured for view in port.views)
    assert (port.held[-1].x, port.held[-1].y) == (200, 200), "the game sees where the pointer is"


def test_the_way_out_is_shown_as_long_as_the_game_has_the_mouse(open_window: Open) -> None:
    window, _port = open_window(ControlOptions())
    assert "Ctrl+Alt: free the mouse" not in words(window)
    click(window)
    assert window.mouse.captured
    assert "Ctrl+Alt: free the mouse" in words(window)
    window.release_mouse()
    assert "Ctrl+Alt: free the mouse" not in words(window)


def key(
    key: Qt.Key, scan_code: int, modifiers: Qt.KeyboardModifier, *, pressed: bool = True
) -> QKeyEvent:
    kind = QEvent.Type.KeyPress if pressed else QEvent.Type.KeyRelease
    return QKeyEvent(kind, int(key), modifiers, scan_code, 0, 0)


def test_alt_gr_as_windows_sends_it_frees_no_mouse(
    open_window: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its left Ctrl and its right Alt. Windows itself was not run."""
    window, port = open_window(ControlOptions())
    window.capture_mouse()
    monkeypatch.setattr(QGuiApplication, "platformName", staticmethod(lambda: "windows"))
    none, control = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
    both = control | Qt.KeyboardModifier.AltModifier
    for event in (
        key(Qt.Key.Key_Control, 0x1D, none),
        key(Qt.Key.Key_Alt, 0x138, control),
        key(Qt.Key.Key_S, 0x1F, both),
    ):
        QApplication.sendEvent(window.layers.view, event)
    assert window.mouse.captured
    assert window.layers.stats.isHidden()
    assert port.codes == {"ControlLeft", "AltRight", "KeyS"}
    for event in (
        key(Qt.Key.Key_S, 0x1F, both, pressed=False),
        key(Qt.Key.Key_Control, 0x1D, both, pressed=False),
        key(Qt.Key.Key_Alt, 0x138, none, pressed=False),
        key(Qt.Key.Key_Control, 0x1D, none),
        key(Qt.Key.Key_Alt, 0x38, control),
    ):
        QApplication.sendEvent(window.layers.view, event)
    assert not window.mouse.captured, "the left Alt is no AltGr"
