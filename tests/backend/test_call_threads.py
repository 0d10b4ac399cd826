"""Threads for calls that block: so many at once, and none that holds the program's end."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import Future

import pytest

from rejoin.backend.call_threads import CallThreads

PATIENCE_S = 30.0


def test_so_many_calls_at_once_and_the_rest_in_their_order() -> None:
    threads, go = CallThreads(2, "calls"), threading.Event()
    begun: list[int] = []
    both = threading.Barrier(3, timeout=PATIENCE_S)

    def call(number: int) -> str:
        begun.append(number)
        if number < 2:
            both.wait()
            go.wait(PATIENCE_S)
        return threading.current_thread().name

    calls = [threads.submit(call, number) for number in range(5)]
    both.wait()
    assert sorted(begun) == [0, 1], "two threads, and both are busy"
    go.set()
    names = {each.result(PATIENCE_S) for each in calls}
    assert names <= {"calls_0", "calls_1"}
    assert begun[2:] == [2, 3, 4]
    threads.shutdown()


def test_an_idle_thread_is_used_again() -> None:
    threads = CallThreads(8, "calls")
    for _ in range(5):
        before: Future[str] = threads.submit(lambda: threading.current_thread().name)
        assert before.result(PATIENCE_S) in {"calls_0", "calls_1"}, "two at most: one may be late"
    threads.shutdown()


def test_a_failure_is_the_calls_own() -> None:
    threads = CallThreads(1, "calls")
    with pytest.raises(ZeroDivisionError):
        threads.submit(lambda: 1 / 0).result(PATIENCE_S)
    assert threads.submit(lambda: 7).result(PATIENCE_S) == 7
    threads.shutdown()


def test_after_the_end_nothing_begins() -> None:
    threads, go, begun = CallThreads(1, "calls"), threading.Event(), threading.Event()

    def call() -> bool:
        begun.set()
        return go.wait(PATIENCE_S)

    running, waiting = threads.submit(call), threads.submit(lambda: None)
    assert begun.wait(PATIENCE_S)
    threads.shutdown(cancel_futures=True)
    assert waiting.cancelled()
    with pytest.raises(RuntimeError):
        threads.submit(lambda: None)
    go.set()
    assert running.result(PATIENCE_S), "one that runs goes on"


def test_a_call_that_hangs_does_not_hold_the_end_of_the_program() -> None:
    program = """
import threading
from rejoin.backend.call_threads import CallThreads

threads = CallThreads(1, "calls")
begun = threading.Event()
threads.submit(lambda: (begun.set(), threading.Event().wait()))
begun.wait()
threads.shutdown(wait=False, cancel_futures=True)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=240)
