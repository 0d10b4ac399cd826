"""Events of keyboard, pointer, wheel, gamepads and view, from the window to the input module.

Positions are in CSS pixels (device pixels / device pixel ratio) of the view, which is the
letterboxed picture: 0, 0 is its top left corner. Times are seconds of the boot clock.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Modifiers(enum.Flag):
    """Held when the event happened, as KeyboardEvent.getModifierState names them."""

    NONE = 0
    SHIFT = enum.auto()
    CONTROL = enum.auto()
    ALT = enum.auto()
    META = enum.auto()
    ALT_GRAPH = enum.auto()
    CAPS_LOCK = enum.auto()
    NUM_LOCK = enum.auto()


class Location(enum.IntEnum):
    """KeyboardEvent.location."""

    STANDARD = 0
    LEFT = 1
    RIGHT = 2
    NUMPAD = 3


class Button(enum.IntEnum):
    """MouseEvent.button. In `buttons` they are bits: left 1, right 2, middle 4, back 8, forward 16
    (MouseEvent.buttons)."""

    LEFT = 0
    MIDDLE = 1
    RIGHT = 2
    BACK = 3
    FORWARD = 4

    @property
    def bit(self) -> int:
        return (1, 4, 2, 8, 16)[self]


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """A key went down, repeated while down, or up. `repeat` is only true with `pressed`."""

    code: str
    key: str
    pressed: bool
    location: Location = Location.STANDARD
    modifiers: Modifiers = Modifiers.NONE
    repeat: bool = False
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class PointerMove:
    """`dx`, `dy`: MouseEvent.movementX and Y, in device pixels as Chromium counts them; while
    captured, `x` and `y` stand still."""

    dx: float
    dy: float
    x: float
    y: float
    buttons: int = 0
    modifiers: Modifiers = Modifiers.NONE
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class PointerButton:
    """`buttons`: what is held after this event. `clicks`: UIEvent.detail (1, 2 for a double)."""

    button: Button
    pressed: bool
    x: float
    y: float
    buttons: int = 0
    clicks: int = 1
    modifiers: Modifiers = Modifiers.NONE
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Wheel:
    """In eighths of a degree as Qt counts, 120 for a notch; positive right and away from the
    player (WheelEvent.deltaY has the other sign)."""

    turn_x: int
    turn_y: int
    x: float
    y: float
    buttons: int = 0
    modifiers: Modifiers = Modifiers.NONE
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class PadState:
    """A whole gamepad, `mapping` "standard". `buttons`: 0 to 1 each, 17 of them; `axes`: -1 to 1,
    left x, left y, right x, right y, positive right and down. Not `connected`: it was unplugged.
    `rumbles`: it can vibrate."""

    index: int
    connected: bool
    name: str = ""
    buttons: tuple[float, ...] = ()
    axes: tuple[float, ...] = ()
    rumbles: bool = False
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class View:
    """Where the picture is and what the player sees of it. Changes are sent whole.

    `width`, `height`: of the letterboxed picture, CSS pixels. `left`, `top`: of the picture in the
    window. `window_width`, `window_height`, `screen_width`, `screen_height`: CSS pixels.
    `captured`: the pointer is locked to the view.
    """

    left: float = 0.0
    top: float = 0.0
    width: float = 1280.0
    height: float = 720.0
    window_width: float = 1280.0
    window_height: float = 720.0
    screen_width: float = 1920.0
    screen_height: float = 1080.0
    device_pixel_ratio: float = 1.0
    focused: bool = True
    visible: bool = True
    full_screen: bool = False
    captured: bool = False


@dataclass(frozen=True, slots=True)
class ReleaseAll:
    """Everything held counts as released: a card opened, the focus was lost, or input is closed."""

    at: float = 0.0
    modifiers: Modifiers = Modifiers.NONE


InputEvent = KeyEvent | PointerMove | PointerButton | Wheel | PadState | View | ReleaseAll
