"""Runs work that may block (a disk, a keyring) on a daemon thread, with a time limit.

A daemon thread delays neither the stream nor the end of the program when its work hangs; a thread
of asyncio's own pool would delay the end.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


async def run_in_daemon_thread(work: Callable[[], _T], *, name: str, within_s: float) -> _T:
    """The result of `work`, or the exception it raised. Raises TimeoutError after `within_s`.

    After a timeout the work continues, and its result is ignored.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def set_outcome(result: _T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, failure = None, None
        try:
            result = work()
        except BaseException as error:
            failure = error
        try:
            loop.call_soon_threadsafe(set_outcome, result, failure)
        except RuntimeError:
            return  # the loop is closed, so nobody awaits the result

    threading.Thread(target=run, name=name, daemon=True).start()
    async with asyncio.timeout(within_s):
        return await done
