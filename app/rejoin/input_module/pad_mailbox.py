"""States of gamepads on a pipe of their own, which wakes nobody: they lie until they are read.

A module sees a gamepad only while it runs, and it runs for a command or a timer. So it is enough
that the process reads the newest states before each of both (docs/adr/0087). Not on Windows.
"""

from __future__ import annotations

import os
import select
import struct
from collections import deque
from typing import Final

from rejoin.input_module import frames
from rejoin.input_module.frames import Kind

DESCRIPTOR: Final = 2
"""Where the process has the pipe's end: a closed-in process has no standard error."""

_AFTER: Final = struct.Struct("<I")
_COUNTS: Final = 1 << 32
_CHUNK: Final = 65_536
"""As much as such a pipe holds."""


class Sender:
    """The parent's end. Raises OSError where there can be no pipe."""

    def __init__(self) -> None:
        self.descriptor, self._write = os.pipe()
        """`descriptor`: the other end, for the process, until `started`."""
        os.set_blocking(self._write, False)
        self._is_open = True

    def started(self) -> None:
        """The process has its end, or there will be none."""
        os.close(self.descriptor)

    def put(self, after: int, command: bytes) -> bool:
        """Lay down a command that counts after so many frames of the other pipe. False: there is no
        room or nobody to read it, and nothing was laid down."""
        frame = frames.encode(Kind.PAD, _AFTER.pack(after % _COUNTS) + command)
        if not self._is_open or len(frame) > select.PIPE_BUF:  # more might be written in part
            return False
        try:
            os.write(self._write, frame)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """May be called twice."""
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
        self._decoder = frames.Decoder(select.PIPE_BUF)
        self._lying: deque[tuple[int, bytes]] = deque()

    def fetch(self) -> None:
        """Read what lies there. To be called after each reading of the other pipe: what was laid
        down before a frame is then there before that frame is taken."""
        if not self._poll.poll(0):  # mostly: an exception would take longer
            return
        try:
            data = os.read(self._descriptor, _CHUNK)
        except OSError:
            return
        for _, payload in self._decoder.feed(data):
            (after,) = _AFTER.unpack_from(payload)
            self._lying.append((after, payload[_AFTER.size :]))

    def due(self, taken: int) -> list[bytes]:
        """The commands that count now that so many frames were taken, in order."""
        found = []
        while self._lying and (taken - self._lying[0][0]) % _COUNTS < _COUNTS // 2:
            found.append(self._lying.popleft()[1])
        return found
