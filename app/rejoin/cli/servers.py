"""Running a server from the command line until it is stopped."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any


def run_until_stopped(main: Callable[[], Coroutine[Any, Any, None]]) -> int:
    """Run `main` until it returns, or until Ctrl+C or SIGTERM: all three are exit code 0."""
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        return 0
    return 0


async def end_of_input() -> None:
    """Wait until standard input ends, that is, until the process that started us is gone.

    Reads on a daemon thread, and the descriptor rather than Python's buffered file, so that an
    interrupted wait does not delay the exit.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def report_end() -> None:
        if not ended.done():
            ended.set_result(None)

    def read(descriptor: int) -> None:
        try:
            while os.read(descriptor, 4096):
                pass
        except OSError:
            pass  # the descriptor was closed: that is an end too
        try:
            loop.call_soon_threadsafe(report_end)
        except RuntimeError:
            return  # the loop is closed, so nothing waits any more

    threading.Thread(target=read, args=(sys.stdin.fileno(),), name="stdin", daemon=True).start()
    await ended
