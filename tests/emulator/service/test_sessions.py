"""What the service does with its hosts and its memory, beyond what boto3 sees."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from helpers.fake_host import FakeHosts, offer
from helpers.manual_timers import ManualTimers
from rejoin.emulator.service.sessions import (
    CallFault,
    CallRefusedError,
    StartRequest,
    StreamSession,
    StreamSessions,
    offer_digest,
)
from rejoin.emulator.service.settings import EmulatorSettings, Fault, FaultKind
from rejoin.errors import BadInputError
from rejoin.service_model import status as service_status
from rejoin.tasks import alive, cancel, spawn

SETTINGS = EmulatorSettings(connection_timeout_s=10)
GROUP = SETTINGS.stream_group_ids[0]


class Stage:
    def __init__(self, settings: EmulatorSettings) -> None:
        self.hosts = FakeHosts()
        self.timers = ManualTimers()
        self.service = StreamSessions(settings, self.hosts, timers=self.timers)

    async def start(self, words: str = "first", token: str | None = None) -> StreamSession:
        return await self.service.start_session(
            StartRequest(GROUP, SETTINGS.application_id, offer(words), token)
        )

    async def pending(self) -> StreamSession:
        session = await self.start()
        await self.timers.advance(1)
        session.client_connected(1)
        session.client_gone(1, graceful=False)
        assert session.status == service_status.PENDING_CLIENT_RECONNECTION
        return session

    def create(self, session: StreamSession, words: str, token: str) -> Awaitable[str]:
        return self.service.create_connection(GROUP, session.arn, offer(words), token)


def on_stage(
    test: Callable[[Stage], Awaitable[None]], settings: EmulatorSettings = SETTINGS
) -> None:
    @contextlib.asynccontextmanager
    async def stage() -> AsyncIterator[Stage]:
        made = Stage(settings)
        try:
            yield made
        finally:
            await made.service.aclose()
        assert made.timers.waiting == 0
        assert alive() == frozenset()
        assert not any(host.running for host in made.hosts.made)

    async def run() -> None:
        async with stage() as made:
            await test(made)

    asyncio.run(run())


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_start_returns_before_anybody_is_placed() -> None:
    async def placed(on: Stage) -> None:
        session = await on.start()
        assert (session.status, session.signal_response, on.hosts.made) == ("ACTIVATING", None, [])
        await on.timers.advance(0.3)
        assert session.status == "ACTIVE"
        assert on.hosts.newest.calls == ["start", "answer 1"]

    on_stage(placed, EmulatorSettings(placement_s=0.2))


def test_the_history_has_every_status_with_its_time() -> None:
    async def history(on: Stage) -> None:
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

    on_stage(history)


def test_a_call_goes_on_when_its_caller_has_left() -> None:
    async def left(on: Stage) -> None:
        session = await on.pending()
        host = on.hosts.newest
        host.hold = asyncio.Event()
        caller = spawn(_quiet(on.create(session, "second", "same token")), name="test:caller")
        await host.until("answer 2")
        await cancel(caller)
        host.hold.set()
        await settle()
        assert session.status == "ACTIVE"
        # The answer that nobody got is still there for whoever asks with the same token.
        assert await on.create(session, "second", "same token") == session.signal_response
        assert host.calls.count("answer 2") == 1

    on_stage(left)


async def _quiet(call: Awaitable[str]) -> None:
    await call


def test_a_session_that_ends_during_a_call_says_so() -> None:
    async def ended(on: Stage) -> None:
        session = await on.pending()
        host = on.hosts.newest
        host.hold = asyncio.Event()  # it will never answer
        caller = spawn(_refusal(on.create(session, "second", "t")), name="test:caller")
        await host.until("answer 2")
        session.terminate()
        refusal = await caller
        assert refusal.fault is CallFault.CONFLICT
        await on.timers.advance(1)
        assert (session.status, session.reason) == ("TERMINATED", "apiTerminated")
        assert not host.running

    on_stage(ended)


async def _refusal(call: Awaitable[str]) -> CallRefusedError:
    with pytest.raises(CallRefusedError) as caught:
        await call
    return caught.value


def test_the_create_call_can_be_slow() -> None:
    async def slow(on: Stage) -> None:
        session = await on.pending()
        caller = spawn(_quiet(on.create(session, "second", "t")), name="test:caller")
        await on.timers.advance(1.9)
        assert session.status == "RECONNECTING"
        assert "answer 2" not in on.hosts.newest.calls
        await on.timers.advance(0.2)
        assert on.hosts.newest.calls[-1] == "answer 2"
        assert session.status == "RECONNECTING"  # dwells
        assert not caller.done()
        await on.timers.advance(0.5)
        assert session.status == "ACTIVE"
        await caller

    on_stage(
        slow,
        EmulatorSettings(connection_timeout_s=10, create_latency_s=2.0, reconnecting_dwell_s=0.5),
    )


def test_a_wrong_status_is_refused_as_the_settings_say() -> None:
    async def wrong(on: Stage) -> None:
        session = await on.start()
        await on.timers.advance(1)
        session.client_connected(1)
        faults = []
        for setting in ("conflict", "validation"):
            on.service.change_settings({"wrong_state_error": setting})
            faults.append((await _refusal(on.create(session, "second", "t"))).fault)
        assert faults == [CallFault.CONFLICT, CallFault.VALIDATION]

    on_stage(wrong)


def test_get_can_show_the_first_answer_or_the_latest() -> None:
    async def shown(on: Stage) -> None:
        session = await on.pending()
        first = session.signal_response
        latest = await on.create(session, "second", "t")
        assert (session.signal_request, session.signal_response) == (offer("second"), latest)
        on.service.change_settings({"answer_shown_by_get": "first"})
        assert (session.signal_request, session.signal_response) == (offer("first"), first)

    on_stage(shown)


def test_a_host_that_does_not_start_is_an_internal_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fails(on: Stage) -> None:
        on.hosts.fail_to_start = True
        session = await on.start()
        await on.timers.advance(1)
        assert (session.status, session.reason) == ("ERROR", "internalError")
        assert on.hosts.newest.calls == ["start", "stop"]

    on_stage(fails)
    assert "could not be placed" in caplog.text


def test_a_session_that_ends_while_being_placed_gets_no_host_or_gives_it_back() -> None:
    async def early(on: Stage) -> None:
        unplaced = await on.start()
        await on.timers.advance(3)
        assert (unplaced.status, on.hosts.made) == ("ERROR", [])
        on.service.change_settings({"placement_s": 0.0, "placement_timeout_s": 75.0})
        on.hosts.hold = asyncio.Event()  # never set: the first answer never comes
        session = await on.start("second")
        await on.timers.advance(76)
        assert (session.status, session.reason) == ("ERROR", "placementTimeout")
        assert on.hosts.newest.calls[-1] == "stop"

    on_stage(early, EmulatorSettings(placement_s=5.0, placement_timeout_s=2.0))


def test_old_tokens_and_old_sessions_are_forgotten() -> None:
    async def forgotten(on: Stage) -> None:
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
        assert caught.value.fault is CallFault.NOT_FOUND

    on_stage(
        forgotten,
        EmulatorSettings(connection_timeout_s=10, token_lifetime_s=40, ended_session_kept_s=100),
    )


def test_faults_reach_the_newest_session_or_the_one_that_was_named() -> None:
    async def faults(on: Stage) -> None:
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

    on_stage(faults)


def test_changed_settings_move_the_timers_of_running_sessions() -> None:
    async def changed(on: Stage) -> None:
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
            {"reused_offer": "maybe"},
            {"colour": "blue"},
        ):
            with pytest.raises(BadInputError):
                on.service.change_settings(bad)

    on_stage(changed)


def test_closing_ends_calls_and_hosts_and_refuses_more() -> None:
    async def closing(on: Stage) -> None:
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

    on_stage(closing)


async def _cancelled(call: Awaitable[str]) -> None:
    with pytest.raises((asyncio.CancelledError, CallRefusedError)):
        await call


def test_nothing_shown_to_the_control_api_is_secret() -> None:
    async def shown(on: Stage) -> None:
        await on.pending()
        text = repr(on.service.describe())
        assert SETTINGS.secret_access_key not in text
        assert "ice-pwd" not in text
        assert "answer 1" not in text
        assert "ice-pwd" not in repr(StartRequest(GROUP, "a", offer("x"), "token"))

    on_stage(shown)


def test_an_offer_is_known_by_its_credentials() -> None:
    assert offer_digest(offer("one")) != offer_digest(offer("two"))
    assert offer_digest(offer("one")) == offer_digest(offer("one").replace("1.2.0", "1.0.0"))
    assert offer_digest("no offer at all") != offer_digest("nor is this")


def test_a_hundred_sessions_at_once_reconnect_and_end() -> None:
    async def crowd(on: Stage) -> None:
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

    on_stage(crowd)


def test_memory_is_flat_over_two_hundred_connects() -> None:
    async def connects(on: Stage) -> None:
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

    on_stage(connects, EmulatorSettings(connection_timeout_s=10, token_lifetime_s=20))
