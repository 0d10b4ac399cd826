"""Gamepads of SDL's own, without hardware, in the process that reads them."""

from __future__ import annotations

import ctypes
from typing import Final

from rejoin.gamepads import sdl_library

A, B, X, Y = 0, 1, 2, 3
VIEW, MENU = 4, 6
DPAD_UP, DPAD_DOWN, DPAD_LEFT, DPAD_RIGHT = 11, 12, 13, 14
LEFT_X, LEFT_Y, LEFT_TRIGGER = 0, 1, 4
"""Buttons and axes of SDL's, which a virtual pad has in the same order."""

_GAME_CONTROLLER: Final = 1
_AXES: Final = 6
_BUTTONS: Final = 15

_Rumble = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint16, ctypes.c_uint16)


class _Description(ctypes.Structure):
    """SDL_VirtualJoystickDesc, version 1."""

    _fields_ = (
        ("version", ctypes.c_uint16),
        ("type", ctypes.c_uint16),
        ("naxes", ctypes.c_uint16),
        ("nbuttons", ctypes.c_uint16),
        ("nhats", ctypes.c_uint16),
        ("vendor_id", ctypes.c_uint16),
        ("product_id", ctypes.c_uint16),
        ("padding", ctypes.c_uint16),
        ("button_mask", ctypes.c_uint32),
        ("axis_mask", ctypes.c_uint32),
        ("name", ctypes.c_char_p),
        ("userdata", ctypes.c_void_p),
        ("Update", ctypes.c_void_p),
        ("SetPlayerIndex", ctypes.c_void_p),
        ("Rumble", _Rumble),
        ("RumbleTriggers", ctypes.c_void_p),
        ("SetLED", ctypes.c_void_p),
        ("SendEffect", ctypes.c_void_p),
    )


class VirtualPad:
    """One gamepad. SDL has to be in use already (`reader.Gamepads.open`, `SdlSource`)."""

    def __init__(self, name: str = "Virtual pad", *, vendor: int = 0, product: int = 0) -> None:
        sdl = self._sdl = sdl_library.load()
        sdl.SDL_JoystickAttachVirtualEx.argtypes = [ctypes.POINTER(_Description)]
        sdl.SDL_JoystickFromInstanceID.restype = ctypes.c_void_p
        sdl.SDL_JoystickFromInstanceID.argtypes = [ctypes.c_int32]
        sdl.SDL_JoystickSetVirtualButton.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint8]
        sdl.SDL_JoystickSetVirtualAxis.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int16]
        self.rumbled: list[tuple[int, int]] = []
        """What its motors were set to: low and high frequency, 0 to 65535."""
        self._description = _Description(
            version=1,
            type=_GAME_CONTROLLER,
            naxes=_AXES,
            nbuttons=_BUTTONS,
            vendor_id=vendor,
            product_id=product,
            name=name.encode(),
            Rumble=_Rumble(self._rumble),
        )
        device = sdl.SDL_JoystickAttachVirtualEx(ctypes.byref(self._description))
        assert device >= 0, sdl.SDL_GetError()
        self.instance: int = sdl.SDL_JoystickGetDeviceInstanceID(device)

    def press(self, button: int) -> None:
        self._button(button, 1)

    def release(self, button: int) -> None:
        self._button(button, 0)

    def move(self, axis: int, value: int) -> None:
        """-32768 to 32767."""
        joystick = self._sdl.SDL_JoystickFromInstanceID(self.instance)
        assert joystick is not None, "nobody reads it yet"
        assert self._sdl.SDL_JoystickSetVirtualAxis(joystick, axis, value) == 0

    def unplug(self) -> None:
        for device in range(self._sdl.SDL_NumJoysticks()):
            if self._sdl.SDL_JoystickGetDeviceInstanceID(device) == self.instance:
                assert self._sdl.SDL_JoystickDetachVirtual(device) == 0
                return

    def _button(self, button: int, pressed: int) -> None:
        joystick = self._sdl.SDL_JoystickFromInstanceID(self.instance)
        assert joystick is not None, "nobody reads it yet"
        assert self._sdl.SDL_JoystickSetVirtualButton(joystick, button, pressed) == 0

    def _rumble(self, _userdata: int, low: int, high: int) -> int:
        self.rumbled.append((low, high))
        return 0
