"""When the kernel received a datagram, which is earlier than when our event loop comes to it.

Congestion control reads differences of a millisecond in arrival times as a growing queue; the loop
of a busy machine is later than that (measured: 0.7 ms in the median, 10 ms in one packet of twenty
while a connection is made).
"""

from __future__ import annotations

import struct
import sys
import time
from typing import Protocol

ASK_EVERY_S = 0.0005
LATE_S = 0.001
"""The kernel's time stamp is read once in `ASK_EVERY_S`, and for every datagram while the last one
was this late. Otherwise a datagram counts as late as the last one. Reading costs a microsecond."""

NOT_LATER_THAN_S = 1.0
"""More is not believed: the kernel stamps by the wall clock, which somebody has set meanwhile."""

_SIOCGSTAMPNS = 0x8907
"""asm-generic/sockios.h: the stamp of the datagram that was read last, as a struct timespec."""
_TIMESPEC = struct.Struct("@ll")


class HasFileno(Protocol):
    """A socket."""

    def fileno(self) -> int: ...


class Lateness:
    """How long ago the datagram that was read last from this socket arrived."""

    def __init__(self, sock: HasFileno | None) -> None:
        self._sock = sock
        self._asked_at = float("-inf")
        self._late_s = 0.0
        self._stamp = bytearray(_TIMESPEC.size)
        self._ask()  # the kernel stamps only what arrives after the first reading

    def seconds(self, now: float) -> float:
        """`now`: boot time. 0 where the system does not say."""
        if now - self._asked_at >= ASK_EVERY_S or self._late_s >= LATE_S:
            self._asked_at = now
            self._late_s = self._ask()
        return self._late_s

    def _ask(self) -> float:
        if sys.platform == "linux" and self._sock is not None:
            import fcntl

            try:
                fcntl.ioctl(self._sock.fileno(), _SIOCGSTAMPNS, self._stamp)
            except (OSError, ValueError):
                return 0.0  # nothing was stamped yet, or the socket is closed
            seconds, nanoseconds = _TIMESPEC.unpack(self._stamp)
            late_s = time.time() - seconds - nanoseconds * 1e-9
            return late_s if 0.0 <= late_s < NOT_LATER_THAN_S else 0.0
        return 0.0
