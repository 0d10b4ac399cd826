"""A gamepad that the kernel makes of what a program says (uinput), as others see a real one.

Needs /dev/uinput and the right to use it, which few machines for tests have.
"""

from __future__ import annotations

import fcntl
import os
import struct
from typing import Final

DEVICE: Final = "/dev/uinput"

EV_SYN, EV_KEY, EV_ABS = 0, 1, 3
BTN_SOUTH: Final = 0x130
BUTTONS: Final = tuple(range(0x130, 0x13F))
ABS_X, ABS_Y, ABS_HAT0X = 0, 1, 16
STICKS: Final = (0, 1, 2, 3, 4, 5)

_SET_EVENT, _SET_KEY, _SET_ABS = 0x40045564, 0x40045565, 0x40045567
_ABS_SETUP, _DEV_SETUP, _CREATE, _DESTROY = 0x401C5504, 0x405C5503, 0x5501, 0x5502
"""linux/uinput.h."""
_EVENT: Final = struct.Struct("@llHHi")


def available() -> bool:
    return os.access(DEVICE, os.R_OK | os.W_OK)


class UinputPad:
    """An Xbox 360 controller by its numbers, which SDL has a mapping of."""

    def __init__(self) -> None:
        self._file = os.open(DEVICE, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        for kind in (EV_KEY, EV_ABS):
            fcntl.ioctl(self._file, _SET_EVENT, kind)
        for button in BUTTONS:
            fcntl.ioctl(self._file, _SET_KEY, button)
        for axis in STICKS:
            self._axis(axis, 0 if axis in (2, 5) else -32768, 255 if axis in (2, 5) else 32767)
        for axis in (ABS_HAT0X, ABS_HAT0X + 1):
            self._axis(axis, -1, 1)
        name = b"Microsoft X-Box 360 pad"
        setup = struct.pack("@HHHH80sI", 3, 0x045E, 0x028E, 0x0114, name, 0)
        fcntl.ioctl(self._file, _DEV_SETUP, setup)
        fcntl.ioctl(self._file, _CREATE)

    def _axis(self, axis: int, least: int, most: int) -> None:
        fcntl.ioctl(self._file, _SET_ABS, axis)
        fcntl.ioctl(self._file, _ABS_SETUP, struct.pack("@Hxx6i", axis, 0, least, most, 0, 0, 0))

    def button(self, number: int, pressed: bool) -> None:
        self._say((EV_KEY, number, int(pressed)))

    def axis(self, *values: tuple[int, int]) -> None:
        """Axes and their values, in one report."""
        self._say(*((EV_ABS, number, value) for number, value in values))

    def _say(self, *events: tuple[int, int, int]) -> None:
        packet = b"".join(_EVENT.pack(0, 0, *event) for event in (*events, (EV_SYN, 0, 0)))
        os.write(self._file, packet)

    def close(self) -> None:
        fcntl.ioctl(self._file, _DESTROY)
        os.close(self._file)
