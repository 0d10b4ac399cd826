"""The emulated service without HTTP and without media, on a clock that only the test moves."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable

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
    """The service, its fake hosts and its timers."""

    def __init__(self, settings: EmulatorSettings) -> None:
        self.hosts = FakeHosts()
        self.timers = ManualTimers()
        self.service = StreamSessions(settings, self.hosts, timers=self.timers)

    async def start(self, words: str = "first", token: str | None = None) -> StreamSession:
        return await self.service.start_session(
            StartRequest(GROUP, SETTINGS.application_id, offer(words), token)
        )

    async def pending(self) -> StreamSession:
        """A session whose client was connected and then went away."""
        session = await self.start()
        await self.timers.advance(1)
        session.client_connected(1)
        session.client_gone(1, graceful=False)
        assert session.status == service_status.PENDING_CLIENT_RECONNECTION
        return session

    def create(self, session: StreamSession, words: str, token: str) -> Awaitable[str]:
        return self.service.create_connection(GROUP, session.arn, offer(words), token)


@contextlib.asynccontextmanager
async def emulated_service(
    settings: EmulatorSettings = SETTINGS,
) -> AsyncIterator[EmulatedService]:
    """A service, closed at the end; checks that no alarm, task or host is left."""
    made = EmulatedService(settings)
    try:
        yield made
    finally:
        await made.service.aclose()
    assert made.timers.waiting == 0
    assert alive() == frozenset()
    assert not any(host.running for host in made.hosts.made)


async def refusal(call: Awaitable[str]) -> CallRefusedError:
    """The error with which this call is refused."""
    with pytest.raises(CallRefusedError) as caught:
        await call
    return caught.value
