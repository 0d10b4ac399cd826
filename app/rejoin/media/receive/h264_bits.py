"""Bits of an H.264 NAL unit: emulation prevention, Exp-Golomb numbers (ITU-T H.264, 7.4.1, 9.1)."""

from __future__ import annotations

import re

MAX_UE_ZEROS = 31
"""Leading zeros of the largest unsigned number, 2^32 - 2 (9.1)."""

_START_CODE_INSIDE = re.compile(rb"\0\0(?=[\0-\3])")


class H264SyntaxError(ValueError):
    """The bytes break H.264's syntax. The message names the part."""


def unescape(unit: bytes) -> bytes:
    """Take the emulation prevention bytes out (7.4.1): the NAL unit's header and its RBSP."""
    return unit.replace(b"\0\0\3", b"\0\0")


def escape(unit: bytes) -> bytes:
    """Put emulation prevention bytes in, so that no start code appears in the NAL unit."""
    return _START_CODE_INSIDE.sub(b"\0\0\3", unit)


class BitReader:
    """Reads bits from the front of `data`. Every method raises H264SyntaxError at the end."""

    def __init__(self, data: bytes) -> None:
        self.at = 0
        """How many bits were read."""
        self._size = len(data) * 8
        self._value = int.from_bytes(data, "big")

    def bits(self, count: int) -> int:
        """The next `count` bits as a number."""
        end = self.at + count
        if end > self._size:
            raise H264SyntaxError("it ends too early")
        self.at = end
        return (self._value >> (self._size - end)) & ((1 << count) - 1)

    def flag(self) -> bool:
        return self.bits(1) == 1

    def ue(self, most: int = 2 ** (MAX_UE_ZEROS + 1) - 2) -> int:
        """An unsigned Exp-Golomb number; one above `most` is an error."""
        left = self._size - self.at
        zeros = left - (self._value & ((1 << left) - 1)).bit_length()
        if zeros > MAX_UE_ZEROS:
            raise H264SyntaxError("a number is too long")
        number = self.bits(2 * zeros + 1) - 1  # zeros, a one, and as many bits as zeros
        if number > most:
            raise H264SyntaxError("a number is too large")
        return number

    def se(self) -> int:
        """A signed Exp-Golomb number."""
        number = self.ue()
        return (number + 1) // 2 if number % 2 else -(number // 2)

    def text(self, start: int, end: int) -> str:
        """The bits from `start` up to, not including, `end`, as zeros and ones."""
        if start >= end:
            return ""
        value = (self._value >> (self._size - end)) & ((1 << (end - start)) - 1)
        return format(value, f"0{end - start}b")


def ue_text(number: int) -> str:
    """An unsigned Exp-Golomb number, as zeros and ones."""
    digits = format(number + 1, "b")
    return "0" * (len(digits) - 1) + digits


def bytes_of(bits: str) -> bytes:
    """An RBSP from its bits: the stop bit and zeros up to a whole byte are added (7.3.2.11)."""
    bits += "1"
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")
