"""What is held follows from the events, and its releases leave nothing held."""

from __future__ import annotations

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from rejoin.input_events.events import (
    Button,
    InputEvent,
    KeyEvent,
    Location,
    PadState,
    PointerButton,
    PointerMove,
    ReleaseAll,
    View,
    Wheel,
)
from rejoin.input_events.held import Held

W = KeyEvent("KeyW", "w", True)
SHIFT = KeyEvent("ShiftLeft", "Shift", True, Location.LEFT)


def held_after(*events: InputEvent) -> Held:
    return reduce(Held.after, events, Held())


def test_keys_and_buttons_are_held_until_they_are_released() -> None:
    held = held_after(W, SHIFT, PointerButton(Button.RIGHT, True, 3, 4, 2))
    assert held.codes == {"KeyW", "ShiftLeft"}
    assert (held.buttons, held.x, held.y) == (2, 3, 4)
    held = held.after(KeyEvent("KeyW", "W", False))
    held = held.after(PointerButton(Button.RIGHT, False, 5, 6))
    assert held.codes == {"ShiftLeft"}
    assert held.buttons == 0
    assert held.anything
    assert not held.after(ReleaseAll()).anything


def test_a_repeat_presses_nothing_twice() -> None:
    held = held_after(W, KeyEvent("KeyW", "w", True, repeat=True))
    assert held.keys == (W,)


def test_moves_wheel_and_view_hold_nothing() -> None:
    held = held_after(PointerMove(1, 1, 7, 8), Wheel(0, 120, 7, 8), View())
    assert held == Held(x=7, y=8)
    assert held.releases() == ()


def test_a_gamepad_is_held_while_anything_of_it_is() -> None:
    rest = PadState(1, True, "pad", (0.0, 0.0), (0.0, 0.0))
    tilted = PadState(1, True, "pad", (0.0, 0.0), (0.0, 0.5))
    assert not held_after(rest).anything
    held = held_after(rest, tilted)
    assert held.releases() == (rest,)
    assert not held.after(ReleaseAll()).anything
    assert held_after(tilted, PadState(1, False)) == Held()


def test_releases_name_what_was_pressed_newest_first() -> None:
    held = held_after(W, SHIFT, *(PointerButton(button, True, 1, 2) for button in Button))
    released = held.releases(9.0)
    assert released[:2] == (
        KeyEvent("ShiftLeft", "Shift", False, Location.LEFT, at=9.0),
        KeyEvent("KeyW", "w", False, at=9.0),
    )
    assert [event.buttons for event in released if isinstance(event, PointerButton)] == [
        30,
        26,
        24,
        16,
        0,
    ]


CODES = st.sampled_from(["KeyA", "KeyB", "KeyC"])
EVENTS = st.one_of(
    st.builds(KeyEvent, CODES, st.just("x"), st.booleans()),
    st.builds(
        PointerButton, st.sampled_from(Button), st.booleans(), st.integers(0, 9), st.integers(0, 9)
    ),
    st.builds(
        PadState,
        st.integers(0, 3),
        st.booleans(),
        st.just("pad"),
        st.tuples(st.sampled_from([0.0, 1.0])),
        st.tuples(st.sampled_from([0.0, -1.0])),
    ),
)


@given(st.lists(EVENTS))
def test_after_its_releases_nothing_is_held(events: list[InputEvent]) -> None:
    held = held_after(*events)
    assert not reduce(Held.after, held.releases(), held).anything
