"""Coordinates the reinitialisation of PortAudio, of which a process has one.

PortAudio sees new devices only when it is reinitialised, which closes every stream.
`default_output` does it, only while no sound plays, and never for a microphone. An input registers
here with `join`: it is closed before, and opens its device again by itself afterwards.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final


class SoundSetup:
    """May be used on any thread."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._inputs: dict[int, Callable[[], None]] = {}
        self._joined = 0

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Prevents a reinitialisation while a stream is opened or closed."""
        with self._lock:
            yield

    @contextmanager
    def anew(self) -> Iterator[None]:
        """Reinitialise inside this: every input is closed, and none is opened meanwhile."""
        with self._lock:
            for let_go in tuple(self._inputs.values()):
                let_go()
            yield

    def join(self, let_go: Callable[[], None]) -> Callable[[], None]:
        """Register an input. `let_go()` closes it, on the thread that reinitialises. Returns a
        function that unregisters it."""
        with self._lock:
            self._joined += 1
            number = self._joined
            self._inputs[number] = let_go

        def leave() -> None:
            with self._lock:
                self._inputs.pop(number, None)

        return leave


SETUP: Final = SoundSetup()
"""The instance of this process."""
