"""The commands that can be typed."""

from __future__ import annotations

from typing import cast

import pytest

from rejoin.emulator.service.console_commands import (
    HELP,
    ArmApi,
    ArmBackend,
    ArmScript,
    ChangeSetting,
    InjectFault,
    Quit,
    TakeBackendDown,
    carry_out,
    parse,
)
from rejoin.emulator.service.control import EmulatorControl
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
from rejoin.errors import BadInputError


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
        ("restart", InjectFault(Fault(FaultKind.RESTART))),
        ("clear", InjectFault(Fault(FaultKind.NONE))),
        ("no_media 4", InjectFault(Fault(FaultKind.NO_MEDIA, 4.0))),
        ("no_picture 4", InjectFault(Fault(FaultKind.NO_PICTURE, 4.0))),
        ("dtls_close", InjectFault(Fault(FaultKind.DTLS_CLOSE))),
        ("profile LEO", InjectFault(Fault(FaultKind.PROFILE, profile="leo"))),
        (
            "profile cut_until_window-1",
            InjectFault(Fault(FaultKind.PROFILE, profile="cut_until_window-1")),
        ),
        ("notice 0", ChangeSetting("notice_silent_client_s", 0.0)),
        ("set wrong_status_error validation", ChangeSetting("wrong_status_error", "validation")),
        ("set ice_checks_keep_connected false", ChangeSetting("ice_checks_keep_connected", False)),
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
        ("script script_404", ArmScript(ScriptFault(ScriptFaultKind.SCRIPT_404))),
        ("script script_hang 2", ArmScript(ScriptFault(ScriptFaultKind.SCRIPT_HANG, 2))),
        ("script none", ArmScript(ScriptFault(ScriptFaultKind.NONE))),
        ("quit", Quit()),
    ],
)
def test_commands_are_parsed(line: str, command: object) -> None:
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
        "script",
        "script 3",
        "script script_404 often",
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
def test_bad_commands_are_refused_with_a_sentence(line: str) -> None:
    with pytest.raises(BadInputError, match=r"\.$|The commands are: "):
        parse(line)
    assert "notice S" in HELP


class RecordingControl:
    """In the place of a control API's client: keeps the faults."""

    def __init__(self) -> None:
        self.injected: list[Fault] = []
        self.scripts: list[ScriptFault] = []

    async def inject(self, fault: Fault) -> float:
        self.injected.append(fault)
        return 1.0

    async def arm_script(self, fault: ScriptFault) -> float:
        self.scripts.append(fault)
        return 1.0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("silence 2", "silence for 2 s"),
        ("no_media", "no media"),
        ("profile leo", "leo"),
        ("clear", "the fault is cleared"),
    ],
)
async def test_an_injected_fault_is_confirmed(line: str, message: str) -> None:
    command, control = parse(line), RecordingControl()
    assert isinstance(command, InjectFault)
    assert await carry_out(command, cast(EmulatorControl, control)) == message
    assert control.injected == [command.fault]


async def test_a_fault_of_the_script_is_confirmed() -> None:
    command, control = parse("script script_huge 3"), RecordingControl()
    assert isinstance(command, ArmScript)
    message = await carry_out(command, cast(EmulatorControl, control))
    assert message == "script fault: script_huge"
    assert control.scripts == [ScriptFault(ScriptFaultKind.SCRIPT_HUGE, 3)]
