"""A session's host: its failures become values, and it is always let go of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from helpers.fake_host import FakeHost, offer
from helpers.game_hosts import Listener
from rejoin.emulator.service import session_host
from rejoin.emulator.service.session_host import SessionHost
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.errors import ServiceError, SignalError
from rejoin.tasks import alive, spawn


class BrokenHost(FakeHost):
    """Fails at everything but its start."""

    async def answer(self, connection: int, signal_request: str) -> str:
        raise RuntimeError("no encoder")

    async def disconnect(self, reason: str) -> None:
        raise RuntimeError("no channel")

    async def stop(self) -> None:
        raise RuntimeError("no end")


def with_host(
    test: Callable[[SessionHost, FakeHost], Awaitable[None]], kind: type[FakeHost] = FakeHost
) -> None:
    async def run() -> None:
        session, host = SessionHost("a session"), kind(Listener(), EmulatorSettings())
        await session.start(host)
        await test(session, host)
        await session.stop(None)
        assert session.host is None
        assert alive() == frozenset()

    asyncio.run(run())


def test_an_answer_or_why_there_is_none() -> None:
    async def answers(session: SessionHost, host: FakeHost) -> None:
        assert isinstance(await session.answer(1, offer("one")), str)
        assert isinstance(await session.answer(2, offer("bad")), SignalError)
        await session.stop("idle")
        assert host.calls[-2:] == ["disconnect idle", "stop"]
        assert isinstance(await session.answer(3, offer("three")), ServiceError)
        assert session.game_state() is None

    with_host(answers)


def test_a_host_that_does_not_answer_in_time_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_host, "_ANSWER_TIMEOUT_S", 0.05)

    async def hangs(session: SessionHost, host: FakeHost) -> None:
        host.hold = asyncio.Event()
        answer = await session.answer(1, offer("one"))
        assert isinstance(answer, ServiceError)
        assert not isinstance(answer, SignalError)

    with_host(hangs)


def test_an_answer_can_be_cancelled() -> None:
    async def cancelled(session: SessionHost, host: FakeHost) -> None:
        host.hold = asyncio.Event()
        answering = spawn(session.answer(1, offer("one")), name="test:answer")
        await host.until("answer 1")
        await session.cancel_answer()
        assert isinstance(await answering, ServiceError)

    with_host(cancelled)


def test_a_broken_host_is_logged_and_let_go_of(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(session: SessionHost, host: FakeHost) -> None:
        assert isinstance(await session.answer(1, offer("one")), RuntimeError)
        await session.stop("idle")
        assert session.host is None

    with_host(broken, BrokenHost)
    for sentence in ("failed to answer", "no disconnect message", "did not stop"):
        assert sentence in caplog.text
