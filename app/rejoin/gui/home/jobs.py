"""Jobs: coroutines on a background event loop, whose outcome comes back on the GUI thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

from rejoin.errors import RejoinError
from rejoin.language import Message

if TYPE_CHECKING:
    import asyncio

_log = logging.getLogger("rejoin.home")
_T = TypeVar("_T")


class Job:
    """One piece of work. Once it was cancelled nothing is heard of it any more."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self.cancelled = False
        self.task: asyncio.Task[Any] | None = None

    def cancel(self) -> None:
        """From the GUI thread."""
        self.cancelled = True
        self._jobs.call(lambda: self.task.cancel() if self.task is not None else None)


def _nothing() -> None:
    return


_Outcome = tuple[Job | None, Callable[[], object], Callable[[], object]]


class Jobs(QObject):
    """Runs coroutines on a daemon thread of its own, which is started with the first one.

    `before`: called on that thread before its loop begins (imports that take time). To be made on
    the GUI thread.
    """

    _done = Signal(object)

    def __init__(self, before: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._before = before
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[Callable[[], object]] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._done.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        """Start the thread, if it does not run yet."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="home", daemon=True)
                self._thread.start()

    def run(
        self,
        make: Callable[[], Coroutine[Any, Any, _T]],
        then: Callable[[_T], None],
        failed: Callable[[RejoinError], None],
        dropped: Callable[[_T], object] = lambda result: None,
    ) -> Job:
        """Run a coroutine; call `then` or `failed` on the GUI thread, unless it was cancelled.

        `dropped`: gets the result, on the GUI thread, if it was cancelled too late to stop it.
        What is no RejoinError becomes one, and is logged: it is a bug.
        """
        job = Job(self)

        async def whole() -> None:
            outcome: Callable[[], object]
            late: Callable[[], object] = _nothing
            try:
                result = await make()
            except RejoinError as error:
                found = error
                outcome = lambda: failed(found)  # noqa: E731
            except Exception as error:
                _log.exception("a job of the home failed")
                wrapped = RejoinError(
                    Message(
                        "Something in Rejoin failed ({error}). Its log says more.",
                        error=type(error).__name__,
                    )
                )
                outcome = lambda: failed(wrapped)  # noqa: E731
            else:
                outcome = lambda: then(result)  # noqa: E731
                late = lambda: dropped(result)  # noqa: E731
            self._done.emit((job, outcome, late))

        def begin() -> None:
            from rejoin.tasks import spawn

            if not job.cancelled:
                job.task = spawn(whole(), name="home job")

        self.start()
        self.call(begin)
        return job

    def later(self, on_gui: Callable[[], None]) -> None:
        """Call this on the GUI thread; from any thread."""
        self._done.emit((None, on_gui, on_gui))

    def call(self, on_loop: Callable[[], object]) -> None:
        """Call this on the loop, once there is one."""
        with self._lock:
            if self._loop is None:
                self._waiting.append(on_loop)
                return
            loop = self._loop
        try:
            loop.call_soon_threadsafe(on_loop)
        except RuntimeError:
            return  # closed: the program ends

    def close(self, within_s: float = 2.0) -> None:
        """Cancel what runs and end the thread. A thread that does not end in time is left."""
        if self._thread is None:
            return
        self.call(self._stop)
        self._thread.join(within_s)

    def _deliver(self, outcome: _Outcome) -> None:
        job, call, late = outcome
        if job is None or not job.cancelled:
            call()
        else:
            late()

    def _run(self) -> None:
        import asyncio

        self._before()

        async def main() -> None:
            self._stopped = asyncio.Event()
            with self._lock:
                self._loop = asyncio.get_running_loop()
                waiting, self._waiting = self._waiting, []
            for each in waiting:
                each()
            await self._stopped.wait()

        asyncio.run(main())  # cancels what still runs

    def _stop(self) -> None:
        self._stopped.set()
