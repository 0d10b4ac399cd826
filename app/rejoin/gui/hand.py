"""The input device in use: keys and mouse, or a gamepad.

Hints name its keys or buttons. Presses of a pad go to widgets or to the game (`pad_keys`), keys and
clicks come through Qt's window; the newest press decides. For the GUI thread.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Final

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget

from rejoin.gamepads.in_hand import PadInHand
from rejoin.gui import pad_texts
from rejoin.language import mark, tr

_ENTER: Final = mark("Enter")
_ESCAPE: Final = mark("Esc")
_OF_KEYS = (QEvent.Type.KeyPress, QEvent.Type.MouseButtonPress, QEvent.Type.TouchBegin)


class Hand(enum.Enum):
    """What it holds."""

    KEYS = "keys"
    PAD = "pad"


@dataclass(frozen=True, slots=True)
class _Now:
    hand: Hand = Hand.KEYS
    swapped: bool = False
    last_pad: PadInHand = PadInHand()  # noqa: RUF009 frozen


_now = _Now()


def current() -> Hand:
    """What it holds now."""
    return _now.hand


def pad() -> PadInHand | None:
    """The gamepad that it holds; None: it holds none."""
    return _now.last_pad if _now.hand is Hand.PAD else None


def last_pad() -> PadInHand:
    """The gamepad that it holds, or would hold: the last one that was used."""
    return _now.last_pad


def swap_buttons(swapped: bool) -> None:
    """Whether A and B change places on Rejoin's cards, as the player has chosen it."""
    global _now  # noqa: PLW0603 there is one player
    _now = replace(_now, swapped=swapped)


def press_label() -> str:
    """What presses the button that has the focus, as it is printed there."""
    if _now.hand is Hand.KEYS:
        return tr(_ENTER)
    return (pad_texts.right if _now.swapped else pad_texts.bottom)(_now.last_pad)


def back_label() -> str:
    """What goes back, as it is printed there."""
    if _now.hand is Hand.KEYS:
        return tr(_ESCAPE)
    return (pad_texts.bottom if _now.swapped else pad_texts.right)(_now.last_pad)


def keys_pressed() -> None:
    """A key or a button of the mouse was pressed."""
    _hold(Hand.KEYS)


def pad_is(last_pad: PadInHand) -> None:
    """This pad is what a hand would hold that presses one."""
    global _now  # noqa: PLW0603 there is one player
    _now = replace(_now, last_pad=last_pad)


def pad_pressed(window: QWidget) -> None:
    """A pad has pressed something in this window, or in the game that it shows."""
    handle = window.window().windowHandle()
    if _now.hand is Hand.KEYS and handle is not None:
        _hold(Hand.PAD)
        handle.installEventFilter(_Keys(handle))


def no_pad() -> None:
    """There is no pad any more."""
    _hold(Hand.KEYS)


def _hold(hand: Hand) -> None:
    global _now  # noqa: PLW0603 there is one player
    _now = replace(_now, hand=hand)


class _Keys(QObject):
    """Waits for a key or a click of the desktop's in one window."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in _OF_KEYS:
            keys_pressed()
            watched.removeEventFilter(self)
            self.deleteLater()
        return False
