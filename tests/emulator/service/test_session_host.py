"""A session's host: its failures become values, and it is always let go of."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

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


@contextlib.asynccontextmanager
async def started(
    kind: type[FakeHost] = FakeHost,
) -> AsyncIterator[tuple[SessionHost, FakeHost]]:
    """A session's host that was started, and is stopped in the end."""
    session, host = SessionHost("a session"), kind(Listener(), EmulatorSettings())
    await session.start(host)
    yield session, host
    await session.stop(None)
    assert session.host is None
    assert alive() == frozenset()


async def test_an_answer_or_why_there_is_none() -> None:
    async with started() as (session, host):
        assert isinstance(await session.answer(1, offer("one")), str)
        assert isinstance(await session.answer(2, offer("bad")), SignalError)
        await session.stop("idle")
        assert host.calls[-2:] == ["disconnect idle", "stop"]
        assert isinstance(await session.answer(3, offer("three")), ServiceError)
        assert session.game_state() is None


async def test_a_host_that_does_not_answer_in_time_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_host, "_ANSWER_TIMEOUT_S", 0.05)
    async with started() as (session, host):
        host.hold = asyncio.Event()
        answer = await session.answer(1, offer("one"))
        assert isinstance(answer, ServiceError)
        assert not isinstance(answer, SignalError)


async def test_an_answer_can_be_cancelled() -> None:
    async with started() as (session, host):
        host.hold = asyncio.Event()
        answering = spawn(session.answer(1, offer("one")), name="test:answer")
        await host.until("answer 1")
        await session.cancel_answer()
        assert isinstance(await answering, ServiceError)


async def test_a_broken_host_is_logged_and_let_go_of(caplog: pytest.LogCaptureFixture) -> None:
    async with started(BrokenHost) as (session, _):
        assert isinstance(await session.answer(1, offer("one")), RuntimeError)
        await session.stop("idle")
        assert session.host is None
    for sentence in ("failed to answer", "no disconnect message", "did not stop"):
        assert sentence in caplog.text
