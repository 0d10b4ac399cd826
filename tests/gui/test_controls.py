"""The player's keyboard and mouse in a window, with choices of the player's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QInputMethodEvent, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.fake_pads import FakePads
from helpers.fake_port import FakeClock, FakePort, picture
from helpers.window_faces import LIVE, NOW, destroy, words
from rejoin.gamepads.choices import PadChoices
from rejoin.gui.control_options import ControlOptions, MouseOptions, SystemKeysMode, TouchMode
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.shortcuts import ShortcutAction, Shortcuts
from rejoin.gui.window_options import WindowOptions
from rejoin.input_events.events import Button, PointerButton, ReleaseAll, Wheel

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


# --- changed while the game runs ------------------------------------------------------------------


def use(window: RejoinWindow, options: ControlOptions, pads: PadChoices = PadChoices()) -> None:  # noqa: B008 frozen
    window.use_controls(options, pads)
    QApplication.processEvents()


def test_swapped_buttons_count_at_once_and_what_was_held_is_released(open_window: Open) -> None:
    window, port = open_window(ControlOptions())
    QTest.mousePress(window.layers.view, Qt.MouseButton.LeftButton, pos=QPoint(200, 200))
    use(window, ControlOptions(mouse=MouseOptions(swap_buttons=True)))
    assert isinstance(port.inputs[-1], ReleaseAll)
    QTest.mouseRelease(window.layers.view, Qt.MouseButton.LeftButton, pos=QPoint(200, 200))
    port.inputs.clear()
    click(window)
    assert buttons(port) == [(Button.RIGHT, 2), (Button.RIGHT, 0)]


def test_the_wheel_turns_the_other_way_at_once(open_window: Open) -> None:
    window, port = open_window(ControlOptions())
    window.inputs.wheel((0, 120), QPointF(5, 5))
    use(window, ControlOptions(mouse=MouseOptions(reverse_scroll=True)))
    window.inputs.wheel((0, 120), QPointF(5, 5))
    turns = [event.turn_y for event in port.inputs if isinstance(event, Wheel)]
    assert turns == [120, -120]


def test_a_mouse_that_the_game_may_not_have_any_more_is_freed(open_window: Open) -> None:
    window, port = open_window(ControlOptions())
    window.capture_mouse()
    before = window.mouse.captured
    use(window, ControlOptions(mouse=MouseOptions(capture=False)))
    assert (before, window.mouse.captured) == (True, False)
    click(window)
    assert not window.mouse.captured
    assert any(isinstance(event, PointerButton) for event in port.inputs)


def test_the_speed_of_a_captured_mouse_changes_at_once(open_window: Open) -> None:
    window, port = open_window(ControlOptions())
    window.capture_mouse()
    window.mouse.nudge(10.0, 0.0)
    port.inputs.clear()
    travelled: list[tuple[int, int]] = []
    use(window, ControlOptions(mouse=MouseOptions(sensitivity=3.0)))
    window.mouse._travelled = lambda dx, dy: travelled.append((dx, dy))
    window.mouse.nudge(10.0, 0.0)
    assert travelled == [(30, 0)]


def test_a_shortcut_has_its_new_keys_at_once_and_hints_name_them(open_window: Open) -> None:
    window, _ = open_window(ControlOptions())
    shortcuts = Shortcuts.of(
        {ShortcutAction.FREE_MOUSE: "Ctrl+Shift", ShortcutAction.OPEN_MENU: "F9"}
    )
    use(window, ControlOptions(shortcuts))
    window.capture_mouse()
    window.refresh()
    assert "Ctrl+Shift" in window.layers.corners.free_mouse_hint.text()
    QTest.keyClick(window.layers.view, Qt.Key.Key_F9)
    assert window.menu.is_open


def test_fingers_keys_of_the_desktop_and_gamepads_hear_of_it(application: QApplication) -> None:
    pads = FakePads()
    window = RejoinWindow(FakePort(), WindowOptions(pads=pads), clock=FakeClock(NOW))
    options = ControlOptions(touch=TouchMode.TRACKPAD, system_keys=SystemKeysMode.ALWAYS)
    use(window, options, PadChoices(swap_ab=True))
    assert pads.choices == PadChoices(swap_ab=True)
    assert window.controls.system_keys.mode is SystemKeysMode.ALWAYS
    destroy(window)


def test_no_input_method_or_dead_key_takes_a_key_from_the_game(open_window: Open) -> None:
    """Qt asks one only where text is accepted; the game gets positions."""
    window, port = open_window(ControlOptions())
    view = window.layers.view
    assert window.focusWidget() is view
    assert not view.inputMethodQuery(Qt.InputMethodQuery.ImEnabled)
    assert not view.testAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled)
    chosen = QInputMethodEvent()
    chosen.setCommitString("\u65e5\u672c")
    QApplication.sendEvent(view, chosen)
    assert port.inputs == []
