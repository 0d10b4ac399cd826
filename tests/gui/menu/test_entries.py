"""The table of entries: what is there when, and what stands beside it."""

from __future__ import annotations

from rejoin.gui.menu.entries import ENTRIES, MenuAction, MenuState
from rejoin.media.audio.volume import SoundChoice


def shown(state: MenuState) -> list[MenuAction]:
    return [entry.action for entry in ENTRIES if entry.shown(state)]


def details(state: MenuState) -> dict[MenuAction, str]:
    return {entry.action: entry.detail(state) for entry in ENTRIES}


def test_every_action_has_one_entry() -> None:
    assert sorted(entry.action.value for entry in ENTRIES) == sorted(a.value for a in MenuAction)


def test_back_to_the_game_comes_first_and_the_end_last() -> None:
    assert shown(MenuState())[0] is MenuAction.RESUME
    assert shown(MenuState())[-1] is MenuAction.END
    assert [entry.action for entry in ENTRIES if entry.primary] == [MenuAction.RESUME]
    assert [entry.action for entry in ENTRIES if entry.danger] == [MenuAction.END]


def test_what_cannot_be_done_is_not_there() -> None:
    assert MenuAction.END not in shown(MenuState(can_end=False))
    assert MenuAction.SETTINGS not in shown(MenuState(has_settings=False))
    assert MenuAction.RECONNECT not in shown(MenuState())
    assert MenuAction.RECONNECT in shown(MenuState(can_reconnect=True))


def test_what_is_so_now_stands_beside_an_entry() -> None:
    now = details(MenuState(full_screen=True, sound=SoundChoice(0), statistics=True))
    assert now[MenuAction.FULL_SCREEN] == "on"
    assert now[MenuAction.SOUND] == "off"
    assert now[MenuAction.STATISTICS] == "on"
    assert details(MenuState())[MenuAction.SOUND] == "on"
