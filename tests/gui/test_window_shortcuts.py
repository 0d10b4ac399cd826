"""Every shortcut has something that it does."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from helpers.menu_scene import CTRL_ALT, playing
from helpers.window_faces import destroy
from rejoin.core.events import ReconnectRequested
from rejoin.gui.control_options import ControlOptions, SystemKeysMode
from rejoin.gui.mouse_capture import FreedByKeys
from rejoin.gui.shortcuts import Condition, ShortcutAction, Shortcuts
from rejoin.gui.system_keys import SystemKeys
from rejoin.gui.window_options import WindowOptions


def test_every_action_does_something_and_volume_keys_give_the_mouse_back(
    application: QApplication,
) -> None:
    window, port, _ = playing()
    assert set(window.shortcuts) == set(ShortcutAction)
    window.run_shortcut(ShortcutAction.RECONNECT)
    assert [type(each) for each in port.events] == [ReconnectRequested]
    window.capture_mouse()
    window.controls.free(FreedByKeys())
    window.run_shortcut(ShortcutAction.TOGGLE_SOUND)
    assert port.sound().silent
    assert window.mouse.captured
    window.run_shortcut(ShortcutAction.OPEN_MENU)
    assert window.menu.is_open
    destroy(window)


@pytest.mark.parametrize(
    "action",
    [
        ShortcutAction.TOGGLE_FULL_SCREEN,
        ShortcutAction.TOGGLE_STATISTICS,
        ShortcutAction.LOUDER,
        ShortcutAction.TOGGLE_MICROPHONE,
    ],
)
def test_a_shortcut_that_begins_with_the_way_out_gives_mouse_and_keyboard_back(
    application: QApplication, action: ShortcutAction
) -> None:
    shortcuts = Shortcuts.of({action: "Ctrl+Alt+F9"})
    controls = ControlOptions(shortcuts, system_keys=SystemKeysMode.ALWAYS)
    window, port, _ = playing(options=WindowOptions(controls=controls))
    window.conditions = lambda: frozenset(Condition)  # type: ignore[method-assign]
    desktop = Desktop()
    window.controls.system_keys = SystemKeys(window, SystemKeysMode.ALWAYS, desktop)
    window.capture_mouse()
    window.refresh()
    for last, taken in ((Qt.Key.Key_F9, True), (Qt.Key.Key_W, False)):
        window.setFocus()
        QTest.keyPress(window, Qt.Key.Key_Control)
        QTest.keyPress(window, Qt.Key.Key_Alt, Qt.KeyboardModifier.ControlModifier)
        assert not window.mouse.captured
        assert not desktop.has_keys
        QTest.keyPress(window, last, CTRL_ALT)
        for key in (last, Qt.Key.Key_Alt, Qt.Key.Key_Control):
            QTest.keyRelease(window, key)
        assert window.mouse.captured is taken
        assert desktop.has_keys is taken
    assert not port.held[-1].anything
    destroy(window)


class Desktop:
    """Whose keys a game can have."""

    def __init__(self) -> None:
        self.has_keys = False

    def inhibit_shortcuts(self, window: QWidget) -> bool:
        self.has_keys = True
        return True

    def allow_shortcuts(self) -> None:
        self.has_keys = False
