"""A control API on a real socket, with an emulator without media behind it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from helpers.fake_host import FakeHosts, offer
from helpers.manual_timers import ManualTimers
from rejoin.backend.serving import serving
from rejoin.emulator.service.api.armed_faults import ApiFaults
from rejoin.emulator.service.backend_faults import BackendFaults
from rejoin.emulator.service.control import EmulatorControl
from rejoin.emulator.service.control_server import build_control, new_token
from rejoin.emulator.service.script_faults import ScriptFaults
from rejoin.emulator.service.session import StartRequest
from rejoin.emulator.service.sessions import StreamSessions
from rejoin.emulator.service.settings import EmulatorSettings

SETTINGS = EmulatorSettings()


class Controlled:
    """What a control API controls, and where the API is."""

    def __init__(self) -> None:
        self.hosts = FakeHosts()
        self.timers = ManualTimers()
        self.service = StreamSessions(SETTINGS, self.hosts, timers=self.timers)
        self.faults = ApiFaults()
        self.backend_faults = BackendFaults()
        self.script_faults = ScriptFaults()
        self.token = new_token()
        self.downs: list[float] = []
        self.url = ""

    async def backend_down(self, down_s: float) -> None:
        self.downs.append(down_s)

    async def start(self, words: str = "one") -> str:
        session = await self.service.start_session(
            StartRequest(SETTINGS.stream_group_ids[0], SETTINGS.application_id, offer(words))
        )
        await self.timers.advance(1)
        return session.session_id


@contextlib.asynccontextmanager
async def controlled() -> AsyncIterator[tuple[Controlled, EmulatorControl]]:
    """A running control API and its client."""
    made = Controlled()
    app = build_control(
        made.service,
        made.token,
        api_faults=made.faults,
        backend_down=made.backend_down,
        backend_faults=made.backend_faults,
        script_faults=made.script_faults,
    )
    async with serving(app, "127.0.0.1", 0) as port:
        made.url = f"http://127.0.0.1:{port}"
        async with EmulatorControl(made.url, made.token) as control:
            yield made, control
    await made.service.aclose()
