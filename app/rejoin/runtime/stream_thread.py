"""The stream thread: one asyncio event loop on a thread of its own, apart from the GUI's."""

from __future__ import annotations

import asyncio
import functools
import gc
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")

SWITCH_INTERVAL_S = 0.0005
"""How long a thread may hold the interpreter lock while another one waits for it (media.md)."""


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's event loop if it is installed (not on Windows), else None: asyncio's.

    uvloop saves a fifth of the stream thread's CPU time (6.1 instead of 7.4 % of a core at 720p60
    and 15 Mbit/s, emulator, loopback, 2026-11-27).
    """
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def freeze_startup_objects() -> None:
    """Prepare the interpreter for a stream, once everything is imported.

    Makes threads switch quickly, and excludes all objects that exist by now (modules, classes,
    schemas, tables) from garbage collection: with them, a full collection stopped every thread for
    80 ms, in the middle of about one in fifteen rejoins (measured 2026-11-28). Done only once:
    garbage that exists at that moment is never freed, and there is little of it at the start.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    _freeze_once()


@functools.cache
def _freeze_once() -> None:
    """Not by `gc.get_freeze_count`: Python 3.12 freezes some objects itself when it starts."""
    gc.freeze()


class StreamThread(Generic[_T]):
    """Runs one coroutine to its end on an event loop of its own thread.

    `on_done` is called on that thread when the coroutine has ended, however it ended.
    """

    def __init__(
        self,
        main: Callable[[], Coroutine[Any, Any, _T]],
        *,
        on_done: Callable[[], None] | None = None,
    ) -> None:
        self._main = main
        self._on_done = on_done
        self._result: _T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="stream", daemon=True)

    def start(self) -> None:
        freeze_startup_objects()
        self._thread.start()

    def join(self, timeout_s: float | None = None) -> _T | None:
        """Wait for the end and return the result; None if the coroutine still runs.

        Raises what the coroutine raised.
        """
        self._thread.join(timeout_s)
        if self._error is not None:
            raise self._error
        return self._result

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                self._result = runner.run(self._main())
        except BaseException as error:
            self._error = error
        finally:
            if self._on_done is not None:
                self._on_done()
