"""The terminal view: what a person sees of a state, and what typing does."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from helpers.fake_host import FakeHosts, offer
from helpers.manual_timers import ManualTimers
from rejoin.backend.serving import serving
from rejoin.emulator.service.api import ApiFaults
from rejoin.emulator.service.console import (
    HELP,
    ArmApi,
    ArmBackend,
    ChangeSetting,
    InjectFault,
    Quit,
    TakeBackendDown,
    parse,
    plain,
    run,
    view,
)
from rejoin.emulator.service.control import EmulatorControl, build_control
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
from rejoin.errors import BadInputError

SETTINGS = EmulatorSettings()


def session(name: str, status: str, **more: Any) -> dict[str, Any]:
    history = [{"status": "ACTIVATING", "reason": None, "at": 1.0, "wall_s": 1.0}]
    history.append({"status": status, "reason": more.get("reason"), "at": 40.0, "wall_s": 2.0})
    known = {
        "session": name,
        "status": status,
        "reason": None,
        "connection": 1,
        "entered_at": 40.0,
        "window_ends_at": None,
        "history": history,
        "game_state": None,
    }
    return {**known, **more}


STATE: dict[str, Any] = {
    "now": 105.0,
    "sessions": [
        session(
            "newest00",
            "PENDING_CLIENT_RECONNECTION",
            connection=3,
            window_ends_at=160.0,
            game_state={
                "running": True,
                "counter": 3900,
                "score": 12,
                "fault": "profile",
                "profile": "home_wifi",
                "relay": {"packets_up": 50, "packets_down": 7000, "packets_dropped": 31},
            },
        ),
        session("older000", "ERROR", reason="internalError", game_state={"running": False}),
    ],
    "api_faults": [{"kind": "hang", "operation": "GetStreamSession", "times": 2}],
    "backend_faults": [{"kind": "portal", "times": None}],
    "api_calls": {"StartStreamSession": 2},
}


def seen(state: dict[str, Any], message: str = "", typing: str = "") -> str:
    console = Console(file=io.StringIO(), width=140, record=True)
    console.print(view(state, message, typing))
    return console.export_text()


def test_the_view_has_sessions_statuses_faults_and_traffic() -> None:
    text = seen(STATE, "silence for 3 s", "noti")
    [newest] = [line for line in text.splitlines() if line.strip("│ ").startswith("newest00")]
    for word in ("PENDING_CLIENT_RECONNECTION", "1:05", "55 s left", " 3 ", "frame 3900, score 12"):
        assert word in newest
    assert "up 50, down 7000, dropped 31" in newest
    assert "ERROR internalError" in text
    assert "Fault in newest00: profile home_wifi" in text
    assert "API fault: hang of GetStreamSession, 2 more" in text
    assert "Backend fault: portal, until lifted" in text
    assert "Calls: StartStreamSession 2" in text
    assert "silence for 3 s" in text
    assert "> noti_" in text


def test_an_empty_studio_and_a_crowded_one() -> None:
    assert "nobody plays" in seen({"now": 1.0, "sessions": []})
    crowd = [session(f"number{number:02}", "CONNECTED") for number in range(100)]
    text = seen({"now": 50.0, "sessions": crowd})
    assert "number11" in text
    assert "number12" not in text
    assert "and 88 more" in text


def test_plain_lines_tell_what_changed_once() -> None:
    first = plain(None, STATE)
    assert first[:2] == ["1.000 older000 ACTIVATING", "40.000 older000 ERROR (internalError)"]
    assert "Backend fault: portal, until lifted" in first
    assert plain(STATE, STATE) == []
    gone = {"status": "TERMINATED", "reason": "reconnectionTimeout", "at": 160.0, "wall_s": 3.0}
    newest = {**STATE["sessions"][0], "history": [*STATE["sessions"][0]["history"], gone]}
    later = {**STATE, "now": 161.0, "sessions": [newest, STATE["sessions"][1]]}
    assert plain(STATE, later) == ["160.000 newest00 TERMINATED (reconnectionTimeout)"]


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("", None),
        ("  \n", None),
        ("silence", InjectFault(Fault(FaultKind.SILENCE))),
        ("Silence 3.5\n", InjectFault(Fault(FaultKind.SILENCE, 3.5))),
        ("freeze 2", InjectFault(Fault(FaultKind.FREEZE, 2.0))),
        ("graceful", InjectFault(Fault(FaultKind.GRACEFUL_CLOSE))),
        ("kill", InjectFault(Fault(FaultKind.KILL))),
        ("lift", InjectFault(Fault(FaultKind.NONE))),
        ("no_media 4", InjectFault(Fault(FaultKind.NO_MEDIA, 4.0))),
        ("dtls_close", InjectFault(Fault(FaultKind.DTLS_CLOSE))),
        ("profile LEO", InjectFault(Fault(FaultKind.PROFILE, profile="leo"))),
        (
            "profile cut_until_window-1",
            InjectFault(Fault(FaultKind.PROFILE, profile="cut_until_window-1")),
        ),
        ("notice 0", ChangeSetting("notice_silent_client_s", 0.0)),
        ("set wrong_state_error validation", ChangeSetting("wrong_state_error", "validation")),
        ("set checks_hold_connected false", ChangeSetting("checks_hold_connected", False)),
        ("set fps 30", ChangeSetting("fps", 30)),
        ("set placement_s 0.5", ChangeSetting("placement_s", 0.5)),
        ("api throttle", ArmApi(ApiFault(ApiFaultKind.THROTTLE))),
        (
            "api reset CreateStreamSessionConnection 2",
            ArmApi(ApiFault(ApiFaultKind.RESET, "CreateStreamSessionConnection", 2)),
        ),
        ("api slow 3", ArmApi(ApiFault(ApiFaultKind.SLOW, times=3, delay_s=3.0))),
        ("api none", ArmApi(ApiFault(ApiFaultKind.NONE))),
        ("backend portal 4", ArmBackend(BackendFault(BackendFaultKind.PORTAL, 4))),
        ("backend none", ArmBackend(BackendFault(BackendFaultKind.NONE))),
        ("backend down 10", TakeBackendDown(10.0)),
        ("quit", Quit()),
    ],
)
def test_what_can_be_typed(line: str, command: object) -> None:
    assert parse(line) == command


@pytest.mark.parametrize(
    "line",
    [
        "dance",
        "kill 3",
        "notice",
        "notice soon",
        "silence -1",
        "freeze nan",
        "backend 3",
        "profile",
        "profile nowhere",
        "profile ../clean",
        "api",
        "api explode",
        "api throttle A B",
        "api throttle A 0",
        "backend portal often",
        "set fps",
        "profile leo now",
    ],
)
def test_what_cannot_be_typed_is_said(line: str) -> None:
    with pytest.raises(BadInputError, match=r"\.$|There are: "):
        parse(line)
    assert "notice S" in HELP


def on_stage(play: Callable[[EmulatorControl, FakeHosts, StreamSessions], Any]) -> None:
    async def stage() -> None:
        hosts, timers, downs = FakeHosts(), ManualTimers(), []
        service = StreamSessions(SETTINGS, hosts, timers=timers)

        async def down(down_s: float) -> None:
            downs.append(down_s)

        app = build_control(service, "t", api_faults=ApiFaults(), backend_down=down)
        async with (
            serving(app, "127.0.0.1", 0) as port,
            EmulatorControl(f"http://127.0.0.1:{port}", "t") as control,
        ):
            await service.start_session(
                StartRequest(SETTINGS.stream_group_ids[0], SETTINGS.application_id, offer("one"))
            )
            await timers.advance(1)
            await play(control, hosts, service)
        await service.aclose()
        assert downs == [4.0]

    asyncio.run(stage())


LINES = (
    "silence 2\nprofile leo\nkill\nnotice 1.5\nset fps 30\nset fps many\nset wings 2\nnonsense\n"
    "api throttle GetStreamSession\nbackend down 4\nquit\n"
)


def obeyed(hosts: FakeHosts, service: StreamSessions) -> None:
    assert "inject silence existing 2.0" in [
        call.replace("None", "existing") for call in hosts.newest.calls
    ]
    assert any(call.startswith("inject kill") for call in hosts.newest.calls)
    assert any("leo" in call for call in hosts.newest.calls)
    assert service.settings.notice_silent_client_s == 1.5
    assert service.settings.fps == 30


def test_without_a_terminal_there_are_lines() -> None:
    async def piped(control: EmulatorControl, hosts: FakeHosts, service: StreamSessions) -> None:
        output = io.StringIO()
        console = Console(file=output, width=80)
        await run(control, source=io.StringIO(LINES), console=console, refresh_s=0.01)
        obeyed(hosts, service)
        lines = output.getvalue().splitlines()
        name = service.sessions()[0].session_id
        assert f"1000.200 {name} ACTIVE" in lines
        assert "silence for 2 s" in lines
        assert "the backend is down for 4 s" in lines
        assert any(line.startswith("That is no command.") for line in lines)
        assert "fps is 30" in lines
        assert "The emulator's setting fps is not of that type." in lines
        assert "The emulator has no setting named wings." in lines
        assert "API: throttle GetStreamSession" in lines
        assert "\x1b" not in output.getvalue()

    on_stage(piped)


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are a POSIX thing")
def test_at_a_terminal_there_is_a_picture_and_a_prompt() -> None:
    async def typed(control: EmulatorControl, hosts: FakeHosts, service: StreamSessions) -> None:
        import pty
        import termios

        master, slave = pty.openpty()
        before = termios.tcgetattr(slave)
        output = io.StringIO()
        console = Console(file=output, width=140, height=40, force_terminal=True)
        with os.fdopen(slave, closefd=True) as source:
            # A slip of the finger, taken back.
            os.write(master, LINES.replace("kill", "killl\x7f").encode())
            await run(control, source=source, console=console, refresh_s=0.01)
            assert termios.tcgetattr(source) == before
        os.close(master)
        obeyed(hosts, service)
        name = service.sessions()[0].session_id
        assert name in output.getvalue()
        assert "the backend is down for 4 s" in output.getvalue()

    on_stage(typed)
