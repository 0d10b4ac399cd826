"""Carries out a gamepad's mouse actions over the picture of a game."""

from __future__ import annotations

from typing import Final, assert_never

from rejoin.gamepads.pad_mouse import PadAct, PadButton, PadIsMouse, PadMoved, PadTurned
from rejoin.gui import hand, pad_texts
from rejoin.gui.note_keeper import NoteKeeper
from rejoin.gui.pointer import Pointer
from rejoin.language import mark, tr

IS_MOUSE: Final = mark("The gamepad is a mouse now. Hold {menu} to play with it again.")
PLAYS: Final = mark("The gamepad plays again.")


def pad_acted(pointer: Pointer, notes: NoteKeeper, act: PadAct) -> None:
    """Do it; while the game takes no input, the pointer sends nothing."""
    match act:
        case PadMoved(dx, dy):
            pointer.nudge(dx, dy)
        case PadButton(button, pressed):
            pointer.touched(button, pressed)
        case PadTurned(across, away):
            pointer.turn((across, away))
        case PadIsMouse(on):
            menu = pad_texts.menu(hand.last_pad())
            notes.note_pad(tr(IS_MOUSE, menu=menu) if on else tr(PLAYS))
        case _:
            assert_never(act)
