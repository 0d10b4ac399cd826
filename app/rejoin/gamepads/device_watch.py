"""Waits on Linux until the device of a gamepad has something to say, instead of asking every 8 ms.

SDL reads the devices. Here each is opened once more and never read: the kernel gives every opener
of an evdev device all events, in a buffer of its own, and epoll says at each packet that there is
one (edge-triggered). A third opening has a mask, so that sticks and triggers do not wake it: while
they move they are looked at once in 16 ms, and buttons at once, as ever. docs/adr/0087.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import select
import struct
import threading
import time
from collections.abc import Callable
from typing import Final

BUSY_EVERY_S: Final = 0.016
"""How often sticks are looked at that may move; `pads.JOIN_S` is as long."""
QUIET_EVERY_S: Final = 0.050
"""How often SDL is asked although no device said anything: what is plugged in, motors that shall
stop."""
BUSY_S: Final = 0.1
"""So long after an event sticks may move."""

EVIOCSMASK: Final = 0x40104593
"""linux/input.h: _IOW('E', 0x93, struct input_mask), since Linux 4.4."""
_MASK: Final = struct.Struct("=IIQ")
"""Event type, bytes of the codes, their address."""
_EV_ABS: Final = 3
_EV_MSC: Final = 4
_ABS_BYTES: Final = 8
_HATS: Final = bytes((0, 0, 0xFF, 0, 0, 0, 0, 0))
"""Of 64 axes those from ABS_HAT0X (16) to ABS_HAT3Y (23), which are the cross of many pads."""

OpenDevice = Callable[[str, bool], int]


def open_device(path: str, buttons_alone: bool) -> int:
    """A descriptor that can be waited for; `buttons_alone`: not for sticks and triggers.

    Raises OSError, also where the kernel has no masks or this is no evdev device.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if buttons_alone:
            for kind, codes in ((_EV_ABS, _HATS), (_EV_MSC, bytes(_ABS_BYTES))):
                kept = array.array("B", codes)
                address, size = kept.buffer_info()
                fcntl.ioctl(descriptor, EVIOCSMASK, _MASK.pack(kind, size, address))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


class DeviceWatch:
    """Of all pads. On the thread of the gamepads alone, except for `wake`."""

    def __init__(self, opens: OpenDevice = open_device) -> None:
        self._opens = opens
        self._anything, self._buttons = select.epoll(), select.epoll()
        self._wakes = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        for each in (self._anything, self._buttons):
            each.register(self._wakes, select.EPOLLIN)
        self._devices: dict[int, tuple[int, int]] = {}
        self._busy_until = 0.0
        self._lock = threading.Lock()
        self._is_open = True

    def add(self, instance: int, path: str) -> None:
        """Watch this device, if that is possible. "": it is not."""
        self.remove(instance)
        if not path:
            return
        opened: list[int] = []
        try:
            for epoll, buttons_alone in ((self._anything, False), (self._buttons, True)):
                descriptor = self._opens(path, buttons_alone)
                opened.append(descriptor)
                epoll.register(descriptor, select.EPOLLIN | select.EPOLLET)
        except OSError:
            for descriptor in opened:
                os.close(descriptor)
            return
        anything, buttons = opened
        self._devices[instance] = (anything, buttons)
        # Something may have come before it was watched.
        self._busy_until = time.monotonic() + BUSY_S

    def remove(self, instance: int) -> None:
        """It is gone; nothing happens if it is not watched."""
        for descriptor in self._devices.pop(instance, ()):
            os.close(descriptor)  # epoll forgets what is closed

    def covers(self, count: int) -> bool:
        """Whether that many pads are all watched."""
        return len(self._devices) == count

    def wait(self, *, often: bool = False) -> None:
        """Until a device has something to say that cannot wait, `wake` is called, or it is time to
        ask. `often`: what is to be asked cannot wait for long."""
        is_busy = time.monotonic() < self._busy_until
        pause_s = BUSY_EVERY_S if is_busy or often else QUIET_EVERY_S
        said = (self._buttons if is_busy else self._anything).poll(pause_s)
        for descriptor, _ in said:
            if descriptor != self._wakes:
                self._busy_until = time.monotonic() + BUSY_S
                continue
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._wakes)

    def wake(self) -> None:
        """End the pause. On any thread; after `close` nothing happens."""
        with self._lock:
            if self._is_open:
                os.eventfd_write(self._wakes, 1)

    def close(self) -> None:
        for instance in list(self._devices):
            self.remove(instance)
        with self._lock:
            self._is_open = False
            os.close(self._wakes)
        self._anything.close()
        self._buttons.close()
