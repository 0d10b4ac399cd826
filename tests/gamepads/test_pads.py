"""Devices become whole states in four places: at once for buttons, joined for sticks."""

from __future__ import annotations

from rejoin.gamepads.changes import AxisMoved, ButtonChanged, Change, Plugged, Unplugged
from rejoin.gamepads.choices import PadChoices
from rejoin.gamepads.pads import JOIN_S, Pads
from rejoin.input_events.events import PadState


def pads(*changes: Change, choices: PadChoices | None = None) -> Pads:
    made = Pads(choices or PadChoices())
    for change in changes:
        made.apply(change, 0.0)
    return made


def test_a_pad_that_is_plugged_in_is_a_state_with_what_is_pressed() -> None:
    (state,) = pads().apply(Plugged(7, "Pad", True, (0,) * 6, frozenset({1})), 2.0)
    assert (state.index, state.connected, state.name, state.at) == (0, True, "Pad", 2.0)
    assert [at for at, value in enumerate(state.buttons) if value] == [1]
    assert state.axes == (0.0,) * 4
    assert state.rumbles


def test_a_pad_rumbles_where_it_can_and_may() -> None:
    (state,) = pads().apply(Plugged(7, "Pad"), 0.0)
    assert not state.rumbles
    (state,) = pads(choices=PadChoices(rumble=False)).apply(Plugged(7, "Pad", True), 0.0)
    assert not state.rumbles


def test_a_press_and_a_release_in_one_reading_are_two_states() -> None:
    made = pads(Plugged(7, "Pad"))
    (down,) = made.apply(ButtonChanged(7, 0, True), 1.0)
    (up,) = made.apply(ButtonChanged(7, 0, False), 1.0)
    assert (down.buttons[0], up.buttons[0]) == (1.0, 0.0)


def test_movements_are_joined_and_the_last_one_counts() -> None:
    made = pads(Plugged(7, "Pad"))
    assert made.apply(AxisMoved(7, 0, 10_000), 1.0) == []
    assert made.apply(AxisMoved(7, 0, 32_767), 1.0) == []
    (state,) = made.moved(1.0)
    assert state.axes[0] == 1.0
    made.apply(AxisMoved(7, 0, 0), 1.0)
    assert made.moved(1.0 + JOIN_S / 2) == []
    (state,) = made.moved(1.0 + JOIN_S)
    assert state.axes[0] == 0.0
    assert made.moved(9.0) == []


def test_a_button_takes_movements_along() -> None:
    made = pads(Plugged(7, "Pad"))
    made.apply(AxisMoved(7, 1, -32_768), 0.0)
    (state,) = made.apply(ButtonChanged(7, 0, True), 0.0)
    assert state.axes[1] == -1.0
    assert made.moved(1.0) == []


def test_where_sticks_alone_move_the_buttons_are_those_of_before() -> None:
    made = pads(Plugged(7, "Pad"))
    (before,) = made.apply(ButtonChanged(7, 1, True), 0.0)
    made.apply(AxisMoved(7, 0, 10_000), 1.0)
    (state,) = made.moved(1.0)
    assert state.buttons is before.buttons
    made.apply(AxisMoved(7, 4, 32_767), 2.0)
    (state,) = made.moved(2.0)
    assert (state.buttons[1], state.buttons[6]) == (1.0, 1.0)
    (state,) = made.choose(PadChoices(swap_ab=True), 3.0)
    assert (state.buttons[0], state.buttons[1]) == (1.0, 0.0)
    (state,) = made.apply(ButtonChanged(7, 1, False), 4.0)
    assert state.buttons[0] == 0.0


def test_there_are_four_places_and_a_fifth_pad_waits_for_one() -> None:
    made = pads(*(Plugged(number, f"Pad {number}") for number in range(4)))
    assert made.apply(Plugged(4, "Pad 4"), 0.0) == []
    assert made.apply(ButtonChanged(4, 0, True), 0.0) == []
    gone, came = made.apply(Unplugged(2), 5.0)
    assert gone == PadState(2, False, "Pad 2", at=5.0)
    assert (came.index, came.connected, came.name) == (2, True, "Pad 4")
    assert came.buttons[0] == 1.0
    assert (made.instance_of(2), made.instance_of(3), len(made)) == (4, 3, 4)


def test_a_place_is_taken_again_and_the_others_keep_theirs() -> None:
    made = pads(Plugged(0, "one"), Plugged(1, "two"))
    assert [state.connected for state in made.apply(Unplugged(0), 0.0)] == [False]
    assert made.instance_of(0) is None
    (state,) = made.apply(ButtonChanged(1, 0, True), 0.0)
    assert state.index == 1
    (state,) = made.apply(Plugged(2, "three"), 0.0)
    assert state.index == 0
    assert made.instances() == (1, 2)


def test_what_is_not_there_says_nothing() -> None:
    made = pads()
    assert made.apply(AxisMoved(3, 0, 5), 0.0) == []
    assert made.apply(ButtonChanged(3, 0, True), 0.0) == []
    assert made.apply(Unplugged(3), 0.0) == []
    made.apply(Plugged(3, "Pad"), 0.0)
    assert made.apply(AxisMoved(3, 6, 5), 0.0) == []
    assert made.moved(1.0) == []


def places(made: Pads) -> dict[str, int | None]:
    """Of devices that were named by letters and plugged in with these as their serial numbers."""
    return {
        chr(instance % 100): next(
            (index for index in range(4) if made.instance_of(index) == instance), None
        )
        for instance in made.instances()
    }


def plugged(letter: str, turn: int = 0, name: str = "Pad") -> Plugged:
    return Plugged(turn * 100 + ord(letter), name, serial=letter)


def test_pads_that_come_back_in_another_order_keep_their_places() -> None:
    """As after a hub has lost its power. SDL numbers them anew."""
    made = pads(*(plugged(letter) for letter in "ABCD"))
    before = places(made)
    for letter in "ABCD":
        made.apply(Unplugged(ord(letter)), 1.0)
    for letter in "CADB":
        made.apply(plugged(letter, turn=1), 2.0)
    assert places(made) == before
    assert sorted(before.values(), key=str) == [0, 1, 2, 3]


def test_another_pad_takes_the_first_free_place_though_one_may_come_back_to_it() -> None:
    made = pads(plugged("A"), plugged("B"))
    made.apply(Unplugged(ord("A")), 1.0)
    (came,) = made.apply(plugged("X"), 2.0)
    assert came.index == 0, "most games listen to the first"
    (back,) = made.apply(plugged("A", turn=1), 3.0)
    assert back.index == 2
    made.apply(Unplugged(ord("X")), 4.0)
    (again,) = made.apply(plugged("X", turn=1), 5.0)
    assert again.index == 0


def test_pads_that_tell_no_serial_number_are_known_by_their_names() -> None:
    made = pads(Plugged(1, "red"), Plugged(2, "blue"), Plugged(3, "red"))
    for instance in (1, 2, 3):
        made.apply(Unplugged(instance), 1.0)
    assert [
        state.index
        for instance, name in ((4, "blue"), (5, "red"), (6, "red"))
        for state in made.apply(Plugged(instance, name), 2.0)
    ] == [1, 0, 2]


def test_who_has_waited_keeps_the_place_when_the_pad_of_before_comes_back() -> None:
    made = pads(*(plugged(letter) for letter in "ABCDE"))
    assert places(made)["E"] is None
    made.apply(Unplugged(ord("B")), 1.0)
    assert places(made)["E"] == 1
    assert made.apply(plugged("B", turn=1), 2.0) == []
    made.apply(Unplugged(ord("D")), 3.0)
    assert places(made)["B"] == 3
