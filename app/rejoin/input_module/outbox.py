"""Parses and checks the sandbox's answers: every line is data from a foreign script. Pure.

An answer is text: the status, the milliseconds until a timer is due (not used here), the number of
errors, then one line for each thing the module said: an operation, the number of the instance, and
hexadecimal digits or JSON. Anything else raises InputModuleError.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from rejoin.errors import InputModuleError
from rejoin.input_module.port import MAX_APPLICATION_BYTES, Channel

MAX_LINES: Final = 4096
MAX_MESSAGE_BYTES: Final = 262_144
"""As much as the browser lets a module send at once."""

MAX_REASON: Final = 1024
MAX_STATISTICS: Final = 64
MAX_ERRORS: Final = 1_000_000
MAX_NAME: Final = 64
MAX_MEMBER: Final = 256
MAX_PADS: Final = 4
MAX_VIBRATION_MS: Final = 5000

_CURSORS = (
    "auto", "default", "none", "context-menu", "help", "pointer", "progress", "wait", "cell",
    "crosshair", "text", "vertical-text", "alias", "copy", "move", "no-drop", "not-allowed",
    "grab", "grabbing", "e-resize", "n-resize", "ne-resize", "nw-resize", "s-resize",
    "se-resize", "sw-resize", "w-resize", "ew-resize", "ns-resize", "nesw-resize",
    "nwse-resize", "col-resize", "row-resize", "all-scroll", "zoom-in", "zoom-out",
)  # fmt: skip

CURSORS: Final = frozenset(_CURSORS)
"""Keywords of CSS; any other is "default"."""

_LINE: Final = re.compile(r"([imIMdaplfch])(\d{1,9}) ([^\n]*)|([v?]) ([^\n]*)")
_COUNT: Final = re.compile(r"[0-9]{1,9}")
_NAME: Final = re.compile(r"[ -~]{1,64}")


class Status(enum.Enum):
    """OK, or why the module cannot be used; BROKEN: the realm itself does not work any more."""

    OK = "ok"
    THREW = "threw"
    NO_MODULE = "no module"
    BROKEN = "broken"


_STATUSES: Final = {status.value: status for status in Status}


@dataclass(frozen=True, slots=True)
class Sent:
    """`data`: bytes, or text for a text message."""

    instance: int
    channel: Channel
    data: bytes | str


@dataclass(frozen=True, slots=True)
class Disconnected:
    instance: int
    reason: str


@dataclass(frozen=True, slots=True)
class ApplicationMessage:
    instance: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Performance:
    instance: int
    statistics: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PointerLockAsked:
    instance: int
    wanted: bool


@dataclass(frozen=True, slots=True)
class FullScreenAsked:
    instance: int
    wanted: bool


@dataclass(frozen=True, slots=True)
class CursorChanged:
    instance: int
    keyword: str


@dataclass(frozen=True, slots=True)
class Vibrated:
    """A pad, 0 to 3, its two motors, 0 to 1, and for how long; 0 ends it."""

    instance: int
    index: int
    strong: float
    weak: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class FramesAsked:
    """Whether a callback waits for the next picture (requestVideoFrameCallback)."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class Missing:
    name: str


SaidOfInstance = (
    Sent
    | Disconnected
    | ApplicationMessage
    | Performance
    | PointerLockAsked
    | FullScreenAsked
    | CursorChanged
    | Vibrated
)
Said = SaidOfInstance | FramesAsked | Missing


@dataclass(frozen=True, slots=True)
class Answer:
    status: Status
    errors: int = 0
    said: tuple[Said, ...] = field(default=())


def _bad() -> InputModuleError:
    return InputModuleError("The sandbox said something that has no meaning.")


def parse(text: str) -> Answer:
    """The answer in `text`. Raises InputModuleError."""
    head = text.split("\n", 3)
    if len(head) != 4 or head[0] not in _STATUSES or not _COUNT.fullmatch(head[2]):
        raise _bad()
    lines = head[3].split("\n") if head[3] else []
    if len(lines) > MAX_LINES:
        raise InputModuleError("The sandbox said too much at once.")
    errors = min(int(head[2]), MAX_ERRORS)
    return Answer(_STATUSES[head[0]], errors, tuple(_said(line) for line in lines))


def _said(line: str) -> Said:
    match = _LINE.fullmatch(line)
    if match is None:
        raise _bad()
    operation, number, payload, global_operation, global_payload = match.groups()
    if operation is None:
        if global_operation == "v":
            return FramesAsked(_truth(global_payload))
        return Missing(_name(global_payload))
    return _of_instance(operation, int(number), payload)


def _of_instance(operation: str, instance: int, payload: str) -> SaidOfInstance:
    match operation:
        case "i" | "m":
            return Sent(instance, _CHANNELS[operation], _bytes(payload, MAX_MESSAGE_BYTES))
        case "I" | "M":
            text = _string(payload, MAX_MESSAGE_BYTES)
            return Sent(instance, _CHANNELS[operation.lower()], text)
        case "d":
            return Disconnected(instance, _string(payload, MAX_REASON))
        case "a":
            return ApplicationMessage(instance, _bytes(payload, MAX_APPLICATION_BYTES))
        case "p":
            return Performance(instance, _statistics(payload))
        case "l":
            return PointerLockAsked(instance, _truth(payload))
        case "f":
            return FullScreenAsked(instance, _truth(payload))
        case "h":
            return _vibrated(instance, payload)
        case _:
            keyword = _string(payload, MAX_NAME)
            return CursorChanged(instance, keyword if keyword in CURSORS else "default")


_CHANNELS: Final = {"i": Channel.INPUT, "m": Channel.MESSAGES}


def _bytes(digits: str, most: int) -> bytes:
    if len(digits) > 2 * most:
        raise _bad()
    try:
        data = bytes.fromhex(digits)
    except ValueError as error:
        raise _bad() from error
    if data.hex() != digits:  # spaces or capitals
        raise _bad()
    return data


def _json(payload: str) -> object:
    try:
        value: object = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise _bad() from error
    return value


def _string(payload: str, most: int) -> str:
    value = _json(payload)
    if not isinstance(value, str) or len(value) > most:
        raise _bad()
    # Half of a surrogate pair can be written in JSON, but not sent.
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _truth(payload: str) -> bool:
    if payload not in ("0", "1"):
        raise _bad()
    return payload == "1"


def _vibrated(instance: int, payload: str) -> Vibrated:
    match _json(payload):
        case [int(index), *numbers] if 0 <= index < MAX_PADS and len(numbers) == 3:
            ms, strong, weak = (_number(each) for each in numbers)
            if strong <= 1 and weak <= 1:
                return Vibrated(instance, index, strong, weak, ms / 1000)
    raise _bad()


def _number(value: object) -> float:
    """0 to `MAX_VIBRATION_MS`."""
    if isinstance(value, int | float) and 0 <= value <= MAX_VIBRATION_MS:
        return float(value)
    raise _bad()


def _name(payload: str) -> str:
    name = _string(payload, MAX_NAME)
    return name if _NAME.fullmatch(name) is not None else "(a name that is not printable)"


def _statistics(payload: str) -> Mapping[str, object]:
    value = _json(payload)
    if not isinstance(value, dict) or len(value) > MAX_STATISTICS:
        raise _bad()
    for name, member in value.items():
        if len(name) > MAX_NAME or not _is_member(member):
            raise _bad()
    return value


def _is_member(member: object) -> bool:
    if isinstance(member, str):
        return len(member) <= MAX_MEMBER
    if isinstance(member, float):
        return member == member and abs(member) != float("inf")
    return isinstance(member, bool) or (isinstance(member, int) and abs(member) < 2**64)
