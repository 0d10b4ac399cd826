"""The stream thread: one asyncio event loop on a thread of its own, apart from the GUI's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from rejoin.interpreter import freeze_startup_objects, loop_factory

_T = TypeVar("_T")

END_TIMEOUT_S = 8.0
"""How long a stream may take to end after its window was closed."""


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
