"""The running console: what is shown, and what typed commands do."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from rich.console import Console

from helpers.fake_host import FakeHosts, offer
from helpers.manual_timers import ManualTimers
from rejoin.backend.serving import serving
from rejoin.emulator.service.api.armed_faults import ApiFaults
from rejoin.emulator.service.console import run
from rejoin.emulator.service.control import EmulatorControl
from rejoin.emulator.service.control_server import build_control
from rejoin.emulator.service.session import StartRequest
from rejoin.emulator.service.sessions import StreamSessions
from rejoin.emulator.service.settings import EmulatorSettings

SETTINGS = EmulatorSettings()


@contextlib.asynccontextmanager
async def console_of_one_session() -> AsyncIterator[
    tuple[EmulatorControl, FakeHosts, StreamSessions]
]:
    """A control API with one session; in the end the backend was taken down once, for 4 s."""
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
        yield control, hosts, service
    await service.aclose()
    assert downs == [4.0]


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


async def test_without_a_terminal_there_are_lines() -> None:
    async with console_of_one_session() as (control, hosts, service):
        output = io.StringIO()
        console = Console(file=output, width=80)
        await run(control, source=io.StringIO(LINES), console=console, refresh_s=0.01)
        obeyed(hosts, service)
        lines = output.getvalue().splitlines()
        name = service.sessions()[0].session_id
        assert f"1000.200 {name} ACTIVE" in lines
        assert "silence for 2 s" in lines
        assert "the backend is down for 4 s" in lines
        assert any(line.startswith("Unknown command.") for line in lines)
        assert "fps is 30" in lines
        assert "The emulator's setting fps must be a whole number." in lines
        assert "The emulator has no setting named wings." in lines
        assert "API fault: throttle, GetStreamSession" in lines
        assert "\x1b" not in output.getvalue()


class HostileControl:
    """A control API whose texts, some of them chosen by a client, control a terminal."""

    def __init__(self, state: dict[str, Any]) -> None:
        self._state = state

    async def state(self) -> dict[str, Any]:
        return self._state


@pytest.mark.parametrize("terminal", [False, True])
async def test_no_text_of_a_client_controls_the_terminal(terminal: bool) -> None:
    escapes = "\x1b]0;owned\x07\x9b2J\u202e"
    async with console_of_one_session() as (control, _, _):
        state = await control.state()
        await control.backend_down(4.0)
    [session] = state["sessions"]
    session |= {"status": escapes, "reason": escapes, "connection": escapes}
    session["history"] = [{"at": 1.0, "status": escapes, "reason": escapes}]
    session["game_state"] = {"counter": escapes, "fault": escapes}
    state["api_calls"] = {escapes: 1}
    output = io.StringIO()
    console = Console(file=output, width=400, height=40, force_terminal=terminal)
    hostile: Any = HostileControl(state)
    await run(hostile, source=io.StringIO("quit\n"), console=console, refresh_s=0.01)
    assert "owned" in output.getvalue()
    for control_code in ("\x1b]0", "\x07", "\x9b", "\u202e"):
        assert control_code not in output.getvalue()


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are a POSIX thing")
async def test_at_a_terminal_there_is_a_view_and_a_prompt() -> None:
    async with console_of_one_session() as (control, hosts, service):
        import pty
        import termios

        master, slave = pty.openpty()
        before = termios.tcgetattr(slave)
        output = io.StringIO()
        console = Console(file=output, width=140, height=40, force_terminal=True)
        with os.fdopen(slave, closefd=True) as source:
            # A typing error, corrected.
            os.write(master, LINES.replace("kill", "killl\x7f").encode())
            await run(control, source=source, console=console, refresh_s=0.01)
            assert termios.tcgetattr(source) == before
        os.close(master)
        obeyed(hosts, service)
        name = service.sessions()[0].session_id
        assert name in output.getvalue()
        assert "the backend is down for 4 s" in output.getvalue()
