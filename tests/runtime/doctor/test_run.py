"""Checks run in turn, each within its time; whatever they raise is a finding."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from rejoin.errors import RejoinError
from rejoin.runtime.doctor.findings import Began, Finding, Outcome, Update, ok
from rejoin.runtime.doctor.run import Check, blocking, run_checks
from rejoin.tasks import spawn

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def raising(error: Exception) -> Callable[[], Awaitable[Finding]]:
    async def work() -> Finding:
        raise error

    return work


async def good() -> Finding:
    return ok("proxy", "All is well.")


async def hangs() -> Finding:
    await asyncio.Event().wait()
    raise AssertionError


async def one(check: Check) -> Finding:
    (found,) = await run_checks([check], lambda update: None)
    return found


async def test_each_check_is_announced_and_reported_in_turn() -> None:
    seen: list[Update] = []
    checks = (Check("proxy", 5.0, good, usual_s=1.0), Check("tls", 5.0, good, usual_s=2.0))
    found = await run_checks(checks, seen.append)
    assert seen == [Began("proxy", 3.0), found[0], Began("tls", 2.0), found[1]]


async def test_one_that_hangs_has_failed_and_the_next_one_runs() -> None:
    found = await run_checks(
        [
            Check("dns", 0.01, hangs),
            Check("tls", 0.01, hangs, late="It hangs.", late_advice="Wait."),
            Check("proxy", 5.0, good),
        ],
        lambda update: None,
    )
    assert [each.outcome for each in found] == [Outcome.FAILED, Outcome.FAILED, Outcome.OK]
    assert found[0].found == "This check did not end within 0 s."
    assert (found[1].found, found[1].advice) == ("It hangs.", "Wait.")


async def test_a_thread_that_hangs_is_abandoned() -> None:
    released = threading.Event()

    def block() -> Finding:
        released.wait(60)
        return ok("sound", "late")

    try:
        assert (await one(blocking("sound", 0.01, block))).outcome is Outcome.FAILED
    finally:
        released.set()
    assert await one(blocking("sound", 30.0, lambda: ok("sound", "in time"))) == ok(
        "sound", "in time"
    )


@pytest.mark.parametrize(
    ("error", "sentence", "advice"),
    [
        (RejoinError("It cannot be used."), "It cannot be used.", ""),
        (
            ImportError("libGL.so.1: cannot open shared object file: No such file"),
            "The system library libGL.so.1 is missing.",
            "On Debian or Ubuntu install it with: apt-get install libgl1",
        ),
        (ValueError("CANARY"), "This check itself failed (ValueError).", "Send this report"),
        (ImportError("CANARY"), "This check itself failed (ImportError).", "Send this report"),
    ],
)
async def test_an_exception_is_a_finding(error: Exception, sentence: str, advice: str) -> None:
    found = await one(Check("parts", 5.0, raising(error)))
    assert found.outcome is Outcome.FAILED
    assert found.found.startswith(sentence)
    assert found.advice.startswith(advice)
    assert "CANARY" not in found.found + found.advice


async def test_what_a_check_says_is_cleaned() -> None:
    async def says() -> Finding:
        return ok("proxy", "token=CANARY at 203.0.113.9")

    assert (await one(Check("proxy", 5.0, says))).found == "token=[secret] at 203.x.x.x"


async def test_cancelling_ends_the_check_that_runs() -> None:
    began = asyncio.Event()
    task = spawn(run_checks([Check("dns", 60.0, hangs)], lambda update: began.set()), name="checks")
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
