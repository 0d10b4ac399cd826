"""The strip: machine-readable numbers in the top rows of every picture of the game.

Two rows of large dark and light blocks carry the game's counter and the first two bytes of its
hash chain. They survive compression and scaling, so a test can read from a decoded picture which
tick it shows (`read_strip`). Layout, 32 blocks per row, most significant bit first: row 0 is the
counter (32 bits); row 1 is the chain (16 bits) and a CRC-16 over those six bytes.

Where the client may talk, a third row below shows how loud its microphone is: a light block at the
left, which is always there, as many more as the sound is loud, then dark ones (`read_voice`).
"""

from __future__ import annotations

import binascii
import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rejoin.emulator.host.game import HEIGHT, WIDTH

STRIP_BITS = 32
STRIP_ROW_PX = 16
"""One macroblock high, so that the encoder never mixes a block with the picture below it."""
STRIP_PX = 2 * STRIP_ROW_PX

DARK_LUMA, LIGHT_LUMA = 26, 206
_THRESHOLD = 112
"""Between dark and light, both as limited-range luma and as full-range grey after conversion."""


@dataclass(frozen=True, slots=True)
class StripReading:
    """The numbers in the strip of one picture; its CRC was right."""

    counter: int
    chain_head: int
    """The first 16 bits of the hash chain after tick `counter`."""


def strip_bits(counter: int, chain: bytes) -> npt.NDArray[np.uint8]:
    """The strip's bits as two rows of 32 zeros and ones."""
    body = struct.pack("!I", counter & 0xFFFFFFFF) + chain[:2]
    word = body + struct.pack("!H", binascii.crc_hqx(body, 0xFFFF))
    return np.unpackbits(np.frombuffer(word, np.uint8)).reshape(2, STRIP_BITS)


def read_strip(picture: npt.NDArray[Any]) -> StripReading | None:
    """Read the strip of a decoded picture of any size; None if the picture has no valid strip.

    `picture`: 8 bits, height x width (grey or luma), or height x width x 3 or 4 (BGR or BGRA).
    """
    height, width = picture.shape[:2]
    if height < HEIGHT // 8 or width < WIDTH // 8:
        return None
    rows = picture[: math.ceil(STRIP_PX * height / HEIGHT)]
    grey = rows.astype(np.float32) if rows.ndim == 2 else rows[..., :3].mean(axis=2)
    bits = np.zeros((2, STRIP_BITS), np.uint8)
    for row in range(2):
        top, bottom = _middle(row, STRIP_ROW_PX * height / HEIGHT)
        line = grey[top:bottom].mean(axis=0)
        for column in range(STRIP_BITS):
            left, right = _middle(column, width / STRIP_BITS)
            bits[row, column] = line[left:right].mean() > _THRESHOLD
    word = np.packbits(bits).tobytes()
    counter, chain_head, crc = struct.unpack("!IHH", word)
    if crc != binascii.crc_hqx(word[:6], 0xFFFF):
        return None
    return StripReading(counter, chain_head)


def voice_bits(voice: float) -> npt.NDArray[np.uint8]:
    """The third row as 32 ones and zeros. `voice`: 0 to 1."""
    return (np.arange(STRIP_BITS) <= round(voice * (STRIP_BITS - 1))).astype(np.uint8)


def read_voice(picture: npt.NDArray[Any]) -> float | None:
    """The level in the third row, 0 to 1; None if the picture has none. `picture`: as above."""
    if read_strip(picture) is None:
        return None
    height, width = picture.shape[:2]
    top, bottom = _middle(2, STRIP_ROW_PX * height / HEIGHT)
    rows = picture[top:bottom].astype(np.float32)
    line = (rows if rows.ndim == 2 else rows[..., :3].mean(axis=2)).mean(axis=0)
    levels = [line[slice(*_middle(at, width / STRIP_BITS))].mean() for at in range(STRIP_BITS)]
    near = [min(abs(level - DARK_LUMA), abs(level - LIGHT_LUMA)) < _NEAR for level in levels]
    light = [bool(level > _THRESHOLD) for level in levels]
    count = sum(light)
    whole = count > 0 and all(near) and all(light[:count])
    return (count - 1) / (STRIP_BITS - 1) if whole else None


_NEAR = 40
"""How far a block may be from dark and light: full-range grey differs, and so does compression."""


def _middle(index: int, size: float) -> tuple[int, int]:
    """The inner half of block `index`, at least one pixel."""
    first = int((index + 0.25) * size)
    return first, max(first + 1, int((index + 0.75) * size))
