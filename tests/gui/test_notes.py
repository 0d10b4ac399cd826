"""Which notes, hints and controls show over the game, as a table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.window_faces import LIVE, NOW, lost, troubled
from rejoin.core.model import Ending, EndingKind, HealthLevel, Snapshot, Stage, Trouble
from rejoin.gui.limits import WARNING_FOR_S, Limits
from rejoin.gui.mouse_capture import Captured, CaptureState, Free, FreedByDrop, FreedByKeys, Refused
from rejoin.gui.notes import (
    BACK_FOR_S,
    BADGE_AFTER_S,
    CLICK_HINT_FOR_S,
    MENU_TAB_FOR_S,
    PROBLEM_FOR_S,
    SOUND_CONTROL_FOR_S,
    SOUND_NOTE_FOR_S,
    Memory,
    Notes,
    Problem,
    WindowState,
    is_just_back,
    notes,
)
from rejoin.gui.shortcuts import ShortcutAction, Shortcuts
from rejoin.media.audio.volume import SoundChoice

PLAYING = WindowState(takes_input=True)
CAPTURED = WindowState(mouse=Captured(), takes_input=True)
CLICK = "Click to take control"
MENU = "Ctrl+Alt+G: menu"
FREE_HINT = "Ctrl+Alt: free the mouse"
BACK = replace(LIVE, back_at=NOW)
TAB = Notes(shows_menu_tab=True)
TROUBLE = replace(LIVE, health=HealthLevel.STALLED, trouble_since_at=NOW)
NO_SOUND = Memory(problem=Problem("No sound.", NOW))


@pytest.mark.parametrize(
    ("snapshot", "later_s", "memory", "state", "shown"),
    [
        # nothing to show
        (LIVE, 0.0, Memory(), PLAYING, Notes()),
        # trouble shows once it has lasted
        (TROUBLE, BADGE_AFTER_S - 0.01, Memory(), PLAYING, Notes()),
        (TROUBLE, BADGE_AFTER_S, Memory(), PLAYING, Notes(badge="Connection unstable")),
        (replace(TROUBLE, health=HealthLevel.HEALTHY), 9.0, Memory(), PLAYING, Notes()),
        (replace(TROUBLE, trouble_since_at=None), 9.0, Memory(), PLAYING, Notes()),
        # back; the hint to click only if the drop has freed the mouse
        (BACK, 0.0, Memory(), PLAYING, Notes(note=("You're back", ""))),
        (
            BACK,
            BACK_FOR_S - 0.01,
            Memory(),
            replace(PLAYING, mouse=FreedByDrop()),
            Notes(note=("You're back", CLICK)),
        ),
        (BACK, BACK_FOR_S, Memory(), replace(PLAYING, mouse=FreedByDrop()), Notes()),
        (
            BACK,
            0.0,
            Memory(),
            replace(PLAYING, mouse=FreedByKeys()),
            Notes(note=("You're back", "")),
        ),
        (
            BACK,
            0.0,
            Memory(),
            WindowState(mouse=FreedByDrop()),
            Notes(note=("You're back", "")),
        ),
        # a new game shows the hint to click
        (
            LIVE,
            CLICK_HINT_FOR_S - 0.01,
            Memory(started_at=NOW),
            PLAYING,
            Notes(note=(CLICK, MENU), shows_menu_tab=True),
        ),
        (LIVE, CLICK_HINT_FOR_S, Memory(started_at=NOW), PLAYING, Notes()),
        (LIVE, 0.0, Memory(started_at=NOW), WindowState(), TAB),
        (LIVE, 0.0, Memory(started_at=NOW), CAPTURED, Notes(free_mouse_hint=FREE_HINT)),
        (
            LIVE,
            0.0,
            Memory(started_at=NOW),
            replace(CAPTURED, keyboard_captured=True),
            Notes(free_mouse_hint="Ctrl+Alt: free the mouse and keyboard"),
        ),
        (
            LIVE,
            0.0,
            Memory(),
            replace(PLAYING, keyboard_captured=True),
            Notes(free_mouse_hint="Ctrl+Alt: free the keyboard"),
        ),
        (LIVE, 0.0, Memory(started_at=NOW), replace(PLAYING, may_capture=False), TAB),
        (
            BACK,
            0.0,
            Memory(started_at=NOW),
            PLAYING,
            Notes(note=("You're back", ""), shows_menu_tab=True),
        ),
        # the tab of the menu, near the upper edge and after the mouse was freed
        (LIVE, MENU_TAB_FOR_S - 0.01, Memory(menu_reached_at=NOW), PLAYING, TAB),
        (LIVE, MENU_TAB_FOR_S, Memory(menu_reached_at=NOW), PLAYING, Notes()),
        (LIVE, 60.0, Memory(), replace(PLAYING, menu_tab_held=True), TAB),
        (LIVE, 0.0, Memory(menu_reached_at=NOW), WindowState(), TAB),
        (
            LIVE,
            0.0,
            Memory(menu_reached_at=NOW),
            replace(CAPTURED, menu_tab_held=True),
            Notes(free_mouse_hint=FREE_HINT),
        ),
        # a finger at the upper edge, even while the game has the mouse
        (
            LIVE,
            MENU_TAB_FOR_S - 0.01,
            Memory(menu_touched_at=NOW),
            CAPTURED,
            Notes(free_mouse_hint=FREE_HINT, shows_menu_tab=True),
        ),
        (LIVE, MENU_TAB_FOR_S, Memory(menu_touched_at=NOW), PLAYING, Notes()),
        # a problem shows once
        (LIVE, PROBLEM_FOR_S - 0.01, NO_SOUND, PLAYING, Notes(problem="No sound.")),
        (LIVE, PROBLEM_FOR_S, NO_SOUND, PLAYING, Notes()),
        # the volume, after a key
        (
            LIVE,
            SOUND_NOTE_FOR_S - 0.01,
            Memory(volume_changed_at=NOW),
            replace(PLAYING, sound=SoundChoice(40)),
            Notes(volume="Volume 40 %"),
        ),
        (LIVE, SOUND_NOTE_FOR_S, Memory(volume_changed_at=NOW), PLAYING, Notes()),
        # the volume control, after a move of the mouse
        (
            LIVE,
            SOUND_CONTROL_FOR_S - 0.01,
            Memory(mouse_moved_at=NOW),
            PLAYING,
            Notes(shows_volume_control=True),
        ),
        (LIVE, SOUND_CONTROL_FOR_S, Memory(mouse_moved_at=NOW), PLAYING, Notes()),
        (
            LIVE,
            60.0,
            Memory(mouse_moved_at=NOW),
            replace(PLAYING, volume_control_held=True),
            Notes(shows_volume_control=True),
        ),
        (
            LIVE,
            0.0,
            Memory(mouse_moved_at=NOW),
            replace(CAPTURED, volume_control_held=True),
            Notes(free_mouse_hint=FREE_HINT),
        ),
        # a demo
        (
            LIVE,
            0.0,
            Memory(),
            replace(PLAYING, can_drop=True),
            Notes(drop_hint="Ctrl+Alt+D: drop the connection"),
        ),
    ],
)
def test_what_shows_while_playing(
    snapshot: Snapshot, later_s: float, memory: Memory, state: WindowState, shown: Notes
) -> None:
    assert notes(snapshot, NOW + later_s, memory, state) == shown


@pytest.mark.parametrize(
    "snapshot",
    [
        Snapshot(Stage.IDLE),
        Snapshot(Stage.STARTING),
        lost(back_at=NOW, trouble_since_at=NOW - 9),
        Snapshot(Stage.ENDING),
        Snapshot(Stage.ENDED, ending=Ending(EndingKind.GAME_ENDED)),
    ],
    ids=lambda snapshot: snapshot.stage.value,
)
@pytest.mark.parametrize("mouse", [Free(), FreedByKeys(), FreedByDrop()])
def test_nothing_shows_together_with_a_card(snapshot: Snapshot, mouse: CaptureState) -> None:
    memory = Memory(NOW, NOW, NOW, Problem("No sound.", NOW), menu_reached_at=NOW)
    state = WindowState(
        mouse, takes_input=True, can_drop=True, volume_control_held=True, menu_tab_held=True
    )
    assert notes(snapshot, NOW, memory, state) == Notes()


def test_the_time_of_a_problem_starts_once() -> None:
    first = Memory().with_problem("No sound.", NOW)
    assert first.problem == Problem("No sound.", NOW)
    assert first.with_problem("No sound.", NOW + 5) is first
    second = first.with_problem("No microphone.", NOW + 6)
    assert second.problem == Problem("No microphone.", NOW + 6)
    assert second.with_problem(None, NOW + 7) == Memory()
    assert Memory().with_problem(None, NOW) == Memory()


def test_a_second_problem_shows_both_and_one_that_is_gone_shows_nothing_anew() -> None:
    both = NO_SOUND.with_problem("No sound.\nNo way back.", NOW + 60)
    assert both.problem == Problem("No sound.\nNo way back.", NOW + 60)
    one = both.with_problem("No way back.", NOW + 90)
    assert one.problem == Problem("No way back.", NOW + 60)


def test_a_mouse_that_cannot_be_captured_is_named_and_no_click_is_asked_for() -> None:
    state = replace(PLAYING, mouse=Refused())
    memory = Memory(started_at=NOW, mouse_refused_at=NOW)
    sentence = "This desktop does not let Rejoin capture the mouse"
    assert notes(LIVE, NOW + PROBLEM_FOR_S - 0.01, memory, state).note == (sentence, "")
    assert notes(LIVE, NOW, replace(memory, mouse_refused_at=None), state) == TAB
    assert notes(LIVE, NOW + PROBLEM_FOR_S, memory, state) == Notes()
    assert notes(BACK, NOW, memory, state).note == ("You're back", "")


def test_capturing_the_mouse_forgets_the_hint_and_what_is_for_a_free_mouse_only() -> None:
    before = Memory(NOW, NOW, NOW, Problem("No sound.", NOW), menu_reached_at=NOW)
    assert before.captured() == Memory(None, None, NOW, Problem("No sound.", NOW))


def test_note_and_badge_are_for_screen_readers() -> None:
    assert Notes(note=("You're back", CLICK)).spoken == (f"You're back {CLICK}",)
    assert Notes(badge="Connection unstable", note=(CLICK, "")).spoken == (
        CLICK,
        "Connection unstable",
    )
    assert Notes(problem="No sound.\nNo way back.", volume="Volume 40 %").spoken == (
        "No sound.",
        "No way back.",
    )


def test_just_back_is_three_seconds_of_a_live_game() -> None:
    assert is_just_back(BACK, NOW + BACK_FOR_S - 0.01)
    assert not is_just_back(BACK, NOW + BACK_FOR_S)
    assert not is_just_back(LIVE, NOW)
    assert not is_just_back(lost(back_at=NOW), NOW)


def test_the_badge_names_the_trouble_once_it_lasts() -> None:
    words = "Your input does not reach the game"
    assert notes(troubled(Trouble.UPLINK, BADGE_AFTER_S), NOW, Memory(), PLAYING).badge == words
    assert notes(troubled(Trouble.UPLINK, 0.49), NOW, Memory(), PLAYING).badge == ""


def test_reconnect_is_offered_only_while_the_snapshot_offers_it() -> None:
    frozen = troubled(Trouble.PICTURE_LOST, 5.0, can_reconnect=True)
    assert notes(frozen, NOW, Memory(), CAPTURED).reconnect_hint == "Ctrl+Alt+R: reconnect"
    for other in (replace(frozen, can_reconnect=False), replace(frozen, stage=Stage.LOST)):
        assert notes(other, NOW, Memory(), CAPTURED).reconnect_hint == ""


def test_hints_name_the_players_own_keys() -> None:
    own = Shortcuts.of({ShortcutAction.FREE_MOUSE: "F12", ShortcutAction.RECONNECT: "none"})
    frozen = replace(LIVE, can_reconnect=True)
    shown = notes(frozen, NOW, Memory(), replace(CAPTURED, shortcuts=own))
    assert shown.free_mouse_hint == "F12: free the mouse"
    assert (shown.reconnect_hint, shown.offers_reconnect) == ("", True), "the button is there"


def test_a_limit_and_a_saved_picture_have_places_of_their_own_and_are_spoken() -> None:
    ends = replace(LIVE, length_ends_at=NOW + 300.0)
    memory = Memory(picture=Problem("Saved: a.png", NOW))
    memory = memory.with_limits(Limits(NOW, None, ends.length_ends_at), NOW)
    shown = notes(ends, NOW, memory, PLAYING)
    limit = (
        "In about 5 minutes the game reaches its maximum length and ends",
        "Save your progress.",
    )
    assert (shown.limit, shown.picture) == (limit, "Saved: a.png")
    assert shown.spoken == (". ".join(limit),), "the picture is announced when it is saved"
    later = NOW + WARNING_FOR_S
    assert memory.with_limits(Limits(NOW, None, ends.length_ends_at), later) is memory
    assert notes(ends, later, memory, PLAYING).limit == ("", "")
    assert notes(lost(), NOW, memory, PLAYING) == Notes()
