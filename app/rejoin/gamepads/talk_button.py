"""The button of a gamepad that is for the microphone and not for the game. Pure.

Pads with one more button than the W3C's seventeen have it there: the DualSense's microphone button,
the share and capture buttons of others (SDL: misc1). On others it is the left stick, pressed while
View is held.
"""

from __future__ import annotations

from typing import Final

from rejoin.gamepads.changes import ButtonChanged, Change, Unplugged

MISC: Final = 15
VIEW: Final = 4
LEFT_STICK: Final = 7
"""SDL's numbers."""


class TalkButton:
    """Of all pads together."""

    def __init__(self) -> None:
        self._down: set[tuple[int, int]] = set()
        self._held: set[int] = set()
        """Pads whose button is held."""

    def apply(self, change: Change) -> bool | None:
        """Whether the button is held from now on, where that is news."""
        before = bool(self._held)
        match change:
            case ButtonChanged(instance, button, pressed):
                if button not in (MISC, VIEW, LEFT_STICK):
                    return None
                place = instance, button
                (self._down.add if pressed else self._down.discard)(place)
                self._follow(instance, button, pressed=pressed)
            case Unplugged(instance):
                self._down = {place for place in self._down if place[0] != instance}
                self._held.discard(instance)
            case _:
                return None
        return None if bool(self._held) == before else bool(self._held)

    def _follow(self, instance: int, button: int, *, pressed: bool) -> None:
        if button == MISC or (button == LEFT_STICK and (instance, VIEW) in self._down):
            (self._held.add if pressed else self._held.discard)(instance)
        elif not pressed and (instance, MISC) not in self._down:
            self._held.discard(instance)
