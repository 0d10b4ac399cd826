"""The emulated service without HTTP and without media, on a clock that only the test moves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from helpers.fake_host import FakeHosts, offer
from helpers.manual_timers import ManualTimers
from rejoin.emulator.service.refusals import CallRefusedError
from rejoin.emulator.service.session import StartRequest, StreamSession
from rejoin.emulator.service.sessions import StreamSessions
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.service_model import status as service_status
from rejoin.tasks import alive

SETTINGS = EmulatorSettings(connection_timeout_s=10)


GROUP = SETTINGS.stream_group_ids[0]


class EmulatedService:
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


def with_service(
    test: Callable[[EmulatedService], Awaitable[None]], settings: EmulatorSettings = SETTINGS
) -> None:
    @contextlib.asynccontextmanager
    async def stage() -> AsyncIterator[EmulatedService]:
        made = EmulatedService(settings)
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


async def refusal(call: Awaitable[str]) -> CallRefusedError:
    with pytest.raises(CallRefusedError) as caught:
        await call
    return caught.value
