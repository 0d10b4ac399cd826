"""Fingers as on a trackpad: what moves, what turns and what is a click."""

from __future__ import annotations

from rejoin.gui.trackpad import (
    TAP_PX,
    TAP_WITHIN_S,
    Clicked,
    Held,
    Moved,
    TouchAction,
    Trackpad,
    Turned,
)
from rejoin.input_events.events import Button

ONE = {1: (100.0, 100.0)}
TWO = {**ONE, 2: (140.0, 100.0)}
THREE = {**TWO, 3: (180.0, 100.0)}


def shifted(
    fingers: dict[int, tuple[float, float]], dx: float, dy: float
) -> dict[int, tuple[float, float]]:
    return {number: (x + dx, y + dy) for number, (x, y) in fingers.items()}


def test_one_finger_moves_the_pointer_by_as_much_as_it_moves() -> None:
    pad = Trackpad()
    assert pad.touch(ONE, 0.0) == []
    assert pad.touch(shifted(ONE, 30, -5), 0.1) == [Moved(30, -5)]
    assert pad.touch(shifted(ONE, 30, -5), 0.1) == []
    assert pad.touch(shifted(ONE, 29.5, 0), 0.2) == [Moved(-0.5, 5)]
    assert pad.touch({}, 0.21) == [], "it was no tap"


def test_two_fingers_turn_the_wheel_as_if_they_held_the_page() -> None:
    pad = Trackpad()
    pad.touch(TWO, 0.0)
    assert pad.touch(shifted(TWO, 0, 40), 0.5) == [Turned(0, 120)]
    assert pad.touch(shifted(TWO, 10, 40), 0.6) == [Turned(-30, 0)]
    turned = [pad.touch(shifted(TWO, 10, 40 + step / 10), 0.7) for step in range(1, 11)]
    turns = [action for found in turned for action in found if isinstance(action, Turned)]
    assert sum(turn.turn_y for turn in turns) == 3, "nothing is lost"
    assert pad.touch({}, 0.8) == []


def test_another_finger_is_no_jump() -> None:
    pad = Trackpad()
    pad.touch(ONE, 0.0)
    assert pad.touch(shifted(TWO, 50, 0), 0.1) == []
    assert pad.touch(shifted(TWO, 50, 10), 0.2) == [Turned(0, 30)]
    assert pad.touch(shifted(ONE, 50, 50), 0.3) == []
    assert pad.touch(shifted(ONE, 51, 50), 0.4) == [Moved(1, 0)]


def tap(pad: Trackpad, fingers: dict[int, tuple[float, float]], at: float) -> list[TouchAction]:
    return [*pad.touch(fingers, at), *pad.touch({}, at + TAP_WITHIN_S / 2)]


def test_taps_of_one_two_and_three_fingers_click() -> None:
    pad = Trackpad()
    assert tap(pad, ONE, 0.0) == [Clicked(Button.LEFT)]
    assert tap(pad, TWO, 10.0) == [Clicked(Button.RIGHT)]
    assert tap(pad, THREE, 20.0) == [Clicked(Button.MIDDLE)]
    assert tap(pad, {**THREE, 4: (0.0, 0.0)}, 30.0) == []


def test_what_lasts_or_slips_is_no_tap() -> None:
    pad = Trackpad()
    pad.touch(ONE, 0.0)
    assert pad.touch({}, TAP_WITHIN_S + 0.01) == []
    pad.touch(ONE, 10.0)
    pad.touch(shifted(ONE, TAP_PX + 1, 0), 10.01)
    pad.touch(ONE, 10.02)
    assert pad.touch({}, 10.03) == []


def test_a_finger_right_after_a_tap_holds_the_left_button() -> None:
    pad = Trackpad()
    tap(pad, ONE, 0.0)
    assert pad.touch(ONE, 0.2) == [Held(True)]
    assert pad.touch(shifted(ONE, 5, 5), 3.0) == [Moved(5, 5)]
    assert pad.touch({}, 4.0) == [Held(False)]
    assert pad.touch(ONE, 4.1) == [], "not after holding"
    pad.touch({}, 4.15)
    assert pad.touch(ONE, 4.2) == [Held(True)]
    assert pad.cancel() == [Held(False)]
    assert pad.touch(ONE, 4.3) == []
    assert pad.cancel() == []
