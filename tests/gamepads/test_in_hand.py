"""Which pad is in the player's hand."""

from __future__ import annotations

from rejoin.gamepads.changes import AxisMoved, ButtonChanged, Plugged, Unplugged
from rejoin.gamepads.in_hand import AGAIN_AFTER_S, InHand, NoPad, PadInHand
from rejoin.gamepads.pad_kinds import PadKind

SONY = Plugged(1, "sony", kind=PadKind.PLAYSTATION_5, has_misc=True)
SWITCH = Plugged(2, "switch", kind=PadKind.SWITCH)
OF_SONY = PadInHand(PadKind.PLAYSTATION_5, has_misc=True)
OF_SWITCH = PadInHand(PadKind.SWITCH)


def press(instance: int) -> ButtonChanged:
    return ButtonChanged(instance, 0, True)


def test_one_that_is_plugged_in_is_known_before_it_is_used() -> None:
    in_hand = InHand()
    plugged = PadInHand(PadKind.PLAYSTATION_5, has_misc=True, pressed=False)
    assert in_hand.apply(SONY, 0.0) == [plugged]
    assert in_hand.apply(press(1), 0.0) == [OF_SONY]
    assert in_hand.apply(SWITCH, 0.1) == [], "the one in hand stays there"


def test_the_last_one_that_was_pressed_counts() -> None:
    in_hand = InHand()
    in_hand.apply(SONY, 0.0)
    in_hand.apply(SWITCH, 0.0)
    assert in_hand.apply(press(1), 0.1) == [OF_SONY]
    assert in_hand.apply(press(2), 0.2) == [OF_SWITCH]
    assert in_hand.apply(press(1), 0.3) == [OF_SONY]


def test_one_that_goes_on_says_so_once_in_a_while() -> None:
    in_hand = InHand()
    in_hand.apply(SONY, 0.0)
    assert in_hand.apply(press(1), 0.0) == [OF_SONY]
    assert in_hand.apply(ButtonChanged(1, 0, False), AGAIN_AFTER_S) == []
    assert in_hand.apply(AxisMoved(1, 0, 32767), AGAIN_AFTER_S) == []
    assert in_hand.apply(press(1), AGAIN_AFTER_S / 2) == []
    assert in_hand.apply(press(1), AGAIN_AFTER_S) == [OF_SONY]


def test_when_it_is_gone_another_is_taken_up_or_none() -> None:
    in_hand = InHand()
    in_hand.apply(SONY, 0.0)
    in_hand.apply(SWITCH, 0.0)
    in_hand.apply(press(1), 0.0)
    assert in_hand.apply(Unplugged(1), 1.0) == [PadInHand(PadKind.SWITCH, pressed=False)]
    assert in_hand.apply(Unplugged(2), 2.0) == [NoPad()]
    assert in_hand.apply(press(2), 3.0) == [], "it is not known any more"


def test_one_that_lies_on_the_table_may_go() -> None:
    in_hand = InHand()
    in_hand.apply(SONY, 0.0)
    in_hand.apply(SWITCH, 0.0)
    in_hand.apply(press(1), 0.0)
    assert in_hand.apply(Unplugged(2), 1.0) == []
