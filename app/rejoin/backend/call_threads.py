"""A bounded number of threads for blocking calls, which do not delay the end of the program.

The interpreter waits for the threads of `concurrent.futures` when it ends: a service that does not
answer would delay it for the duration of a try.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, TypeVar

_T = TypeVar("_T")
_Item = tuple["Future[Any]", Callable[[], Any]]


class CallThreads(Executor):
    """At most `count` threads; a call starts one if no other is idle."""

    def __init__(self, count: int, name: str) -> None:
        self._count, self._name = count, name
        self._waiting: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._begun = 0
        self._closed = False
        self._lock = threading.Lock()

    def submit(self, fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> Future[_T]:
        """Raises RuntimeError after `shutdown`."""
        future: Future[_T] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("The threads have ended.")
            self._waiting.put((future, partial(fn, *args, **kwargs)))
            if not self._idle.acquire(blocking=False) and self._begun < self._count:
                name = f"{self._name}_{self._begun}"
                self._begun += 1
                threading.Thread(target=self._run, name=name, daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept no more calls; running ones continue, and nobody waits for them.

        `cancel_futures`: calls that wait for a thread do not begin either. `wait`: ignored.
        """
        with self._lock:
            self._closed = True
            while cancel_futures:
                try:
                    item = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if item is not None:
                    item[0].cancel()
            for _ in range(self._begun):
                self._waiting.put(None)

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            future, work = item
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except BaseException as error:
                    future.set_exception(error)
            del item, future, work
            self._idle.release()
