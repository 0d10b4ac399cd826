"""What a click allows the input module: one pointer lock and one full screen, for five seconds.

A module that the player did not ask for anything cannot take the mouse or the screen. Leaving them
is always granted, but full screen is left only where the module has entered it. Cursors are CSS's
keywords; what is not in the table is the arrow.
"""

from __future__ import annotations

import enum
from typing import Final

from PySide6.QtCore import Qt

GRANTED_WITHIN_S: Final = 5.0
"""After a click (ADR 0041); browsers call it transient activation."""


class Grant(enum.Enum):
    """What a click allows once."""

    POINTER_LOCK = "pointer_lock"
    FULL_SCREEN = "full_screen"


class ClickGrants:
    """What the player's last click in the picture still allows. Times are boot time in seconds."""

    def __init__(self) -> None:
        self._until = 0.0
        self._left: frozenset[Grant] = frozenset()

    def clicked(self, now: float) -> None:
        """A mouse button was pressed over the picture, for the game."""
        self._until = now + GRANTED_WITHIN_S
        self._left = frozenset(Grant)

    def forget(self) -> None:
        """The player took the mouse back, or the game takes no input any more."""
        self._left = frozenset()

    def take(self, grant: Grant, now: float) -> bool:
        """Whether it is allowed now; it is not allowed again before the next click."""
        allowed = grant in self._left and now <= self._until
        self._left -= {grant}
        return allowed


_C = Qt.CursorShape
_CURSORS: Final = {
    "none": _C.BlankCursor,
    "context-menu": _C.ArrowCursor,
    "help": _C.WhatsThisCursor,
    "pointer": _C.PointingHandCursor,
    "progress": _C.BusyCursor,
    "wait": _C.WaitCursor,
    "cell": _C.CrossCursor,
    "crosshair": _C.CrossCursor,
    "text": _C.IBeamCursor,
    "vertical-text": _C.IBeamCursor,
    "alias": _C.DragLinkCursor,
    "copy": _C.DragCopyCursor,
    "move": _C.SizeAllCursor,
    "no-drop": _C.ForbiddenCursor,
    "not-allowed": _C.ForbiddenCursor,
    "grab": _C.OpenHandCursor,
    "grabbing": _C.ClosedHandCursor,
    "e-resize": _C.SizeHorCursor,
    "w-resize": _C.SizeHorCursor,
    "ew-resize": _C.SizeHorCursor,
    "n-resize": _C.SizeVerCursor,
    "s-resize": _C.SizeVerCursor,
    "ns-resize": _C.SizeVerCursor,
    "ne-resize": _C.SizeBDiagCursor,
    "sw-resize": _C.SizeBDiagCursor,
    "nesw-resize": _C.SizeBDiagCursor,
    "nw-resize": _C.SizeFDiagCursor,
    "se-resize": _C.SizeFDiagCursor,
    "nwse-resize": _C.SizeFDiagCursor,
    "col-resize": _C.SplitHCursor,
    "row-resize": _C.SplitVCursor,
    "all-scroll": _C.SizeAllCursor,
    "zoom-in": _C.ArrowCursor,
    "zoom-out": _C.ArrowCursor,
}


def cursor_of(keyword: str) -> Qt.CursorShape:
    """The cursor for a keyword of CSS (Basic User Interface, `cursor`)."""
    return _CURSORS.get(keyword, _C.ArrowCursor)
