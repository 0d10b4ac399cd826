"""An event loop on a thread of its own, and calls into it that block the caller."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from rejoin.interpreter import loop_factory
from rejoin.tasks import spawn

_T = TypeVar("_T")
_WAKE_S: Final = 0.2
"""How often a waiting caller wakes: on Windows, Ctrl+C cannot interrupt the wait for a lock."""


class LoopThread:
    """Runs until `close`. The other methods are for any other thread."""

    def __init__(self, name: str) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        started = threading.Event()

        async def main() -> None:
            self._loop = asyncio.get_running_loop()
            started.set()
            await self._stopping.wait()

        def run() -> None:
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                runner.run(main())

        self._thread = threading.Thread(target=run, name=name, daemon=True)
        self._thread.start()
        started.wait()

    def call(self, make: Callable[[], Awaitable[_T]]) -> _T:
        """Await what `make` returns, on the loop, and raise what it raises. If the caller is
        interrupted, the awaited call is cancelled."""
        assert self._loop is not None
        done: concurrent.futures.Future[_T] = concurrent.futures.Future()
        tasks: list[asyncio.Task[None]] = []

        async def awaited() -> None:
            try:
                done.set_result(await make())
            except asyncio.CancelledError:
                done.cancel()
                raise
            except BaseException as error:
                done.set_exception(error)

        self._loop.call_soon_threadsafe(lambda: tasks.append(spawn(awaited(), name="call")))
        try:
            return _result(done)
        except BaseException:
            self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in tasks])
            raise

    def close(self) -> None:
        """Stop the loop and wait for its thread."""
        assert self._loop is not None
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()


def _result(done: concurrent.futures.Future[_T]) -> _T:
    while True:
        try:
            return done.result(_WAKE_S)
        except TimeoutError:
            if done.done():  # just now, or what was called raised it itself
                return done.result()
