"""What reaches the game: nothing held while input is closed or the window is not active."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin.gamepads.gate import PadGate
from rejoin.input_events.events import PadState
from rejoin.input_events.held import Held, at_rest

REST = PadState(0, True, "pad", (0.0,) * 17, (0.0,) * 4)
PRESSED = replace(REST, buttons=(1.0, *REST.buttons[1:]))
TILTED = replace(REST, axes=(1.0, 0.0, 0.0, 0.0))


class Game:
    """A gate and what came through it."""

    def __init__(self, *, background: bool = False) -> None:
        self.gate = PadGate(background=background)
        self.sent: list[PadState] = []
        self.gate.connect(self.sent.append)

    def news(self) -> list[PadState]:
        news, self.sent[:] = list(self.sent), []
        return news


@pytest.fixture
def game() -> Game:
    made = Game()
    made.gate.change(is_open=True, active=True)
    return made


def test_changes_pass_and_what_changes_nothing_does_not(game: Game) -> None:
    for pad in (REST, PRESSED, replace(PRESSED, at=9.0), TILTED):
        game.gate.put(pad)
    assert game.news() == [REST, PRESSED, TILTED]


def test_closing_leaves_every_pad_at_rest(game: Game) -> None:
    other = replace(TILTED, index=1)
    for pad in (REST, PRESSED, replace(other, axes=(0.0,) * 4), other):
        game.gate.put(pad)
    game.news()
    game.gate.change(is_open=False)
    assert game.news() == [REST, at_rest(other)]
    game.gate.put(TILTED)
    assert game.news() == []


def test_a_window_that_is_not_active_hears_no_pads_unless_wished(game: Game) -> None:
    game.gate.put(REST)
    game.gate.put(PRESSED)
    game.gate.change(active=False)
    assert game.news() == [REST, PRESSED, REST]
    game.gate.put(TILTED)
    assert game.news() == []
    game = Game(background=True)
    game.gate.change(is_open=True, active=True)
    game.gate.put(REST)
    game.gate.change(active=False)
    game.gate.put(TILTED)
    assert game.news() == [REST, TILTED]
    game.gate.change(is_open=False)
    assert game.news() == [REST]


def test_what_is_held_at_the_opening_counts_when_it_is_pressed_again() -> None:
    game = Game()
    game.gate.change(active=True)
    game.gate.put(replace(PRESSED, axes=TILTED.axes))
    assert game.news() == [REST]
    game.gate.change(is_open=True)
    assert game.news() == [TILTED]  # a stick counts at once
    game.gate.put(PRESSED)
    assert game.news() == [REST]
    game.gate.put(REST)
    game.gate.put(PRESSED)
    assert game.news() == [PRESSED]


def test_a_trigger_that_is_held_at_the_opening_waits_until_it_is_let_go() -> None:
    game = Game()
    pulled = replace(REST, buttons=(*(0.0,) * 6, 0.9, *(0.0,) * 10))
    game.gate.put(pulled)
    game.gate.change(is_open=True, active=True)
    game.gate.put(replace(pulled, buttons=(*(0.0,) * 6, 0.5, *(0.0,) * 10)))
    assert game.news() == [REST]
    game.gate.put(REST)
    game.gate.put(pulled)
    assert game.news() == [pulled]


def test_a_pad_that_is_plugged_in_with_a_button_held_waits_too(game: Game) -> None:
    game.gate.put(PRESSED)
    assert game.news() == [REST]


def test_that_a_pad_comes_or_goes_is_said_in_any_case() -> None:
    game = Game()
    game.gate.put(PRESSED)
    gone = PadState(0, False, "pad")
    game.gate.put(gone)
    game.gate.put(gone)
    assert game.news() == [REST, gone]


def test_after_everything_was_released_buttons_wait_and_sticks_count_again(game: Game) -> None:
    both = replace(PRESSED, axes=TILTED.axes)
    game.gate.put(REST)
    game.gate.put(both)
    game.news()
    game.gate.released()
    assert game.news() == [TILTED]
    game.gate.put(TILTED)
    game.gate.put(both)
    assert game.news() == [both]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from([REST, PRESSED, TILTED])),
        st.tuples(st.just("open"), st.booleans()),
        st.tuples(st.just("active"), st.booleans()),
        st.tuples(st.just("unplug"), st.none()),
    )
)


@given(STEPS)
def test_nothing_is_held_while_nothing_passes(steps: list[tuple[str, object]]) -> None:
    game, held = Game(), Held()
    is_open = active = False
    for step, what in steps:
        if isinstance(what, PadState):
            game.gate.put(what)
        elif step == "open":
            is_open = bool(what)
            game.gate.change(is_open=is_open)
        elif step == "active":
            active = bool(what)
            game.gate.change(active=active)
        else:
            game.gate.put(PadState(0, False))
        for pad in game.news():
            held = held.after(pad)
        assert not held.anything or (is_open and active)


def test_what_was_not_for_the_game_counts_when_it_is_pressed_again(game: Game) -> None:
    """A pad that was a mouse, and is none any more while its button is held."""
    game.gate.put(REST)
    game.news()
    game.gate.put(replace(PRESSED, axes=TILTED.axes), anew=True)
    game.gate.put(PRESSED)
    assert game.news() == [TILTED, REST]
    game.gate.put(REST)
    game.gate.put(PRESSED)
    assert game.news() == [PRESSED]


def test_after_the_last_reading_no_pad_is_there(game: Game) -> None:
    for pad in (PRESSED, replace(TILTED, index=2)):
        game.gate.put(pad)
    game.news()
    game.gate.unplug_all()
    assert [(pad.index, pad.connected) for pad in game.news()] == [(0, False), (2, False)]
    game.gate.unplug_all()
    assert game.news() == []
