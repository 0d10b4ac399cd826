"""What a player of a test does: keys, pointer, gamepad and application messages."""

from __future__ import annotations

from collections.abc import Callable

from rejoin.clock import boot_s
from rejoin.input_events.events import (
    Button,
    InputEvent,
    KeyEvent,
    PadState,
    PointerButton,
    PointerMove,
)
from rejoin.input_module.port import ModuleFacts
from rejoin.runtime.player import Player


class PlayerInput:
    """Sends all input through the service's input module; it is lost while input is not open."""

    def __init__(self, player: Callable[[], Player]) -> None:
        self._player = player
        self._x, self._y = 0.0, 0.0

    def press(self, code: str, key: str = "") -> None:
        """A key goes down. `code`: KeyboardEvent.code, such as "KeyW". `key`: KeyboardEvent.key;
        without it that of an American keyboard for letters and digits, else the code."""
        self.send(KeyEvent(code, key or _key(code), pressed=True, at=boot_s()))

    def release(self, code: str, key: str = "") -> None:
        """A key goes up."""
        self.send(KeyEvent(code, key or _key(code), pressed=False, at=boot_s()))

    def tap(self, code: str, key: str = "") -> None:
        """A key goes down and up."""
        self.press(code, key)
        self.release(code, key)

    def move(self, x: float, y: float) -> None:
        """The pointer moves to this place of the view, in CSS pixels."""
        moved = PointerMove(x - self._x, y - self._y, x, y, at=boot_s())
        self._x, self._y = x, y
        self.send(moved)

    def click(self, button: str = "left") -> None:
        """A button of the pointer (left, middle, right, back, forward) goes down and up, where the
        pointer is."""
        which = Button[button.upper()]
        for pressed, held in ((True, which.bit), (False, 0)):
            self.send(PointerButton(which, pressed, self._x, self._y, held, at=boot_s()))

    def pad(
        self, *pressed: int, axes: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    ) -> None:
        """The state of a gamepad from now on. `pressed`: buttons of the standard mapping (0 to
        16)."""
        buttons = tuple(float(number in pressed) for number in range(17))
        self.send(PadState(0, True, "Rejoin test pad", buttons, axes, at=boot_s()))

    def message(self, data: bytes) -> None:
        """Send the game an application message. Raises BadInputError if it is too long."""
        self._player().send_application_message(data)

    def send(self, event: InputEvent) -> None:
        """Any other event of `rejoin.input_events.events`."""
        self._player().send_input(event)

    @property
    def facts(self) -> ModuleFacts:
        """Facts about what the input module did so far."""
        return self._player().input_facts()


def _key(code: str) -> str:
    """KeyboardEvent.key of letters and digits; the code itself for others, as Enter has it."""
    for prefix in ("Key", "Digit"):
        if code.startswith(prefix) and len(code) == len(prefix) + 1:
            return code[-1].lower()
    return " " if code == "Space" else code
