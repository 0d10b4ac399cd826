"""Shortcuts: their keys, when they work, and what is written about them."""

from __future__ import annotations

import itertools

import pytest
from PySide6.QtCore import Qt

from rejoin.gui import shortcuts, texts
from rejoin.gui.shortcuts import SHORTCUTS, Condition, ShortcutAction, find

NONE = Qt.KeyboardModifier.NoModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
ALL = frozenset(Condition)


@pytest.mark.parametrize(
    ("key", "modifiers", "action"),
    [
        (Qt.Key.Key_F11, NONE, ShortcutAction.TOGGLE_FULL_SCREEN),
        (Qt.Key.Key_F11, SHIFT, ShortcutAction.TOGGLE_FULL_SCREEN),
        (Qt.Key.Key_Return, ALT, ShortcutAction.TOGGLE_FULL_SCREEN),
        (Qt.Key.Key_Enter, ALT | CONTROL, ShortcutAction.TOGGLE_FULL_SCREEN),
        (Qt.Key.Key_Return, NONE, None),
        (Qt.Key.Key_S, CONTROL | ALT, ShortcutAction.TOGGLE_STATISTICS),
        (Qt.Key.Key_S, CONTROL, None),
        (Qt.Key.Key_S, ALT, None),
        (Qt.Key.Key_M, CONTROL | ALT, ShortcutAction.TOGGLE_SOUND),
        (Qt.Key.Key_Up, CONTROL | ALT | SHIFT, ShortcutAction.LOUDER),
        (Qt.Key.Key_Down, CONTROL | ALT, ShortcutAction.QUIETER),
        (Qt.Key.Key_Up, NONE, None),
        (Qt.Key.Key_R, CONTROL | ALT, ShortcutAction.RECONNECT),
        (Qt.Key.Key_R, NONE, None),
        (Qt.Key.Key_R, CONTROL, None),
        (Qt.Key.Key_R, ALT, None),
        (Qt.Key.Key_F8, NONE, ShortcutAction.DROP_CONNECTION),
        (Qt.Key.Key_Alt, CONTROL, ShortcutAction.FREE_MOUSE),
        (Qt.Key.Key_AltGr, CONTROL, ShortcutAction.FREE_MOUSE),
        (Qt.Key.Key_Control, ALT, ShortcutAction.FREE_MOUSE),
        (Qt.Key.Key_Control, NONE, None),
        (Qt.Key.Key_Alt, ALT, None),
        (Qt.Key.Key_W, CONTROL | ALT, None),
    ],
)
def test_keys_find_their_shortcut(
    key: Qt.Key, modifiers: Qt.KeyboardModifier, action: ShortcutAction | None
) -> None:
    found = find(key, modifiers, ALL)
    assert (found.action if found else None) is action


@pytest.mark.parametrize("shortcut", SHORTCUTS, ids=lambda shortcut: shortcut.action.value)
def test_a_shortcut_works_only_under_its_conditions(shortcut: shortcuts.Shortcut) -> None:
    for size in range(len(ALL) + 1):
        for conditions in map(frozenset, itertools.combinations(ALL, size)):
            for keys in shortcut.keys:
                found = find(keys.key, keys.modifiers, conditions)
                assert (found is shortcut) is (shortcut.needs <= conditions)
                assert found in (shortcut, None)


def test_every_action_has_one_shortcut() -> None:
    assert sorted(s.action.value for s in SHORTCUTS) == sorted(a.value for a in ShortcutAction)


def test_only_volume_keys_repeat_while_held() -> None:
    repeating = {shortcut.action for shortcut in SHORTCUTS if shortcut.repeats}
    assert repeating == {ShortcutAction.LOUDER, ShortcutAction.QUIETER}


def test_hints_and_tool_tips_name_the_keys_that_work() -> None:
    assert shortcuts.FREE_MOUSE.hint == "Ctrl+Alt: free the mouse"
    assert shortcuts.DROP.hint == "F8: drop the connection"
    assert shortcuts.SOUND.label in texts.SOUND_SWITCH_HINT
    assert shortcuts.RECONNECT.label in texts.RECONNECT_HINT
    for shortcut in (shortcuts.LOUDER, shortcuts.QUIETER):
        assert shortcut.label in texts.VOLUME_HINT
