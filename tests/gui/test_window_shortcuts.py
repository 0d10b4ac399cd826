"""Every shortcut has something that it does."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication

from helpers.menu_scene import playing
from helpers.window_faces import destroy
from rejoin.core.events import ReconnectRequested
from rejoin.gui.mouse_capture import FreedByKeys
from rejoin.gui.shortcuts import ShortcutAction


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
