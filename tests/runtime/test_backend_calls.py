"""Calls to the backend: failures become events, a refused sign-in is refreshed before the retry."""

from __future__ import annotations

import asyncio

import pytest

from conftest import LogRecords
from helpers.fake_world import FakeWorld
from helpers.running_engine import RunningEngine, play
from rejoin.core import commands, events
from rejoin.core.model import (
    AttemptNumber,
    ConnectionNumber,
    EndingKind,
    SessionId,
    WindowLeft,
)
from rejoin.core.retry import Failure, FailureKind
from rejoin.errors import RejoinError
from rejoin.runtime.backend_calls import BackendCalls
from rejoin.runtime.ticket_writer import TicketWriter

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

SESSION = SessionId("s-1")
ONE, ATTEMPT = ConnectionNumber(1), AttemptNumber(2)
POLL = commands.PollStatus(SESSION, None, 0.0, 1.0)


def test_a_failure_of_the_backend_ends_the_start() -> None:
    async def script(it: RunningEngine) -> None:
        it.world.failure = Failure(FailureKind.FORBIDDEN, detail="no")

    _, ending = play(script)
    assert (ending.kind, ending.detail) == (EndingKind.NOT_ALLOWED, "no")


def test_a_refused_sign_in_is_refreshed_before_the_call_is_repeated() -> None:
    async def script(it: RunningEngine) -> None:
        it.world.failure = Failure(FailureKind.UNAUTHENTICATED)

    it, ending = play(script)
    assert ending.kind is EndingKind.SIGN_IN_NEEDED
    assert it.refreshed == 1


def test_a_defect_in_a_call_is_logged_and_does_not_hang_the_game(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def script(it: RunningEngine) -> None:
        it.world.call_error = ZeroDivisionError("secret detail")

    _, ending = play(script)
    assert ending.kind is EndingKind.BACKEND_UNREACHABLE
    assert "secret detail" not in ending.detail
    assert "failed unexpectedly" in caplog.text


async def test_every_call_posts_its_failure() -> None:
    world, posted = FakeWorld(lambda: 0.0), list[events.Event]()
    failure = Failure(FailureKind.FORBIDDEN)
    world.failure = failure

    calls = BackendCalls(world, TicketWriter(None), None, lambda: 7.0, posted.append)
    await calls.start_session(commands.StartSession(ATTEMPT, ONE, "token", 1.0, "offer"))
    await calls.poll_status(POLL)
    await calls.reconnect(
        commands.Reconnect(SESSION, ATTEMPT, 1, ONE, "token", 1.0, None, 9.0, "offer")
    )
    await calls.terminate(commands.TerminateSession(SESSION, 1.0))
    assert posted == [
        events.StartFailed(ATTEMPT, failure),
        events.StatusFailed(7.0, failure),
        events.ReconnectFailed(ATTEMPT, 1, 7.0, failure),
        events.TerminateFailed(failure),
    ]


@pytest.mark.parametrize(
    ("shown_at", "left"),
    [(30.0, WindowLeft(23.0, 83.0)), (6.0, WindowLeft(0.0, 83.0)), (None, WindowLeft(None, 83.0))],
)
async def test_a_reconnect_says_how_much_time_is_left_when_it_goes_out(
    shown_at: float | None, left: WindowLeft
) -> None:
    world, posted = FakeWorld(lambda: 0.0), list[events.Event]()
    now = 5.0

    async def refresh() -> None:
        nonlocal now
        now = 7.0  # the sign-in took two seconds

    calls = BackendCalls(world, TicketWriter(None), refresh, lambda: now, posted.append)
    calls.refresh_sign_in()
    command = commands.Reconnect(SESSION, ATTEMPT, 1, ONE, "token", 1.0, shown_at, 90.0, "offer")
    await calls.reconnect(command)
    assert world.left == left
    await calls.close()


async def test_a_call_waits_for_the_sign_in_even_if_that_fails(expected_logs: LogRecords) -> None:
    world, posted = FakeWorld(lambda: 0.0), list[events.Event]()

    refused = asyncio.Event()

    async def refresh() -> None:
        await refused.wait()
        raise RejoinError("The studio does not answer.")

    calls = BackendCalls(world, TicketWriter(None), refresh, lambda: 7.0, posted.append)
    calls.refresh_sign_in()
    calls.refresh_sign_in()
    polling = asyncio.ensure_future(calls.poll_status(POLL))
    await asyncio.sleep(0.02)
    assert posted == []
    refused.set()
    await polling
    await calls.close()
    assert [type(event) for event in posted] == [events.StatusArrived]
    assert len(expected_logs.lines) == 1
