"""Calls into the engine's event loop from any thread: kept before it runs, dropped afterwards."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass

Call = Callable[[], None]


@dataclass(frozen=True, slots=True)
class _NotStarted:
    kept: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class _Running:
    loop: asyncio.AbstractEventLoop
    thread_id: int


@dataclass(frozen=True, slots=True)
class _Ended:
    pass


class LoopAccess:
    """Access to one event loop. `enter` and `leave` are called on it, the rest on any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: _NotStarted | _Running | _Ended = _NotStarted()

    def enter(self) -> tuple[Call, ...]:
        """Use the running loop from now on. Returns the calls that were kept for it."""
        with self._lock:
            before = self._state
            self._state = _Running(asyncio.get_running_loop(), threading.get_ident())
        return before.kept if isinstance(before, _NotStarted) else ()

    def leave(self) -> None:
        """Accept no more calls."""
        with self._lock:
            self._state = _Ended()

    @property
    def is_on_loop_thread(self) -> bool:
        """Whether the caller is on the loop's thread, and the loop accepts calls."""
        state = self._state
        return isinstance(state, _Running) and state.thread_id == threading.get_ident()

    def call(self, call: Call) -> bool:
        """Make `call` on the loop soon; False if the loop does not run yet, or no longer."""
        with self._lock:
            state = self._state
        return isinstance(state, _Running) and _scheduled(state.loop, call)

    def call_or_keep(self, call: Call) -> None:
        """Like `call`, but before the loop runs the call is kept for `enter`."""
        with self._lock:
            state = self._state
            if isinstance(state, _NotStarted):
                self._state = _NotStarted((*state.kept, call))
        if isinstance(state, _Running):
            _scheduled(state.loop, call)


def _scheduled(loop: asyncio.AbstractEventLoop, call: Call) -> bool:
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:
        return False  # the loop is closed
    return True
