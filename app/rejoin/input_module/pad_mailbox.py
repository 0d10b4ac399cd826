"""States of gamepads on a pipe of their own, which wakes nobody: they wait there until they are
read.

A module sees a gamepad only while it runs, and it runs for a command or a timer. So it is enough
that the process reads the newest states before each of both (docs/adr/0087). Not on Windows.
"""

from __future__ import annotations

import os
import select
import struct
import threading
from collections import deque
from typing import Final

from rejoin.input_events.events import PadState
from rejoin.input_module import commands

DESCRIPTOR: Final = 2
"""Where the process has the pipe's end: a closed-in process has no standard error."""

_HEAD: Final = struct.Struct("<IBBB")
"""After how many frames of the other pipe it counts; the pad, its buttons, its axes. Then follow
the values, doubles: buttons, axes. No buttons: they are as they were; so it is only where no frame
came after the state before, which may have changed them."""
_COUNTS: Final = 1 << 32
_CHUNK: Final = 65_536
"""As much as such a pipe holds, so that what is read ends with a whole state."""

Numbers = tuple[float, ...]
"""A state, as the browser takes it: the pad, how many buttons and axes, their values; no buttons
where they are as they were."""


class Sender:
    """The parent's end. Raises OSError where there can be no pipe."""

    def __init__(self) -> None:
        self.descriptor, self._write = os.pipe()
        """`descriptor`: the other end, for the process, until `started`."""
        os.set_blocking(self._write, False)
        self._lock = threading.Lock()
        self._is_open = True
        self._last: dict[int, tuple[int, tuple[float, ...]]] = {}
        """Of each pad, after how many frames the last state counts, and its buttons."""

    def started(self) -> None:
        """The process has its end, or there will be none."""
        os.close(self.descriptor)

    def put(self, after: int, pad: PadState) -> bool:
        """Lay down buttons and axes of a pad that is known, which count after so many frames of the
        other pipe. On any thread. False: there is no room or nobody to read it, and nothing was
        laid down."""
        is_alike = self._last.get(pad.index) == (after, pad.buttons)
        buttons = [] if is_alike else commands.pad_buttons(pad)
        axes = commands.pad_axes(pad)
        head = _HEAD.pack(after % _COUNTS, pad.index, len(buttons), len(axes))
        values = struct.pack(f"<{len(buttons) + len(axes)}d", *buttons, *axes)
        with self._lock:  # a descriptor that was closed may be another file's
            if not self._is_open:
                return False
            try:
                os.write(self._write, head + values)  # as a whole: less than PIPE_BUF
            except OSError:
                return False
            self._last[pad.index] = (after, pad.buttons)
        return True

    def close(self) -> None:
        """May be called twice."""
        with self._lock:
            if self._is_open:
                self._is_open = False
                os.close(self._write)


class Receiver:
    """The end of the process."""

    def __init__(self, descriptor: int = DESCRIPTOR) -> None:
        self._descriptor = descriptor
        os.set_blocking(descriptor, False)  # here: libuv makes what it hands over blocking
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        self._lying: deque[tuple[int, Numbers]] = deque()
        self.is_open = True
        """Whether anything may come; what has ended need not be waited for."""

    def fetch(self) -> None:
        """Read the waiting states. Call it after each reading of the other pipe: states from before
        a frame are then known before that frame is handled."""
        if not self._poll.poll(0):  # mostly: an exception would take longer
            return
        try:
            data = os.read(self._descriptor, _CHUNK)
        except OSError:
            return
        self.is_open = bool(data)
        at = 0
        while at < len(data):
            after, index, buttons, axes = _HEAD.unpack_from(data, at)
            at += _HEAD.size
            values = struct.unpack_from(f"<{buttons + axes}d", data, at)
            at += 8 * len(values)
            self._lying.append((after, (index, buttons, axes, *values)))

    def due(self, taken: int) -> list[Numbers]:
        """The states that count now that so many frames were taken, in order."""
        found = []
        while self._lying and (taken - self._lying[0][0]) % _COUNTS < _COUNTS // 2:
            found.append(self._lying.popleft()[1])
        return found
