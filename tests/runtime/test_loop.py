"""The stream thread."""

from __future__ import annotations

import asyncio
import threading

import pytest

from rejoin.runtime.loop import StreamThread

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def test_a_coroutine_runs_on_its_own_thread_to_its_result() -> None:
    told = threading.Event()

    async def main() -> str:
        await asyncio.sleep(0)
        return threading.current_thread().name

    thread = StreamThread(main, on_done=told.set)
    thread.start()
    assert thread.join(5) == "stream"
    assert told.wait(5)
    assert not thread.running


def test_what_it_raises_is_raised_where_it_is_waited_for() -> None:
    async def main() -> None:
        raise ValueError("because")

    thread = StreamThread(main)
    thread.start()
    with pytest.raises(ValueError, match="because"):
        thread.join(5)


def test_waiting_no_longer_than_told() -> None:
    release = threading.Event()

    async def main() -> int:
        await asyncio.to_thread(release.wait, 5)
        return 1

    thread = StreamThread(main)
    thread.start()
    assert thread.join(0.01) is None
    assert thread.running
    release.set()
    assert thread.join(5) == 1
