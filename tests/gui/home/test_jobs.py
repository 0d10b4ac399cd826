"""Jobs run beside the window, and their outcome comes back on its thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from conftest import LogRecords
from helpers.window_faces import wait_until
from rejoin.errors import BadInputError
from rejoin.gui.home.jobs import Jobs

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


@pytest.fixture(name="jobs")
def _jobs(application: QApplication) -> Iterator[Jobs]:
    made = Jobs()
    yield made
    made.close(60.0)


def test_an_outcome_comes_back_on_the_windows_thread(jobs: Jobs) -> None:
    seen: list[object] = []

    async def good() -> int:
        seen.append(threading.current_thread().name)
        return 7

    async def bad() -> int:
        raise BadInputError("No.")

    def note(what: object) -> None:
        seen.append((what, threading.current_thread() is threading.main_thread()))

    jobs.run(good, note, note)
    assert wait_until(lambda: len(seen) == 2, 60.0)
    jobs.run(bad, note, lambda error: note(str(error)))
    assert wait_until(lambda: len(seen) == 3, 60.0)
    assert seen == ["home", (7, True), ("No.", True)]


def test_a_bug_is_a_sentence_and_is_logged(jobs: Jobs, expected_logs: LogRecords) -> None:
    seen: list[str] = []

    async def broken() -> int:
        raise ZeroDivisionError("CANARY")

    jobs.run(broken, lambda _: None, lambda error: seen.append(str(error)))
    assert wait_until(lambda: bool(seen), 60.0)
    assert seen == ["Something in Rejoin failed (ZeroDivisionError). Its log says more."]
    assert len(expected_logs.lines) >= 1


def test_a_cancelled_job_is_stopped_and_not_heard_of(jobs: Jobs) -> None:
    began, stopped = threading.Event(), threading.Event()
    seen: list[object] = []

    async def endless() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    job = jobs.run(endless, seen.append, seen.append)
    assert began.wait(60.0)
    job.cancel()
    assert stopped.wait(60.0)
    assert seen == []


def test_what_ends_too_late_to_be_stopped_is_dropped(jobs: Jobs) -> None:
    seen: list[object] = []
    dropped: list[object] = []
    ended = threading.Event()

    async def quick() -> int:
        asyncio.get_running_loop().call_later(0.05, ended.set)
        return 7

    job = jobs.run(quick, seen.append, seen.append, dropped.append)
    assert ended.wait(60.0)  # its outcome waits for this thread
    job.cancel()
    assert wait_until(lambda: dropped == [7], 60.0)
    assert seen == []


def test_what_is_loaded_first_comes_before_the_first_job(application: QApplication) -> None:
    order: list[str] = []
    jobs = Jobs(before=lambda: order.append("loaded"))

    async def work() -> None:
        order.append("job")

    jobs.run(work, lambda _: order.append("done"), lambda _: None)
    assert wait_until(lambda: len(order) == 3, 60.0)
    jobs.close(60.0)
    jobs.close(60.0)
    assert order == ["loaded", "job", "done"]
