"""The control API: what each request does, and what is refused."""

from __future__ import annotations

import httpx
import pytest

from helpers.control_api import SETTINGS, controlled
from rejoin.backend.serving import serving
from rejoin.emulator.service.control import EmulatorControl
from rejoin.emulator.service.control_server import build_control
from rejoin.emulator.service.faults import (
    ApiFault,
    ApiFaultKind,
    BackendFault,
    BackendFaultKind,
    Fault,
    FaultKind,
    ScriptFault,
    ScriptFaultKind,
)
from rejoin.emulator.service.sessions import StreamSessions
from rejoin.errors import BadInputError


async def test_state_shows_what_no_client_can_see() -> None:
    async with controlled() as (on, control):
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


async def test_a_fault_reaches_the_host_and_its_time_is_returned() -> None:
    async with controlled() as (on, control):
        with pytest.raises(BadInputError, match="no running stream session"):
            await control.inject(Fault(FaultKind.SILENCE))
        session_id = await on.start()
        assert await control.inject(Fault(FaultKind.SILENCE, 2.5, "all")) == 1234.5
        assert on.hosts.newest.calls[-1] == "inject silence all 2.5"
        assert await control.inject(Fault(FaultKind.KILL), session_id) == 1234.5
        assert on.hosts.newest.calls[-1] == "inject kill existing None"


async def test_a_network_profile_reaches_the_host_with_all_its_options() -> None:
    async with controlled() as (on, control):
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
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            for body, sentence in (
                ({"kind": "profile"}, "names its profile"),
                ({"kind": "profile", "profile": "typhoon"}, "no such network profile"),
                ({"kind": "profile", "profile": "clean", "direction": "left"}, "direction"),
                ({"kind": "silence", "scope": "some"}, "scope"),
            ):
                response = await http.post(f"{on.url}/faults", json=body, headers=headers)
                assert response.status_code == 400
                assert sentence in response.json()["message"]


async def test_settings_can_be_changed_while_it_runs() -> None:
    async with controlled() as (on, control):
        changed = await control.change_settings(notice_silent_client_s=0, create_latency_s=2.5)
        assert (changed["notice_silent_client_s"], changed["create_latency_s"]) == (0, 2.5)
        assert on.service.settings.create_latency_s == 2.5
        with pytest.raises(BadInputError, match="no setting named colour"):
            await control.change_settings(colour="blue")


async def test_backend_and_api_faults() -> None:
    async with controlled() as (on, control):
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


async def test_faults_in_front_of_the_backend() -> None:
    async with controlled() as (on, control):
        await control.arm_backend(BackendFault(BackendFaultKind.PORTAL, times=3))
        assert (await control.state())["backend_faults"] == [{"kind": "portal", "times": 3}]
        assert on.backend_faults.take() is not None
        await control.arm_backend(BackendFault(BackendFaultKind.NONE))
        assert on.backend_faults.take() is None


async def test_faults_of_the_script() -> None:
    async with controlled() as (on, control):
        await control.arm_script(ScriptFault(ScriptFaultKind.SCRIPT_404, times=3))
        assert (await control.state())["script_faults"] == [{"kind": "script_404", "times": 3}]
        response = await on.script_faults.response()
        assert response is not None
        assert response.status_code == 404
        await control.arm_script(ScriptFault(ScriptFaultKind.NONE))
        assert await on.script_faults.response() is None


async def test_time_can_be_advanced_only_on_advanceable_timers() -> None:
    async with controlled() as (on, control):
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


async def test_a_session_can_be_ended_for_a_chosen_reason() -> None:
    async with controlled() as (on, control):
        first, second = await on.start(), await on.start("two")
        assert await control.end_session("assumeRoleFailed", first) == on.timers.now()
        await control.end_session("applicationExit")
        reasons = {one["session"]: one["reason"] for one in (await control.state())["sessions"]}
        assert reasons == {first: "assumeRoleFailed", second: "applicationExit"}
        with pytest.raises(BadInputError, match="not over"):
            await control.end_session("internalError")


async def test_state_shows_armed_faults_and_counts_calls() -> None:
    async with controlled() as (on, control):
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


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b'{"kind": "earthquake"}', b'{"kind": "silence", "duration_s": "long"}'],
)
async def test_bad_values_are_refused_with_a_sentence(body: bytes) -> None:
    async with controlled() as (on, _):
        headers = {"Authorization": f"Bearer {on.token}"}
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            response = await http.post(f"{on.url}/faults", content=body, headers=headers)
        assert response.status_code == 400
        assert response.json()["message"].endswith(".")
