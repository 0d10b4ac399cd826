"""The control API through its own two clients, over real sockets on loopback."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from helpers.fake_host import FakeHosts, offer
from helpers.manual_timers import ManualTimers
from rejoin.backend.serving import serving
from rejoin.emulator.service.api import ApiFaults
from rejoin.emulator.service.backend_faults import BackendFaults
from rejoin.emulator.service.control import (
    BlockingEmulatorControl,
    EmulatorControl,
    build_control,
    new_token,
)
from rejoin.emulator.service.sessions import StartRequest, StreamSessions
from rejoin.emulator.service.settings import (
    ApiFault,
    ApiFaultKind,
    BackendFault,
    BackendFaultKind,
    EmulatorSettings,
    Fault,
    FaultKind,
)
from rejoin.errors import BadInputError, ServiceError

SETTINGS = EmulatorSettings()


class Stage:
    def __init__(self) -> None:
        self.hosts = FakeHosts()
        self.timers = ManualTimers()
        self.service = StreamSessions(SETTINGS, self.hosts, timers=self.timers)
        self.faults = ApiFaults()
        self.backend_faults = BackendFaults()
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


def on_stage(test: Callable[[Stage, EmulatorControl], Awaitable[None]]) -> None:
    @contextlib.asynccontextmanager
    async def stage() -> AsyncIterator[Stage]:
        made = Stage()
        app = build_control(
            made.service,
            made.token,
            api_faults=made.faults,
            backend_down=made.backend_down,
            backend_faults=made.backend_faults,
        )
        async with serving(app, "127.0.0.1", 0) as port:
            made.url = f"http://127.0.0.1:{port}"
            yield made
        await made.service.aclose()

    async def run() -> None:
        async with stage() as made, EmulatorControl(made.url, made.token) as control:
            await test(made, control)

    asyncio.run(run())


def test_state_tells_the_truth_that_no_client_can_see() -> None:
    async def state(on: Stage, control: EmulatorControl) -> None:
        assert (await control.state())["sessions"] == []
        session_id = await on.start()
        seen = await control.state()
        assert seen["now"] == on.timers.now()
        assert seen["settings"]["notice_silent_client_s"] == 5.0
        assert "secret_access_key" not in seen["settings"]
        [session] = seen["sessions"]
        assert (session["session"], session["status"]) == (session_id, "ACTIVE")
        assert [entry["status"] for entry in session["history"]] == ["ACTIVATING", "ACTIVE"]
        assert session["window_ends_at"] == session["history"][-1]["at"] + 120
        assert session["game_state"] == {"counter": 2}

    on_stage(state)


def test_faults_go_to_the_host_and_come_back_with_their_time() -> None:
    async def faults(on: Stage, control: EmulatorControl) -> None:
        with pytest.raises(BadInputError, match="no running stream session"):
            await control.inject(Fault(FaultKind.SILENCE))
        session_id = await on.start()
        assert await control.inject(Fault(FaultKind.SILENCE, 2.5, "all")) == 1234.5
        assert on.hosts.newest.calls[-1] == "inject silence all 2.5"
        assert await control.inject(Fault(FaultKind.KILL), session_id) == 1234.5
        assert on.hosts.newest.calls[-1] == "inject kill existing None"

    on_stage(faults)


def test_a_profile_goes_to_the_host_with_all_it_needs() -> None:
    async def profile(on: Stage, control: EmulatorControl) -> None:
        await on.start()
        fault = Fault(
            FaultKind.PROFILE,
            30.0,
            profile="cut_until_window",
            direction="up",
            seed=7,
            window_s=12.5,
        )
        assert await control.inject(fault) == 1234.5
        assert on.hosts.newest.faults[-1] == fault
        assert on.hosts.newest.calls[-1] == "inject cut_until_window all 30.0"
        for kind in (FaultKind.NO_MEDIA, FaultKind.DTLS_CLOSE, FaultKind.SLOW_START):
            await control.inject(Fault(kind))
            assert on.hosts.newest.faults[-1] == Fault(kind)
        headers = {"Authorization": f"Bearer {on.token}"}
        async with httpx.AsyncClient(trust_env=False) as http:
            for body, told in (
                ({"kind": "profile"}, "names its profile"),
                ({"kind": "profile", "profile": "typhoon"}, "no such network profile"),
                ({"kind": "profile", "profile": "clean", "direction": "left"}, "direction"),
                ({"kind": "silence", "scope": "some"}, "scope"),
            ):
                response = await http.post(f"{on.url}/faults", json=body, headers=headers)
                assert response.status_code == 400
                assert told in response.json()["message"]

    on_stage(profile)


def test_settings_can_be_changed_while_it_runs() -> None:
    async def settings(on: Stage, control: EmulatorControl) -> None:
        changed = await control.change_settings(notice_silent_client_s=0, create_latency_s=2.5)
        assert (changed["notice_silent_client_s"], changed["create_latency_s"]) == (0, 2.5)
        assert on.service.settings.create_latency_s == 2.5
        with pytest.raises(BadInputError, match="no setting named colour"):
            await control.change_settings(colour="blue")

    on_stage(settings)


def test_backend_and_api_faults() -> None:
    async def others(on: Stage, control: EmulatorControl) -> None:
        await control.backend_down(10)
        assert on.downs == [10]
        with pytest.raises(BadInputError, match="down_s"):
            await control.backend_down(-1)
        await control.arm(ApiFault(ApiFaultKind.THROTTLE, "GetStreamSession", retry_after_s=3))
        assert on.faults.take("StartStreamSession") is None
        taken = on.faults.take("GetStreamSession")
        assert taken is not None
        assert taken.retry_after_s == 3
        assert on.faults.take("GetStreamSession") is None

    on_stage(others)


def test_faults_in_front_of_the_backend() -> None:
    async def front(on: Stage, control: EmulatorControl) -> None:
        await control.arm_backend(BackendFault(BackendFaultKind.PORTAL, times=3))
        assert (await control.state())["backend_faults"] == [{"kind": "portal", "times": 3}]
        assert on.backend_faults.take() is not None
        await control.arm_backend(BackendFault(BackendFaultKind.NONE))
        assert on.backend_faults.take() is None

    on_stage(front)


def test_time_moves_only_where_it_can_be_moved() -> None:
    async def advance(on: Stage, control: EmulatorControl) -> None:
        await on.start()
        before = on.timers.now()
        assert await control.advance(120) == before + 120
        [session] = (await control.state())["sessions"]
        assert session["reason"] == "connectionTimeout"
        with pytest.raises(BadInputError, match="by_s"):
            await control.advance(-1)
        real = StreamSessions(SETTINGS, on.hosts)
        async with (
            serving(build_control(real, on.token), "127.0.0.1", 0) as port,
            EmulatorControl(f"http://127.0.0.1:{port}", on.token) as other,
        ):
            with pytest.raises(BadInputError, match="real clock"):
                await other.advance(10)
            with pytest.raises(BadInputError, match="without API faults"):
                await other.arm(ApiFault(ApiFaultKind.INTERNAL))
        await real.aclose()

    on_stage(advance)


def test_a_session_ends_for_a_reason_of_ones_choice() -> None:
    async def ends(on: Stage, control: EmulatorControl) -> None:
        first, second = await on.start(), await on.start("two")
        assert await control.end_session("assumeRoleFailed", first) == on.timers.now()
        await control.end_session("applicationExit")
        reasons = {one["session"]: one["reason"] for one in (await control.state())["sessions"]}
        assert reasons == {first: "assumeRoleFailed", second: "applicationExit"}
        with pytest.raises(BadInputError, match="not over"):
            await control.end_session("internalError")

    on_stage(ends)


def test_state_tells_what_is_armed_and_what_was_called() -> None:
    async def told(on: Stage, control: EmulatorControl) -> None:
        await control.arm(ApiFault(ApiFaultKind.RESET, "ListStreamGroups", times=None))
        on.faults.take("GetStreamSession")
        state = await control.state()
        [fault] = state["api_faults"]
        assert (fault["kind"], fault["operation"], fault["times"]) == (
            "reset",
            "ListStreamGroups",
            None,
        )
        assert state["api_calls"] == {"GetStreamSession": 1}
        with pytest.raises(BadInputError, match="no such operation"):
            await control.arm(ApiFault(ApiFaultKind.SLOW, "Nothing"))

    on_stage(told)


def test_the_blocking_client_does_the_same() -> None:
    async def blocking(on: Stage, control: EmulatorControl) -> None:
        await on.start()
        control_2 = BlockingEmulatorControl(on.url, on.token)
        state = await asyncio.to_thread(control_2.state)
        assert state["sessions"][0]["status"] == "ACTIVE"
        assert await asyncio.to_thread(control_2.inject, Fault(FaultKind.FREEZE)) == 1234.5
        changed = await asyncio.to_thread(lambda: control_2.change_settings(create_latency_s=1.0))
        assert changed["create_latency_s"] == 1.0
        await asyncio.to_thread(control_2.backend_down, 3.0)
        assert on.downs == [3.0]
        assert (await control.state())["settings"]["create_latency_s"] == 1.0

    on_stage(blocking)


def test_without_the_token_there_is_nothing() -> None:
    async def guarded(on: Stage, control: EmulatorControl) -> None:
        async with EmulatorControl(on.url, "guess") as stranger:
            with pytest.raises(ServiceError, match="token is missing or wrong"):
                await stranger.state()
            with pytest.raises(ServiceError):
                await stranger.change_settings(create_latency_s=9.0)
        assert on.service.settings.create_latency_s == 0

    on_stage(guarded)


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b'{"kind": "earthquake"}', b'{"kind": "silence", "duration_s": "long"}'],
)
def test_nonsense_is_refused_in_a_sentence(body: bytes) -> None:
    async def nonsense(on: Stage, control: EmulatorControl) -> None:
        headers = {"Authorization": f"Bearer {on.token}"}
        async with httpx.AsyncClient(trust_env=False) as http:
            response = await http.post(f"{on.url}/faults", content=body, headers=headers)
        assert response.status_code == 400
        assert response.json()["message"].endswith(".")

    on_stage(nonsense)


def test_what_is_not_a_control_api_is_called_that() -> None:
    async def page(request: Any) -> PlainTextResponse:
        return PlainTextResponse("hello")

    async def run() -> None:
        app = Starlette(routes=[Route("/state", page)])
        async with serving(app, "127.0.0.1", 0) as port:
            control = EmulatorControl(f"http://127.0.0.1:{port}", "x")
            with pytest.raises(ServiceError, match="not the emulator's control API"):
                await control.state()
        async with control:
            with pytest.raises(ServiceError, match="cannot be reached"):
                await control.state()

    asyncio.run(run())
