"""The frames on the pipes of the sandbox: a kind, a length and a payload. Pure."""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterator
from typing import Final

from rejoin.errors import InputModuleError

_HEADER: Final = struct.Struct("<cI")
_CPU: Final = struct.Struct("<I")

MAX_SCRIPT_BYTES: Final = 16 * 1024 * 1024
MAX_ANSWER_BYTES: Final = 1024 * 1024


class Kind(enum.Enum):
    """To the sandbox: SCRIPT, COMMAND, PING; each is answered by one ANSWER, in order.

    From it: HELLO once, ANSWER, and UNASKED for what a timer made the module do. States of gamepads
    come to it on a pipe of their own (`pad_mailbox`).
    """

    SCRIPT = b"S"
    COMMAND = b"C"
    PING = b"P"
    HELLO = b"H"
    ANSWER = b"A"
    UNASKED = b"U"


_KINDS: Final = {kind.value: kind for kind in Kind}


def encode(kind: Kind, payload: bytes = b"") -> bytes:
    """One frame."""
    return _HEADER.pack(kind.value, len(payload)) + payload


def encode_answer(kind: Kind, cpu_s: float, text: str) -> bytes:
    """ANSWER or UNASKED: CPU time since the frame before in microseconds, then the text."""
    cpu_us = min(int(cpu_s * 1e6), 0xFFFFFFFF)
    return encode(kind, _CPU.pack(cpu_us) + text.encode("utf-8", "replace"))


def decode_answer(payload: bytes) -> tuple[float, str]:
    """CPU time in seconds, and the text. Raises InputModuleError."""
    try:
        (cpu_us,) = _CPU.unpack_from(payload)
        return cpu_us / 1e6, payload[_CPU.size :].decode("utf-8")
    except (struct.error, UnicodeDecodeError) as error:
        raise InputModuleError("The sandbox sent an answer that cannot be read.") from error


class Decoder:
    """Cuts what comes through a pipe into frames."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Kind, bytes]]:
        """The frames that `data` completes. Raises InputModuleError; then nothing more can come."""
        self._buffer += data
        while len(self._buffer) >= _HEADER.size:
            name, size = _HEADER.unpack_from(self._buffer)
            kind = _KINDS.get(name)
            if kind is None or size > self._max_bytes:
                raise InputModuleError("The sandbox sent a frame that cannot be read.")
            end = _HEADER.size + size
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[_HEADER.size : end])
            del self._buffer[:end]
            yield kind, payload
