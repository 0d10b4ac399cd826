"""The input protocol, version 1: the messages of client and host over the two data channels.

The service's own input protocol is not public, so this is one of our own; docs/input-protocol.md
specifies it. A CONTROLS message carries the *whole* state and never a change, so a message that is
lost, repeated or reordered does no harm. Pointer and wheel travel are running totals modulo 2**32;
the receiver takes the difference, so a repeated message moves nothing twice. All numbers are
big-endian.

    0  u8   0x52                    the first byte of every message
    1  u8   version                 1
    2  u8   kind                    see Kind
    3  u8   reserved                0
    4  u32  sequence                rises by one with each change, wraps; older ones are ignored

    CONTROLS continues with
    8  u32  buttons                 bit 0 left, 1 right, 2 middle
    12 u32  pointer_x_total         pixels, positive to the right
    16 u32  pointer_y_total         pixels, positive downwards
    20 u32  wheel_total             1/8 degrees, positive away from the user
    24 u8   count                   at most 32
    25 u16  keys[count]             USB HID usages of page 7, ascending

    DISCONNECT continues with
    8  utf8 reason                  "idle", "terminated" or another word, at most 64 bytes

    GAMEPAD continues with
    8  u8   pad                     0 to 3; each has its own sequence
    9  u8[3] reserved               0
    12 u32  buttons                 bit n: button n of the W3C standard gamepad
    16 i16  axes[4]                 left x, left y, right x, right y; positive right and down

    PERFORMANCE continues with
    8  utf8 stats                   a JSON object, at most 1024 bytes

    LIMITS continues with
    8  u32  max_bitrate_kbps        kbit/s; 0: no limit
    12 u16  max_height              pixels; 0: no limit
    14 u16  reserved                0

HELLO (host to client, on `inputChannel`, until the client speaks) has no more fields. CONTROLS,
GAMEPAD and LIMITS go from client to host on `inputChannel`, DISCONNECT and PERFORMANCE from host to
client on `clientMessageChannel`. A new kind may be added within a version, since receivers ignore
kinds that they do not know; a kind never changes within a version.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass

INPUT_CHANNEL = "inputChannel"
"""Label of the unordered channel without retransmissions (service.md, observed)."""

MESSAGE_CHANNEL = "clientMessageChannel"
"""Label of the ordered, reliable channel (service.md, observed)."""

REPEAT_EVERY_S = 0.050
"""While anything is held, the whole state is sent again at this interval (experience.md)."""

REPEAT_AFTER_CHANGE = 3
"""A change is sent this many times, even if nothing is held after it (experience.md)."""

RELEASE_AFTER_S = 0.500
"""The host releases everything after this time without a message (experience.md)."""

VERSION = 1
MAX_KEYS = 32
MAX_MESSAGE = 25 + 2 * MAX_KEYS
_MAGIC = 0x52
_HEAD = struct.Struct("!BBBxI")
_BODY = struct.Struct("!IIIIB")
MAX_PADS = 4
MAX_PERFORMANCE = 1024
_PAD = struct.Struct("!B3xI4h")
_LIMITS = struct.Struct("!IH2x")
_U32 = 0xFFFFFFFF


class Kind(enum.IntEnum):
    HELLO = 1
    CONTROLS = 2
    DISCONNECT = 3
    GAMEPAD = 4
    PERFORMANCE = 5
    LIMITS = 6


class ControlsFormatError(ValueError):
    """The bytes are not a message of this protocol; no part of them was used."""


@dataclass(frozen=True, slots=True)
class Controls:
    """Everything the player holds, and the travel of pointer and wheel (totals modulo 2**32)."""

    keys: frozenset[int] = frozenset()
    buttons: int = 0
    pointer_x_total: int = 0
    pointer_y_total: int = 0
    wheel_total: int = 0

    @property
    def held(self) -> bool:
        return bool(self.keys) or self.buttons != 0

    def released(self) -> Controls:
        """The same travel, with nothing held."""
        return Controls(
            pointer_x_total=self.pointer_x_total,
            pointer_y_total=self.pointer_y_total,
            wheel_total=self.wheel_total,
        )


@dataclass(frozen=True, slots=True)
class Hello:
    version: int


@dataclass(frozen=True, slots=True)
class ControlsMessage:
    sequence: int
    controls: Controls


@dataclass(frozen=True, slots=True)
class Disconnect:
    reason: str


@dataclass(frozen=True, slots=True)
class Gamepad:
    """A gamepad's buttons, and its axes from -32768 to 32767; 0 in the sender's dead zone."""

    buttons: int = 0
    axes: tuple[int, int, int, int] = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class GamepadMessage:
    sequence: int
    pad: int
    gamepad: Gamepad


@dataclass(frozen=True, slots=True)
class Performance:
    """The host's load, as JSON text; its members are defined by AWS and not checked here."""

    stats: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client lets the host send: kbit/s and rows of a picture, 0 for no limit."""

    max_bitrate_kbps: int = 0
    max_height: int = 0


Message = Hello | ControlsMessage | Disconnect | GamepadMessage | Performance | Limits


def encode(message: Message) -> bytes:
    """The bytes of a message. If more than 32 keys are held, the 32 lowest usages are sent."""
    match message:
        case Hello(version):
            return _HEAD.pack(_MAGIC, version, Kind.HELLO, 0)
        case ControlsMessage(sequence, controls):
            keys = sorted(controls.keys)[:MAX_KEYS]
            return (
                _HEAD.pack(_MAGIC, VERSION, Kind.CONTROLS, sequence & _U32)
                + _BODY.pack(
                    controls.buttons & _U32,
                    controls.pointer_x_total & _U32,
                    controls.pointer_y_total & _U32,
                    controls.wheel_total & _U32,
                    len(keys),
                )
                + struct.pack(f"!{len(keys)}H", *keys)
            )
        case Disconnect(reason):
            return _HEAD.pack(_MAGIC, VERSION, Kind.DISCONNECT, 0) + reason.encode()[:64]
        case GamepadMessage(sequence, pad, gamepad):
            return _HEAD.pack(_MAGIC, VERSION, Kind.GAMEPAD, sequence & _U32) + _PAD.pack(
                pad, gamepad.buttons & _U32, *gamepad.axes
            )
        case Performance(stats):
            return _HEAD.pack(_MAGIC, VERSION, Kind.PERFORMANCE, 0) + stats.encode()
        case Limits(max_bitrate_kbps, max_height):
            return _HEAD.pack(_MAGIC, VERSION, Kind.LIMITS, 0) + _LIMITS.pack(
                max_bitrate_kbps, max_height
            )


def decode(data: bytes) -> Message:
    """Read one message. Raises ControlsFormatError, and nothing else, for any other bytes."""
    _require(len(data) >= _HEAD.size, "wrong length")
    magic, version, kind, sequence = _HEAD.unpack_from(data)
    longest = _HEAD.size + MAX_PERFORMANCE if kind == Kind.PERFORMANCE else MAX_MESSAGE
    _require(len(data) <= longest, "wrong length")
    _require(magic == _MAGIC, "not an input message")
    if kind == Kind.HELLO:
        return Hello(version)
    _require(version == VERSION, "a different version of the input protocol")
    match kind:
        case Kind.CONTROLS:
            return ControlsMessage(sequence, _controls(data))
        case Kind.DISCONNECT:
            return Disconnect(_text(data, "the reason is not text"))
        case Kind.PERFORMANCE:
            return Performance(_text(data, "the stats are not text"))
        case Kind.GAMEPAD:
            return _gamepad(data, sequence)
        case Kind.LIMITS:
            _require(len(data) == _HEAD.size + _LIMITS.size, "wrong length")
            return Limits(*_LIMITS.unpack_from(data, _HEAD.size))
        case _:
            raise ControlsFormatError("unknown kind")


def _require(condition: bool, sentence: str) -> None:
    if not condition:
        raise ControlsFormatError(sentence)


def _controls(data: bytes) -> Controls:
    start = _HEAD.size + _BODY.size
    _require(len(data) >= start, "wrong length")
    buttons, x, y, wheel, count = _BODY.unpack_from(data, _HEAD.size)
    _require(count <= MAX_KEYS and len(data) == start + 2 * count, "wrong length")
    keys = frozenset(struct.unpack_from(f"!{count}H", data, start))
    return Controls(keys, buttons, x, y, wheel)


def _gamepad(data: bytes, sequence: int) -> GamepadMessage:
    _require(len(data) == _HEAD.size + _PAD.size, "wrong length")
    pad, buttons, left_x, left_y, right_x, right_y = _PAD.unpack_from(data, _HEAD.size)
    _require(pad < MAX_PADS, "no such gamepad")
    return GamepadMessage(sequence, pad, Gamepad(buttons, (left_x, left_y, right_x, right_y)))


def _text(data: bytes, sentence: str) -> str:
    try:
        return data[_HEAD.size :].decode()
    except UnicodeDecodeError as error:
        raise ControlsFormatError(sentence) from error


def is_newer(sequence: int, than: int) -> bool:
    """Whether a sequence number is newer than another one; it may have wrapped."""
    return 0 < (sequence - than) & _U32 < 0x80000000


def travel(total: int, before: int) -> int:
    """The signed difference of two running totals, which may have wrapped."""
    moved = (total - before) & _U32
    return moved - 0x100000000 if moved >= 0x80000000 else moved
