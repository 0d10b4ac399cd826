"""Shortcuts: their keys, when they work, and what is written about them."""

from __future__ import annotations

import itertools

import pytest

from rejoin.gui.shortcuts import SHORTCUTS, Condition, Pressed, Shortcut, ShortcutAction, Shortcuts
from rejoin.input_events.chords import ChordError, Held

A = ShortcutAction
CTRL, ALT, SHIFT, META = Held.CTRL, Held.ALT, Held.SHIFT, Held.META
ALL = frozenset(Condition)


def pressed(key: str, *modifiers: Held) -> Pressed:
    return Pressed(key, frozenset(modifiers))


@pytest.mark.parametrize(
    ("press", "action"),
    [
        (pressed("F11"), A.TOGGLE_FULL_SCREEN),
        (pressed("F11", SHIFT), A.TOGGLE_FULL_SCREEN),
        (pressed("Enter", ALT), A.TOGGLE_FULL_SCREEN),
        (pressed("Enter", ALT, CTRL), A.TOGGLE_FULL_SCREEN),
        (pressed("Enter"), None),
        (pressed("S", CTRL, ALT), A.TOGGLE_STATISTICS),
        (pressed("S", CTRL), None),
        (pressed("S", ALT), None),
        (pressed("M", CTRL, ALT), A.TOGGLE_SOUND),
        (pressed("Up", CTRL, ALT, SHIFT), A.LOUDER),
        (pressed("Down", CTRL, ALT), A.QUIETER),
        (pressed("Up"), None),
        (pressed("R", CTRL, ALT), A.RECONNECT),
        (pressed("R", CTRL), None),
        (pressed("D", CTRL, ALT), A.DROP_CONNECTION),
        (pressed("F8"), None),
        (pressed("", CTRL, ALT), A.FREE_MOUSE),
        (pressed("", CTRL, ALT, SHIFT), A.FREE_MOUSE),
        (pressed("", CTRL), None),
        (pressed("", ALT), None),
        (pressed("W", CTRL, ALT), None),
    ],
)
def test_keys_find_their_shortcut(press: Pressed, action: ShortcutAction | None) -> None:
    found = Shortcuts().find(press, ALL)
    assert (found.action if found else None) is action


@pytest.mark.parametrize("shortcut", SHORTCUTS, ids=lambda shortcut: shortcut.action.value)
def test_a_shortcut_works_only_under_its_conditions(shortcut: Shortcut) -> None:
    shortcuts = Shortcuts()
    for size in range(len(ALL) + 1):
        for conditions in map(frozenset, itertools.combinations(ALL, size)):
            for chord in shortcuts.keys[shortcut.action]:
                found = shortcuts.find(Pressed(chord.key, chord.modifiers), conditions)
                assert (found is shortcut) is (shortcut.needs <= conditions)
                assert found in (shortcut, None)


def test_every_action_has_one_shortcut() -> None:
    assert sorted(s.action.value for s in SHORTCUTS) == sorted(a.value for a in ShortcutAction)


def test_only_volume_keys_repeat_while_held() -> None:
    repeating = {shortcut.action for shortcut in SHORTCUTS if shortcut.repeats}
    assert repeating == {A.LOUDER, A.QUIETER}


def test_no_default_takes_a_key_that_games_need() -> None:
    """Only what a page in a browser never gets: F11 (the browser's full screen), or two keys. And
    ScrollLock, which is the game's unless the player has chosen push-to-talk."""
    for chords in Shortcuts().keys.values():
        for chord in chords:
            assert str(chord) in ("F11", "ScrollLock") or chord.modifiers & {CTRL, ALT, META}


def test_keys_can_be_changed_and_taken_away() -> None:
    shortcuts = Shortcuts.of({A.TOGGLE_SOUND: "F9, ctrl+shift+p", A.LOUDER: "none"})
    for press in (pressed("F9"), pressed("P", CTRL, SHIFT)):
        found = shortcuts.find(press, ALL)
        assert found is not None
        assert found.action is A.TOGGLE_SOUND
    assert shortcuts.find(pressed("M", CTRL, ALT), ALL) is None
    assert shortcuts.find(pressed("Up", CTRL, ALT), ALL) is None
    assert shortcuts.find(pressed("Down", CTRL, ALT), ALL) is not None
    assert shortcuts.label(A.TOGGLE_SOUND) == "F9 or Ctrl+Shift+P"
    assert shortcuts.hint(A.LOUDER) == ""
    with pytest.raises(ChordError):
        Shortcuts.of({A.TOGGLE_SOUND: "W"})


def test_of_two_that_fit_the_one_with_more_modifiers_is_meant() -> None:
    shortcuts = Shortcuts.of({A.TOGGLE_SOUND: "F9", A.TOGGLE_STATISTICS: "Shift+F9"})
    for press, action in (
        (pressed("F9"), A.TOGGLE_SOUND),
        (pressed("F9", CTRL), A.TOGGLE_SOUND),
        (pressed("F9", SHIFT), A.TOGGLE_STATISTICS),
    ):
        found = shortcuts.find(press, ALL)
        assert found is not None
        assert found.action is action


def test_hints_name_the_keys_that_work() -> None:
    assert Shortcuts().hint(A.TOGGLE_FULL_SCREEN) == "F11 or Alt+Enter: full screen"
    assert Shortcuts().hint(A.DROP_CONNECTION) == "Ctrl+Alt+D: drop the connection"


@pytest.mark.parametrize("action", [each for each in A if each is not A.FREE_MOUSE])
@pytest.mark.parametrize("keys", ["Ctrl+Alt", "Ctrl+Alt+F9"])
def test_no_other_shortcut_takes_the_keys_of_the_way_out(action: ShortcutAction, keys: str) -> None:
    shortcuts = Shortcuts.of({action: keys, A.FREE_MOUSE: keys})
    press = pressed(keys.removeprefix("Ctrl+Alt").removeprefix("+"), CTRL, ALT)
    found = shortcuts.find(press, ALL)
    assert found is not None
    assert found.action is A.FREE_MOUSE
    found = shortcuts.find(press, ALL - {Condition.MOUSE_CAPTURED})
    assert found is not None
    assert found.action is action
