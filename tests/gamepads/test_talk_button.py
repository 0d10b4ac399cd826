"""The microphone's button of a gamepad."""

from __future__ import annotations

from rejoin.gamepads.changes import AxisMoved, ButtonChanged, Unplugged
from rejoin.gamepads.talk_button import LEFT_STICK, MISC, VIEW, TalkButton


def press(button: int, pressed: bool = True, pad: int = 1) -> ButtonChanged:
    return ButtonChanged(pad, button, pressed)


def test_a_button_of_its_own_is_held_and_let_go() -> None:
    talk = TalkButton()
    assert talk.apply(press(MISC)) is True
    assert talk.apply(press(0)) is None
    assert talk.apply(AxisMoved(1, 0, 5)) is None
    assert talk.apply(press(MISC, False)) is False


def test_elsewhere_it_is_the_left_stick_while_view_is_held() -> None:
    talk = TalkButton()
    assert talk.apply(press(LEFT_STICK)) is None, "the game's"
    assert talk.apply(press(VIEW)) is None
    assert talk.apply(press(LEFT_STICK, False)) is None
    assert talk.apply(press(LEFT_STICK)) is True
    assert talk.apply(press(VIEW, False)) is False
    assert talk.apply(press(LEFT_STICK, False)) is None


def test_pads_do_not_mix_and_one_that_is_gone_holds_nothing() -> None:
    talk = TalkButton()
    assert talk.apply(press(VIEW, pad=1)) is None
    assert talk.apply(press(LEFT_STICK, pad=2)) is None
    assert talk.apply(press(MISC, pad=2)) is True
    assert talk.apply(press(MISC, pad=3)) is None
    assert talk.apply(Unplugged(2)) is None
    assert talk.apply(Unplugged(3)) is False
