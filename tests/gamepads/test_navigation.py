"""What a pad's player means on cards: directions with repeats, presses, the chord, and rest."""

from __future__ import annotations

import pytest

from rejoin.gamepads.choices import PadChoices
from rejoin.gamepads.navigation import (
    CHORD_S,
    MENU,
    REPEAT_AFTER_S,
    REPEAT_EVERY_S,
    REST_S,
    VIEW,
    Navigation,
    PadPress,
)
from rejoin.input_events.events import PadState

A, B, UP, DOWN, LEFT, RIGHT = 0, 1, 12, 13, 14, 15


def pad(*pressed: int, x: float = 0.0, y: float = 0.0, index: int = 0) -> PadState:
    buttons = tuple(float(button in pressed) for button in range(17))
    return PadState(index, True, "pad", buttons, (x, y, 0.0, 0.0))


class Player:
    """One who has time: every state and every wait is at a later moment."""

    def __init__(self, choices: PadChoices | None = None, *, plays: bool = False) -> None:
        self.navigation = Navigation(choices or PadChoices())
        self.now, self.plays = 100.0, plays
        self.does(pad())

    def does(self, state: PadState) -> list[PadPress]:
        return self.navigation.put(state, self.now, plays=self.plays)

    def waits(self, for_s: float) -> list[PadPress]:
        until, found = self.now + for_s, []
        while self.now < until - 1e-9:
            self.now = min(until, self.now + 0.01)
            found += self.navigation.tick(self.now, plays=self.plays)
        return found


@pytest.mark.parametrize(
    ("state", "press"),
    [
        (pad(UP), PadPress.UP),
        (pad(DOWN), PadPress.DOWN),
        (pad(LEFT), PadPress.LEFT),
        (pad(RIGHT), PadPress.RIGHT),
        (pad(y=-0.9), PadPress.UP),
        (pad(y=0.9, x=0.3), PadPress.DOWN),
        (pad(x=-0.9), PadPress.LEFT),
        (pad(x=0.9), PadPress.RIGHT),
        (pad(A), PadPress.PRESS),
        (pad(B), PadPress.BACK),
    ],
)
def test_cross_and_stick_are_directions_and_two_buttons_press_and_go_back(
    state: PadState, press: PadPress
) -> None:
    player = Player()
    assert player.does(state) == [press]
    assert player.does(state) == [], "once"


def test_a_held_direction_repeats_after_a_while() -> None:
    player = Player()
    assert player.does(pad(DOWN)) == [PadPress.DOWN]
    assert player.waits(REPEAT_AFTER_S - 0.02) == []
    assert player.waits(0.03 + 3 * REPEAT_EVERY_S) == [PadPress.DOWN] * 4
    player.does(pad())
    assert player.waits(1.0) == []


def test_a_stick_that_trembles_at_its_limit_is_one_press() -> None:
    player = Player()
    assert player.does(pad(y=0.65)) == [PadPress.DOWN]
    assert player.does(pad(y=0.55)) == []
    assert player.does(pad(y=0.65)) == []
    assert player.does(pad(y=0.3)) == []
    assert player.does(pad(y=0.65)) == [PadPress.DOWN]


@pytest.mark.parametrize("game", [False, True])
@pytest.mark.parametrize("cards", [False, True])
def test_the_swap_on_cards_is_apart_from_that_in_the_game(game: bool, cards: bool) -> None:
    """States come with the game's swap in them: the bottom button is B there."""
    player = Player(PadChoices(swap_ab=game, swap_ab_cards=cards))
    bottom, right = (B, A) if game else (A, B)
    assert player.does(pad(bottom)) == [PadPress.BACK if cards else PadPress.PRESS]
    assert player.does(pad(right)) == [PadPress.PRESS if cards else PadPress.BACK]


def test_while_it_plays_only_the_chord_counts_and_it_counts_once() -> None:
    player = Player(plays=True)
    assert player.does(pad(A, DOWN)) == []
    assert player.does(pad(VIEW, MENU)) == []
    assert player.waits(CHORD_S - 0.02) == []
    assert player.waits(0.04) == [PadPress.MENU]
    assert player.waits(3.0) == []
    player.does(pad(VIEW))
    player.does(pad(VIEW, MENU))
    assert player.waits(CHORD_S + 0.02) == [PadPress.MENU]


def test_while_it_plays_time_counts_for_the_chord_alone() -> None:
    player = Player(plays=True)
    found = []
    for state in (pad(), pad(A, DOWN), pad(VIEW, MENU, A), pad(MENU)):
        player.does(state)
        found.append(player.navigation.waits)
    assert found == [False, False, True, False]


def test_what_is_held_from_a_card_into_the_game_and_out_again_presses_nothing() -> None:
    player = Player()
    player.does(pad(DOWN))
    player.plays = True
    assert player.navigation.waits, "else it would be news on the card"
    player.waits(0.1)
    player.plays = False
    assert player.waits(2.0) == []


def test_a_chord_that_is_let_go_too_soon_is_none() -> None:
    player = Player(plays=True)
    player.does(pad(VIEW, MENU))
    player.waits(CHORD_S - 0.1)
    player.does(pad(MENU))
    assert player.waits(2.0) == []


def test_what_was_held_in_the_game_presses_nothing_on_the_card() -> None:
    player = Player(plays=True)
    player.does(pad(A, DOWN))
    player.plays = False
    assert player.waits(2.0) == [], "held since before"
    player.does(pad())
    assert player.does(pad(A)) == [], "and it was not still yet"
    player.does(pad())
    player.waits(REST_S + 0.02)
    assert player.does(pad(A)) == [PadPress.PRESS]


def test_hammering_on_through_a_drop_presses_nothing() -> None:
    player = Player(plays=True)
    player.plays = False
    for _ in range(40):
        assert player.does(pad(A)) == []
        player.waits(0.1)
        assert player.does(pad()) == []
        player.waits(0.1)


def test_a_pad_that_is_plugged_in_with_a_button_held_presses_nothing() -> None:
    navigation = Navigation(PadChoices())
    assert navigation.put(pad(A, DOWN), 1.0, plays=False) == []
    assert navigation.tick(9.0, plays=False) == []
    navigation.put(pad(), 10.0, plays=False)
    assert navigation.put(pad(A), 11.0, plays=False) == [PadPress.PRESS]


def test_pads_press_each_for_itself_and_one_that_is_pulled_out_is_forgotten() -> None:
    player = Player()
    player.does(pad(index=1))
    player.does(pad(VIEW))
    player.does(pad(MENU, index=1))
    assert player.waits(2.0) == [], "half a chord each"
    assert player.does(pad(A, index=1)) == [PadPress.PRESS]
    player.does(pad(DOWN, index=1))
    player.does(PadState(1, False))
    assert player.waits(2.0) == []
