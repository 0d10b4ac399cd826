"""Running a server from the command line until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any


def run_until_stopped(
    main: Callable[[], Coroutine[Any, Any, None]],
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> int:
    """Run `main` until it returns, or until Ctrl+C or SIGTERM: all three are exit code 0.

    `loop_factory`: what makes the event loop; None: asyncio's."""
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(main())
    except KeyboardInterrupt:
        return 0
    return 0


@dataclass(frozen=True, slots=True)
class EndSignals:
    """The first and the second of Ctrl+C, SIGTERM and SIGHUP that this process gets."""

    first: asyncio.Event = field(default_factory=asyncio.Event)
    second: asyncio.Event = field(default_factory=asyncio.Event)


@contextlib.contextmanager
def end_signals() -> Iterator[EndSignals]:
    """The first two of these signals as events of the running loop; a third has its usual effect.

    SIGHUP comes when the terminal is gone; where it was ignored (nohup) it stays so. On Windows
    neither event comes: there Ctrl+C cancels, as usual.
    """
    loop = asyncio.get_running_loop()
    found = EndSignals()
    numbers = [signal.SIGINT, signal.SIGTERM]
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}

    def restore() -> None:
        for number, handler in before.items():
            if loop.remove_signal_handler(number):
                signal.signal(number, handler)

    def note() -> None:
        if found.first.is_set():
            found.second.set()
            restore()
        found.first.set()

    if sys.platform == "win32":
        yield found
        return
    for number in before:
        loop.add_signal_handler(number, note)
    try:
        yield found
    finally:
        restore()


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
