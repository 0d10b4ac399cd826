"""Work that may block (a disk, a keyring), on a thread of its own, for as long as we care to wait.

The thread is a daemon: what hangs in it delays neither the stream nor the end of the program, as a
thread of asyncio's own pool would.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


async def run_in_daemon_thread(work: Callable[[], _T], *, name: str, within_s: float) -> _T:
    """The result of `work`, or whatever it raised. Raises TimeoutError when it takes too long.

    It goes on alone then, and nobody hears of its end.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def tell(result: _T | None, error: BaseException | None) -> None:
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
            loop.call_soon_threadsafe(tell, result, failure)
        except RuntimeError:
            return  # the loop is closed: nobody waits any more

    threading.Thread(target=run, name=name, daemon=True).start()
    return await asyncio.wait_for(done, within_s)
