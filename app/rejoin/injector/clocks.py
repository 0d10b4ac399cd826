"""The clocks of a client that sleeps or whose wall clock is set: those of this process alone.

The system's clock is not changed. The wall clock is `time.time` and `time.time_ns`; clocks read in
C, such as OpenSSL's for the dates of certificates, do not jump.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from rejoin.clock import Clock, awake_s


class Clocks:
    """A client's clock of awake time, and this process's wall clock."""

    def __init__(self, awake_clock: Clock = awake_s) -> None:
        self._awake_clock = awake_clock
        self._slept_s = 0.0
        self._real: tuple[Callable[[], float], Callable[[], int]] | None = None

    def awake_s(self) -> float:
        """Awake time, which stands still while the client is made to sleep."""
        return self._awake_clock() - self._slept_s

    def sleep(self, asleep_s: float) -> None:
        """Block this thread, and count the time as sleep of the machine."""
        began_at = self._awake_clock()
        time.sleep(asleep_s)
        self._slept_s += self._awake_clock() - began_at

    def jump(self, by_s: float) -> None:
        """Let the wall clock of this process be `by_s` off the real one, until `set_right`."""
        if self._real is None:
            self._real = time.time, time.time_ns
        real_s, real_ns = self._real
        time.time = lambda: real_s() + by_s
        time.time_ns = lambda: real_ns() + round(by_s * 1e9)

    def set_right(self) -> None:
        """Show the real time again."""
        if self._real is not None:
            time.time, time.time_ns = self._real
            self._real = None
