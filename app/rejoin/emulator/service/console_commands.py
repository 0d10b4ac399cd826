"""The commands that can be typed below the terminal view: parsed, and carried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, assert_never

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
from rejoin.emulator.service.settings import setting_from_text
from rejoin.errors import BadInputError
from rejoin.netem.network_profile import NETWORK_PROFILES

HELP: Final = (
    "silence [S] | freeze [S] | no_media [S] | no_picture [S] | slow_start [S] | graceful | "
    "dtls_close | kill | restart | profile NAME | clear | api FAULT [OPERATION] [N] | "
    "backend FAULT [N] | backend down S | script FAULT [N] | notice S | set NAME VALUE | quit   "
    "(S: seconds; N: how many times, 1 if not given; notice: after how long a silent client is "
    "noticed; api none, backend none, script none: clear those faults)"
)
_SLOW_S: Final = 3.0
"""How late `api slow` answers."""


@dataclass(frozen=True, slots=True)
class InjectFault:
    """Inject a fault into the newest session, or clear the one that lasts."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class ArmApi:
    """Arm a fault of the emulated API, or clear those."""

    fault: ApiFault


@dataclass(frozen=True, slots=True)
class ArmBackend:
    """Arm a fault in front of the backend, or clear those."""

    fault: BackendFault


@dataclass(frozen=True, slots=True)
class ArmScript:
    """Arm a fault of the input module's script, or clear those."""

    fault: ScriptFault


@dataclass(frozen=True, slots=True)
class ChangeSetting:
    """Give one of `EmulatorSettings` a new value."""

    name: str
    value: object


@dataclass(frozen=True, slots=True)
class TakeBackendDown:
    """Take the studio's backend down for some seconds."""

    down_s: float


@dataclass(frozen=True, slots=True)
class Quit:
    """End the studio."""


Command = InjectFault | ArmApi | ArmBackend | ArmScript | ChangeSetting | TakeBackendDown | Quit

_FAULTS: Final = {
    "silence": FaultKind.SILENCE,
    "freeze": FaultKind.FREEZE,
    "no_media": FaultKind.NO_MEDIA,
    "no_picture": FaultKind.NO_PICTURE,
    "slow_start": FaultKind.SLOW_START,
    "dtls_close": FaultKind.DTLS_CLOSE,
    "graceful": FaultKind.GRACEFUL_CLOSE,
    "kill": FaultKind.KILL,
    "restart": FaultKind.RESTART,
    "clear": FaultKind.NONE,
}


def parse(line: str) -> Command | None:
    """The command in a typed line; None for an empty one. Raises `BadInputError` with the help."""
    verb, *words = line.split() or [""]
    match verb.lower(), words:
        case "", []:
            return None
        case (("quit" | "q" | "exit"), []):
            return Quit()
        case fault, [] if fault in _FAULTS:
            return InjectFault(Fault(_FAULTS[fault]))
        case (
            ("silence" | "freeze" | "no_media" | "no_picture" | "slow_start") as fault,
            [duration],
        ):
            return InjectFault(Fault(_FAULTS[fault], _seconds(duration)))
        case "profile", [name]:
            return InjectFault(Fault(FaultKind.PROFILE, profile=_one_of(name, NETWORK_PROFILES)))
        case "notice", [notice]:
            return ChangeSetting("notice_silent_client_s", _seconds(notice))
        case "set", [name, value]:
            return ChangeSetting(name, setting_from_text(name, value))
        case "api", [kind, *rest] if len(rest) <= 2:
            return ArmApi(_api_fault(kind, rest))
        case "backend", ["down", down]:
            return TakeBackendDown(_seconds(down))
        case "backend", [kind, *rest] if len(rest) <= 1:
            known = BackendFaultKind(_one_of(kind, list(BackendFaultKind)))
            return ArmBackend(BackendFault(known, _times(rest[0]) if rest else 1))
        case "script", [kind, *rest] if len(rest) <= 1:
            wrong = ScriptFaultKind(_one_of(kind, list(ScriptFaultKind)))
            return ArmScript(ScriptFault(wrong, _times(rest[0]) if rest else 1))
        case _:
            raise BadInputError(f"Unknown command. The commands are: {HELP}")


def _api_fault(kind: str, rest: list[str]) -> ApiFault:
    known = ApiFaultKind(_one_of(kind, list(ApiFaultKind)))
    times = _times(rest.pop()) if rest and rest[-1].isdecimal() else 1
    if len(rest) > 1:
        raise BadInputError(f"Unknown command. The commands are: {HELP}")
    delay_s = _SLOW_S if known is ApiFaultKind.SLOW else 0.0
    return ApiFault(known, rest[0] if rest else None, times, delay_s)


def _one_of(word: str, known: Sequence[str]) -> str:
    if word.lower() not in known:
        raise BadInputError(f"{word!r} is not one of: {', '.join(known)}.")
    return word.lower()


def _times(word: str) -> int:
    if not word.isdecimal() or not 1 <= int(word[:9]) <= 1_000_000:
        raise BadInputError("N is 1 to 1000000.")
    return int(word[:9])


def _seconds(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86400:
        raise BadInputError("S is 0 to 86400 seconds.")
    return seconds


async def carry_out(command: Command, control: EmulatorControl) -> str | None:
    """Do it; returns what to show, or None to quit. Raises the control API's errors."""
    match command:
        case InjectFault(fault):
            await control.inject(fault)
            if fault.kind is FaultKind.NONE:
                return "the fault is cleared"
            lasts = "" if fault.duration_s is None else f" for {fault.duration_s:g} s"
            return f"{fault.profile or fault.kind.value.replace('_', ' ')}{lasts}"
        case ArmApi(api_fault):
            await control.arm(api_fault)
            return f"API fault: {api_fault.kind.value}, {api_fault.operation or 'any operation'}"
        case ArmBackend(backend_fault):
            await control.arm_backend(backend_fault)
            return f"backend fault: {backend_fault.kind.value}"
        case ArmScript(script_fault):
            await control.arm_script(script_fault)
            return f"script fault: {script_fault.kind.value}"
        case ChangeSetting(name, value):
            changed = await control.change_settings(**{name: value})
            return f"{name} is {changed[name]}"
        case TakeBackendDown(down_s):
            await control.backend_down(down_s)
            return f"the backend is down for {down_s:g} s"
        case Quit():
            return None
        case _:
            assert_never(command)
