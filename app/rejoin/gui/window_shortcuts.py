"""What each shortcut does in a game's window."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rejoin.core.events import ReconnectRequested
from rejoin.gui.mouse_capture import FreedByKeys
from rejoin.gui.note_keeper import NoteKeeper
from rejoin.gui.shortcuts import ShortcutAction

if TYPE_CHECKING:
    from rejoin.gui.main_window import RejoinWindow


def shortcuts_of(
    window: RejoinWindow, notes: NoteKeeper, drop: Callable[[], None] | None
) -> dict[ShortcutAction, Callable[[], None]]:
    """For every action what it does. `drop`: drops the connection, in a demo alone."""
    bridge, practice = window.bridge, window.practice

    def keeping_mouse(act: Callable[[], None]) -> Callable[[], None]:
        """If Ctrl+Alt, which belong to a shortcut, have freed mouse and keyboard, the game gets
        them again."""

        def run() -> None:
            freed_by_keys = isinstance(window.mouse.state, FreedByKeys)
            act()
            window.controls.take_keyboard_again()
            if freed_by_keys:
                window.capture_mouse()
            window.refresh()

        return run

    return {
        ShortcutAction.OPEN_MENU: window.menu.toggle,
        ShortcutAction.TOGGLE_FULL_SCREEN: keeping_mouse(window.controls.full_screen.toggle),
        ShortcutAction.TOGGLE_STATISTICS: keeping_mouse(window.layers.stats.toggle),
        ShortcutAction.TOGGLE_SOUND: keeping_mouse(
            lambda: notes.change_sound(bridge.sound().toggled())
        ),
        ShortcutAction.LOUDER: keeping_mouse(lambda: notes.change_sound(bridge.sound().louder())),
        ShortcutAction.QUIETER: keeping_mouse(lambda: notes.change_sound(bridge.sound().quieter())),
        ShortcutAction.SAVE_PICTURE: keeping_mouse(window.files.save_picture),
        ShortcutAction.TOGGLE_MICROPHONE: keeping_mouse(window.microphone.toggle),
        ShortcutAction.TALK: keeping_mouse(window.microphone.toggle),
        ShortcutAction.RECONNECT: lambda: bridge.post(ReconnectRequested()),
        ShortcutAction.DROP_CONNECTION: drop or _nothing,
        ShortcutAction.PRACTICE_DROP: _nothing if practice is None else practice.toggle,
        ShortcutAction.SET_MARKER: _nothing if practice is None else practice.mark,
        ShortcutAction.FREE_MOUSE: window.refresh,
    }


def _nothing() -> None:
    """Where a window does not have it."""
