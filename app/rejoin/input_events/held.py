"""The held keys and buttons, derived from the events: one value after each event.

Pure. It serves to release everything: `releases` are the events with which ended input lets go of
all keys. Pointer and wheel hold nothing; of the pointer only its last position is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rejoin.input_events.events import (
    Button,
    InputEvent,
    KeyEvent,
    PadState,
    PointerButton,
    PointerMove,
    ReleaseAll,
)


@dataclass(frozen=True, slots=True)
class Held:
    """`keys`: the press of each key that is down, oldest first. `buttons`: bits as in
    MouseEvent.buttons. `pads`: the newest state of each gamepad that is plugged in. `x`, `y`: where
    the pointer was last, CSS pixels of the view."""

    keys: tuple[KeyEvent, ...] = ()
    buttons: int = 0
    pads: tuple[PadState, ...] = ()
    x: float = 0.0
    y: float = 0.0

    @property
    def codes(self) -> frozenset[str]:
        """The codes of the keys that are down."""
        return frozenset(key.code for key in self.keys)

    @property
    def anything(self) -> bool:
        """Whether a key, a mouse button or a part of a gamepad is held."""
        return bool(self.keys or self.buttons or any(map(_is_held, self.pads)))

    def after(self, event: InputEvent) -> Held:
        """The held keys and buttons after this event."""
        match event:
            case KeyEvent():
                if event.pressed and event.code in self.codes:
                    return self  # a repeat
                others = tuple(key for key in self.keys if key.code != event.code)
                return replace(self, keys=(*others, event) if event.pressed else others)
            case PointerMove():
                return replace(self, x=event.x, y=event.y)
            case PointerButton():
                bit = event.button.bit
                buttons = self.buttons | bit if event.pressed else self.buttons & ~bit
                return replace(self, buttons=buttons, x=event.x, y=event.y)
            case PadState():
                pads = tuple(pad for pad in self.pads if pad.index != event.index)
                return replace(self, pads=(*pads, event) if event.connected else pads)
            case ReleaseAll():
                return replace(self, keys=(), buttons=0, pads=tuple(map(at_rest, self.pads)))
            case _:
                return self

    def releases(self, at: float = 0.0) -> tuple[InputEvent, ...]:
        """The events after which nothing is held: keys, newest first, then buttons and gamepads."""
        events: list[InputEvent] = [
            replace(key, pressed=False, repeat=False, at=at) for key in reversed(self.keys)
        ]
        left = self.buttons
        for button in Button:
            if left & button.bit:
                left &= ~button.bit
                events.append(PointerButton(button, False, self.x, self.y, left, at=at))
        events += [replace(at_rest(pad), at=at) for pad in self.pads if _is_held(pad)]
        return tuple(events)


def _is_held(pad: PadState) -> bool:
    return any(pad.buttons) or any(pad.axes)


def at_rest(pad: PadState) -> PadState:
    """The same gamepad with nothing held."""
    return replace(pad, buttons=(0.0,) * len(pad.buttons), axes=(0.0,) * len(pad.axes))
