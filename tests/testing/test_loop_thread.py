"""Calls into a loop on another thread: results, errors, an interrupted caller, the end."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from rejoin.testing.loop_thread import LoopThread


@pytest.fixture
def loop(nothing_left_behind: None) -> Iterator[LoopThread]:
    thread = LoopThread("test")
    yield thread
    thread.close()


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """It raises KeyboardInterrupt, whatever those who started this program have set."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_call_returns_and_raises_what_the_coroutine_does(loop: LoopThread) -> None:
    async def name() -> str:
        await asyncio.sleep(0)
        return threading.current_thread().name

    async def late() -> None:
        raise TimeoutError("too late")

    assert loop.call(name) == "test"
    with pytest.raises(TimeoutError, match="too late"):
        loop.call(late)
    assert loop.call(name) == "test"


@pytest.mark.skipif(sys.platform == "win32", reason="no signal of one's own")
def test_an_interrupted_caller_cancels_what_it_waits_for(loop: LoopThread, ctrl_c: None) -> None:
    began, cancelled = threading.Event(), threading.Event()

    async def endless() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    def interrupt() -> None:
        began.wait()
        signal.raise_signal(signal.SIGINT)

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        loop.call(endless)
    interrupter.join()
    assert cancelled.wait(60)


def test_it_can_be_closed_twice(nothing_left_behind: None) -> None:
    thread = LoopThread("test")
    thread.close()
    thread.close()
