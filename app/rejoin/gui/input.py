"""Keyboard, buttons, pointer and wheel -> `Controls`: everything that is held, as one value.

Keys are positions, not letters (`key_positions`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QWheelEvent

from rejoin.gui.key_positions import identity_of, usage_of
from rejoin.input_protocol.controls import Controls

_U32 = 0xFFFFFFFF

_BUTTONS: dict[Qt.MouseButton, int] = {
    Qt.MouseButton.LeftButton: 1,
    Qt.MouseButton.RightButton: 2,
    Qt.MouseButton.MiddleButton: 4,
}


@dataclass(slots=True)
class PointerTravel:
    """How far the pointer moved since last time, not counting the moves that we made ourselves.

    Positions are global, in pixels. Travel is in whole pixels; fractions are carried over.
    """

    _last: tuple[float, float] | None = None
    _warp: tuple[float, float] | None = None
    _rest_x: float = 0.0
    _rest_y: float = 0.0

    def begin(self, x: float, y: float) -> None:
        """The pointer is here; it has not moved yet."""
        self._last, self._warp = (x, y), None
        self._rest_x = self._rest_y = 0.0

    def warped(self, x: float, y: float) -> None:
        """We moved the pointer here; positions from before that may still arrive."""
        self._warp = (x, y)

    def moved(self, x: float, y: float) -> tuple[int, int]:
        """The pointer is here now; returns its travel rightwards and downwards."""
        if self._last is None:
            self.begin(x, y)
            return 0, 0
        from_x, from_y = self._last
        if self._warp is not None:
            warp_x, warp_y = self._warp
            # Nearer to where we put it than to where it was: the warp has taken effect.
            if (x - warp_x) ** 2 + (y - warp_y) ** 2 < (x - from_x) ** 2 + (y - from_y) ** 2:
                from_x, from_y = warp_x, warp_y
                self._warp = None
        self._last = (x, y)
        self._rest_x += x - from_x
        self._rest_y += y - from_y
        dx, dy = int(self._rest_x), int(self._rest_y)
        self._rest_x -= dx
        self._rest_y -= dy
        return dx, dy


class HeldControls:
    """Everything the player holds. `send` is called on each change, and never while closed.

    The window opens and closes it. Closing releases everything and sends that once; input while
    closed is dropped, never queued. A key is released by the code it was pressed with, so that a
    change of layout or Shift in between leaves no key stuck.
    """

    def __init__(self, send: Callable[[Controls], None]) -> None:
        self._send = send
        self._open = False
        self._pressed: dict[int, int] = {}
        self._buttons = 0
        self._x = self._y = self._wheel = 0

    @property
    def is_open(self) -> bool:
        return self._open

    @property
    def controls(self) -> Controls:
        return Controls(
            frozenset(self._pressed.values()), self._buttons, self._x, self._y, self._wheel
        )

    def open(self) -> None:
        self._open = True

    def close(self) -> None:
        self.release_all()
        self._open = False

    def release_all(self) -> None:
        """Release everything and send that, if anything was held."""
        held = self.controls.held
        self._pressed.clear()
        self._buttons = 0
        if held and self._open:
            self._send(self.controls)

    def key(self, identity: int, usage: int, pressed: bool) -> None:
        """`identity`: `key_positions.identity_of`, the same for press and release of a key."""
        if not self._open:
            return
        before = self.controls
        if pressed:
            self._pressed[identity] = usage
        else:
            self._pressed.pop(identity, None)
        if self.controls != before:
            self._send(self.controls)

    def button(self, button: Qt.MouseButton, pressed: bool) -> None:
        bit = _BUTTONS.get(button, 0)
        buttons = self._buttons | bit if pressed else self._buttons & ~bit
        if self._open and buttons != self._buttons:
            self._buttons = buttons
            self._send(self.controls)

    def travel(self, dx: int, dy: int) -> None:
        """Pixels rightwards and downwards."""
        if self._open and (dx or dy):
            self._x, self._y = (self._x + dx) & _U32, (self._y + dy) & _U32
            self._send(self.controls)

    def wheel(self, eighths_of_degree: int) -> None:
        """Positive: turned away from the player."""
        if self._open and eighths_of_degree:
            self._wheel = (self._wheel + eighths_of_degree) & _U32
            self._send(self.controls)


def send_key(controls: HeldControls, event: QKeyEvent, *, pressed: bool) -> None:
    """Send a key to the game by its position; key repeat is ignored."""
    if event.isAutoRepeat():
        return
    usage = usage_of(
        event.key(),
        event.nativeScanCode(),
        QGuiApplication.platformName(),
        event.nativeVirtualKey(),
    )
    if usage is not None:
        controls.key(identity_of(event), usage, pressed)


_TRANSPOSING = ("xcb", "wayland", "windows")
"""Qt's platforms that swap the axes of the wheel while Alt is held."""


def vertical_turn(event: QWheelEvent, platform: str | None = None) -> int:
    """How far the wheel turned, in eighths of a degree, positive away from the player.

    With Alt held some platforms report it as the other axis. `platform`: Qt's name; None: this one.
    """
    turned = event.angleDelta()
    if not event.modifiers() & Qt.KeyboardModifier.AltModifier:
        return turned.y()
    if (platform or QGuiApplication.platformName()).startswith(_TRANSPOSING):
        return turned.x()
    return turned.y() or turned.x()
