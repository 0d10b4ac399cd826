"""PortAudio is set up once for the process, and that may be done anew while a microphone is open.

Setting it up anew is how PortAudio sees new devices, and it closes every stream. `default_output`
does it, and only while no sound is played: never for the sake of a microphone. Whoever takes sound
in joins here, lets go before, and opens its device again by itself afterwards.
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
        """Meanwhile nobody sets it up anew. For opening and closing a stream."""
        with self._lock:
            yield

    @contextmanager
    def anew(self) -> Iterator[None]:
        """Every input is closed; meanwhile none is opened."""
        with self._lock:
            for let_go in tuple(self._inputs.values()):
                let_go()
            yield

    def join(self, let_go: Callable[[], None]) -> Callable[[], None]:
        """`let_go()` closes an input that was opened, on the thread of whoever sets it up anew.
        Returns how to leave."""
        with self._lock:
            self._joined += 1
            number = self._joined
            self._inputs[number] = let_go

        def leave() -> None:
            with self._lock:
                self._inputs.pop(number, None)

        return leave


SETUP: Final = SoundSetup()
"""The one of this process, as PortAudio is one."""
