"""All sessions of the service: faults, settings, closing, load and memory."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Awaitable

import pytest

from helpers.emulated_service import GROUP, SETTINGS, emulated_service
from helpers.fake_host import offer
from rejoin.emulator.service.faults import Fault, FaultKind
from rejoin.emulator.service.refusals import CallRefusedError, ErrorType
from rejoin.emulator.service.session import StartRequest
from rejoin.emulator.service.sessions import ALL
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.errors import BadInputError
from rejoin.tasks import spawn


async def test_old_tokens_and_old_sessions_are_forgotten() -> None:
    async with emulated_service(
        EmulatorSettings(connection_timeout_s=10, token_lifetime_s=40, ended_session_kept_s=100)
    ) as on:
        first = await on.start("first", "token")
        await on.timers.advance(50)
        assert first.is_over
        # Forgotten token, remembered offer.
        with pytest.raises(CallRefusedError, match="used before"):
            await on.start("first", "token")
        assert await on.start("third", "token") is not first
        await on.timers.advance(100)
        with pytest.raises(CallRefusedError) as caught:
            on.service.session(GROUP, first.arn)
        assert caught.value.error_type is ErrorType.NOT_FOUND


async def test_faults_reach_the_newest_session_or_the_named_one() -> None:
    async with emulated_service() as on:
        with pytest.raises(BadInputError, match="no running stream session"):
            await on.service.inject(Fault(FaultKind.KILL))
        first, second = await on.start("first"), await on.start("second")
        await on.timers.advance(1)
        assert await on.service.inject(Fault(FaultKind.SILENCE, 3.0, "all")) == 1234.5
        await on.service.inject(Fault(FaultKind.FREEZE), first.session_id)
        assert on.hosts.made[1].calls[-1] == "inject silence all 3.0"
        assert on.hosts.made[0].calls[-1] == "inject freeze existing None"
        second.terminate()
        await on.timers.advance(1)
        with pytest.raises(BadInputError):
            await on.service.inject(Fault(FaultKind.NONE), second.session_id)


async def test_a_fault_can_reach_every_session() -> None:
    async with emulated_service() as on:
        with pytest.raises(BadInputError, match="no running stream session"):
            await on.service.inject(Fault(FaultKind.SILENCE), ALL)
        for words in ("first", "second", "third"):
            await on.start(words)
        await on.timers.advance(1)
        await on.service.inject(Fault(FaultKind.GRACEFUL_CLOSE), ALL)
        calls = [host.calls[-1] for host in on.hosts.made]
        assert calls == ["inject graceful_close existing None"] * 3


async def test_changed_settings_move_the_timers_of_running_sessions() -> None:
    async with emulated_service() as on:
        session = await on.start()
        await on.timers.advance(1)
        session.client_connected(1)
        on.service.change_settings({"idle_timeout_s": 20})
        await on.timers.advance(20)
        assert session.reason == "idleTimeout"
        for bad in (
            {"idle_timeout_s": -1},
            {"idle_timeout_s": float("nan")},
            {"idle_timeout_s": "20"},
            {"idle_timeout_s": True},
            {"width": 1.5},
            {"reused_offer_fails": "maybe"},
            {"colour": "blue"},
        ):
            with pytest.raises(BadInputError):
                on.service.change_settings(bad)


async def test_closing_ends_calls_and_hosts_and_refuses_more() -> None:
    async with emulated_service() as on:
        session = await on.pending()
        host = on.hosts.newest
        host.hold = asyncio.Event()
        caller = spawn(_cancelled(on.create(session, "second", "t")), name="test:caller")
        await host.until("answer 2")
        await on.start("placing")
        await on.service.aclose()
        await caller
        assert not host.running
        with pytest.raises(CallRefusedError):
            await on.start("more")


async def _cancelled(call: Awaitable[str]) -> None:
    with pytest.raises((asyncio.CancelledError, CallRefusedError)):
        await call


async def test_the_control_api_shows_no_secret() -> None:
    async with emulated_service() as on:
        await on.pending()
        text = repr(on.service.describe())
        assert SETTINGS.secret_access_key not in text
        assert "ice-pwd" not in text
        assert "answer 1" not in text
        assert "ice-pwd" not in repr(StartRequest(GROUP, "a", offer("x"), "token"))


async def test_a_hundred_sessions_at_once_reconnect_and_end() -> None:
    async with emulated_service() as on:
        sessions = [await on.start(f"player {number}") for number in range(100)]
        await on.timers.advance(1)
        assert {session.status for session in sessions} == {"ACTIVE"}
        for session in sessions:
            session.client_connected(1)
            session.client_gone(1, graceful=False)
        calls = [
            on.create(session, f"player {number} again", f"token {number}")
            for number, session in enumerate(sessions)
        ]
        answers = await asyncio.gather(*calls)
        assert [session.signal_response for session in sessions] == answers
        for session in sessions:
            session.client_connected(2)
        assert {session.status for session in sessions} == {"CONNECTED"}
        assert len(on.service.describe()["sessions"]) == 100  # type: ignore[arg-type]
        for session in sessions:
            session.terminate()
        await on.timers.advance(1)
        assert {session.reason for session in sessions} == {"apiTerminated"}
        assert not any(host.running for host in on.hosts.made)


async def test_memory_is_flat_over_two_hundred_connects() -> None:
    async with emulated_service(
        EmulatorSettings(connection_timeout_s=10, token_lifetime_s=20)
    ) as on:
        session = await on.start()
        await on.timers.advance(1)
        session.client_connected(1)

        async def connect(number: int) -> None:
            session.client_gone(number - 1, graceful=False)
            await on.create(session, f"offer {number} " + "x" * 7000, f"token {number}")
            session.client_connected(number)
            on.hosts.newest.offers.clear()
            on.hosts.newest.calls.clear()
            await on.timers.advance(1)

        for number in range(2, 52):
            await connect(number)
        tracemalloc.start()
        try:
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            for number in range(52, 252):
                await connect(number)
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        # Three lines of history and a digest stay of each connect, 850 bytes: neither its strings,
        # 14 kB, nor its call, another 1000 bytes.
        assert grown < 200 * 1300
        assert session.status == "CONNECTED"


async def test_capacity_runs_out_and_comes_back() -> None:
    async with emulated_service(EmulatorSettings(connection_timeout_s=1000, hosts=1)) as on:
        first, second, third = [await on.start(words) for words in ("first", "second", "third")]
        await on.timers.advance(1)
        assert [each.status for each in (first, second)] == ["ACTIVE", "ACTIVATING"]
        first.terminate()
        await on.timers.advance(1)
        assert [each.status for each in (first, second)] == ["TERMINATED", "ACTIVE"]
        await on.timers.advance(80)  # always-on capacity is waited for 75 s
        assert (third.status, third.reason) == ("ERROR", "placementTimeout")
        on.service.change_settings({"hosts": 2})
        fourth = await on.start("fourth")
        await on.timers.advance(1)
        assert fourth.status == "ACTIVE"


async def test_each_application_is_a_game_of_its_own() -> None:
    settings = EmulatorSettings(application_ids=("a-first", "a-second"), seed=7)
    async with emulated_service(settings) as on:
        for words, application in (("1", "a-second"), ("2", on.service.arn("application/a-first"))):
            await on.service.start_session(StartRequest(GROUP, application, offer(words)))
        await on.timers.advance(1)
        assert [host.settings.seed for host in on.hosts.made] == [8, 7]
        newest, oldest = on.service.sessions()
        assert newest.application_arn.endswith("application/a-first")
        assert oldest.application_arn.endswith("application/a-second")
        with pytest.raises(CallRefusedError, match="no such application"):
            await on.service.start_session(StartRequest(GROUP, "a-third", offer("3")))
