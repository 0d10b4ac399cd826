"""One stream session: its history, its host, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from helpers.emulated_service import emulated_service, refusal
from helpers.fake_host import offer
from rejoin.emulator.service.refusals import ErrorType
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.tasks import spawn


async def test_a_start_returns_before_the_session_is_placed() -> None:
    async with emulated_service(EmulatorSettings(placement_s=0.2)) as on:
        session = await on.start()
        assert (session.status, session.signal_response, on.hosts.made) == ("ACTIVATING", None, [])
        await on.timers.advance(0.3)
        assert session.status == "ACTIVE"
        assert on.hosts.newest.calls == ["start", "answer 1"]


async def test_the_history_has_every_status_with_its_time() -> None:
    async with emulated_service() as on:
        session = await on.pending()
        await on.timers.advance(3)
        await on.create(session, "second", "t")
        assert [(entry.status, entry.at) for entry in session.history] == [
            ("ACTIVATING", 1000.0),
            ("ACTIVE", 1000.2),
            ("CONNECTED", 1001.0),
            ("PENDING_CLIENT_RECONNECTION", 1001.0),
            ("RECONNECTING", 1004.0),
            ("ACTIVE", 1004.0),
        ]


async def _quiet(call: Awaitable[str]) -> None:
    await call


async def test_a_session_that_ends_during_a_call_says_so() -> None:
    async with emulated_service() as on:
        session = await on.pending()
        host = on.hosts.newest
        host.hold = asyncio.Event()  # it will never answer
        caller = spawn(refusal(on.create(session, "second", "t")), name="test:caller")
        await host.until("answer 2")
        session.terminate()
        refused = await caller
        assert refused.error_type is ErrorType.CONFLICT
        await on.timers.advance(1)
        assert (session.status, session.reason) == ("TERMINATED", "apiTerminated")
        assert not host.running


async def test_the_create_call_can_be_slow() -> None:
    async with emulated_service(
        EmulatorSettings(connection_timeout_s=10, create_latency_s=2.0, answer_delay_s=0.5)
    ) as on:
        session = await on.pending()
        caller = spawn(_quiet(on.create(session, "second", "t")), name="test:caller")
        await on.timers.advance(1.9)
        assert session.status == "RECONNECTING"
        assert "answer 2" not in on.hosts.newest.calls
        await on.timers.advance(0.2)
        assert on.hosts.newest.calls[-1] == "answer 2"
        assert session.status == "RECONNECTING"  # for answer_delay_s
        assert not caller.done()
        await on.timers.advance(0.5)
        assert session.status == "ACTIVE"
        await caller


async def test_a_call_in_the_wrong_status_is_refused_as_the_setting_says() -> None:
    async with emulated_service() as on:
        session = await on.start()
        await on.timers.advance(1)
        session.client_connected(1)
        faults = []
        for setting in ("conflict", "validation"):
            on.service.change_settings({"wrong_status_error": setting})
            faults.append((await refusal(on.create(session, "second", "t"))).error_type)
        assert faults == [ErrorType.CONFLICT, ErrorType.VALIDATION]


async def test_get_can_show_the_first_answer_or_the_latest() -> None:
    async with emulated_service() as on:
        session = await on.pending()
        first = session.signal_response
        latest = await on.create(session, "second", "t")
        assert (session.signal_request, session.signal_response) == (offer("second"), latest)
        on.service.change_settings({"get_shows_connection": "first"})
        assert (session.signal_request, session.signal_response) == (offer("first"), first)


async def test_a_host_that_does_not_start_is_an_internal_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with emulated_service() as on:
        on.hosts.fail_to_start = True
        session = await on.start()
        await on.timers.advance(1)
        assert (session.status, session.reason) == ("ERROR", "internalError")
        assert on.hosts.newest.calls == ["start", "stop"]

    assert "could not be placed" in caplog.text


async def test_a_session_that_ends_while_being_placed_keeps_no_host() -> None:
    async with emulated_service(EmulatorSettings(placement_s=5.0, placement_timeout_s=2.0)) as on:
        unplaced = await on.start()
        await on.timers.advance(3)
        assert (unplaced.status, on.hosts.made) == ("ERROR", [])
        on.service.change_settings({"placement_s": 0.0, "placement_timeout_s": 75.0})
        on.hosts.hold = asyncio.Event()  # never set: the first answer never comes
        session = await on.start("second")
        await on.timers.advance(76)
        assert (session.status, session.reason) == ("ERROR", "placementTimeout")
        assert on.hosts.newest.calls[-1] == "stop"
