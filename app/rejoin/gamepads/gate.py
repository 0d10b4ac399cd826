"""What gamepads say to the game, and when: the newest states, at rest while nothing may pass."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from rejoin.input_events.events import PadState
from rejoin.input_events.held import at_rest

Send = Callable[[PadState], None]

_PRESSED_FROM = 0.1
"""As `GamepadButton.pressed` counts in the module's browser."""


class PadGate:
    """States pass while input is open and the window is active, or `background` pads are wished.

    When it shuts, every pad is at rest for the game. When it opens, sticks count at once, and a
    button or trigger that is held counts when it is pressed again: it belongs to what was on the
    screen before. That a pad was plugged in or out is passed on in any case. May be used on any
    thread; `send` must return at once.
    """

    def __init__(self, *, background: bool) -> None:
        self._background = background
        self._lock = threading.Lock()
        self._send: Send | None = None
        self._open = self._active = False
        self._newest: dict[int, PadState] = {}
        self._sent: dict[int, PadState] = {}
        self._held_before: dict[int, frozenset[int]] = {}
        """Buttons that count only once they were let go, by the index of their pad."""

    @property
    def passing(self) -> bool:
        return self._open and (self._active or self._background)

    def connect(self, send: Send) -> None:
        """Where the states go."""
        with self._lock:
            self._send = send

    def change(
        self,
        *,
        is_open: bool | None = None,
        active: bool | None = None,
        background: bool | None = None,
    ) -> None:
        """Whether the game takes input, whether its window is active, and whether pads reach it
        while it is not; None: as before."""
        with self._lock:
            before = self.passing
            self._background = self._background if background is None else background
            self._open = self._open if is_open is None else is_open
            self._active = self._active if active is None else active
            if self.passing != before:
                self._begin_anew()

    def released(self) -> None:
        """The game was told that nothing is held (`ReleaseAll`)."""
        with self._lock:
            self._sent = {index: at_rest(pad) for index, pad in self._sent.items()}
            self._begin_anew()

    def put(self, pad: PadState, *, anew: bool = False) -> None:
        """The newest state of a pad. `anew`: what it holds was not for the game."""
        with self._lock:
            if pad.connected:
                self._newest[pad.index] = pad
                if anew or pad.index not in self._sent:  # or just plugged in
                    self._held_before[pad.index] = _pressed(pad)
                if self._held_before.get(pad.index):
                    self._held_before[pad.index] &= _pressed(pad)
                self._say(pad)
            else:
                self._newest.pop(pad.index, None)
                self._held_before.pop(pad.index, None)
                if self._sent.pop(pad.index, None) is not None and self._send is not None:
                    self._send(pad)

    def unplug_all(self) -> None:
        """Nobody reads them any more: the game keeps nothing of what they held."""
        for index in tuple(self._newest):
            self.put(PadState(index, False))

    def _begin_anew(self) -> None:
        for pad in self._newest.values():
            self._held_before[pad.index] = _pressed(pad)
            self._say(pad)

    def _say(self, pad: PadState) -> None:
        """Send the pad as the game may see it, if that is news."""
        seen = self._without(pad) if self.passing else at_rest(pad)
        before = self._sent.get(pad.index)
        if before is not None and _are_same(before, seen):
            return
        self._sent[pad.index] = seen
        if self._send is not None:
            self._send(seen)

    def _without(self, pad: PadState) -> PadState:
        """The pad without the buttons that were held before."""
        held = self._held_before.get(pad.index)
        if not held:
            return pad
        buttons = (0.0 if at in held else value for at, value in enumerate(pad.buttons))
        return replace(pad, buttons=tuple(buttons))


def _are_same(one: PadState, other: PadState) -> bool:
    """But for their times."""
    return (
        one.axes == other.axes
        and one.buttons == other.buttons
        and (one.connected, one.name, one.rumbles) == (other.connected, other.name, other.rumbles)
    )


def _pressed(pad: PadState) -> frozenset[int]:
    return frozenset(at for at, value in enumerate(pad.buttons) if value > _PRESSED_FROM)
