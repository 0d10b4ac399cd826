"""The stream thread: one asyncio loop away from the GUI, started once and ended once."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")

SWITCH_INTERVAL_S = 0.0005
"""How long another thread may hold the interpreter before it must hand over (media.md)."""


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's loop where it is installed (not on Windows), else None: asyncio's own.

    It saves a fifth of what the stream thread takes (7.4 and 6.1 % of a core at
    720p60 and 15 Mbit/s, emulator, loopback, 2026-11-27).
    """
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def settle() -> None:
    """Set the interpreter up for a stream, once everything is imported.

    Quick hand-overs between threads. And what exists by now (modules, classes, schemas, tables)
    is no business of the garbage collector any more: with it a full collection stopped every thread
    for 80 ms, about once in fifteen rejoins and in the middle of one (measured 2026-11-28). Done
    once: what waits for the collector then is kept for ever, and at the start that is little.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    if not gc.get_freeze_count():
        gc.freeze()


class StreamThread(Generic[_T]):
    """Runs one coroutine to its end on a loop of its own thread.

    `on_done` is called on that thread when the coroutine has ended, whatever way.
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
        settle()
        self._thread.start()

    def join(self, timeout_s: float | None = None) -> _T | None:
        """Wait for the end and return the result; None if it is still running.

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
