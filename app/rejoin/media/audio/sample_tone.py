"""The tone that comes with Rejoin, decoded: proof that this installation decodes Opus.

`resources/selftest/tone.opus` has eight packets of 20 ms, each after its length in two bytes: 1 kHz
in stereo, with a peak of 8,000 of 32,767, encoded with libopus.
"""

from __future__ import annotations

import array
import math
import struct
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from rejoin import assets
from rejoin.media.audio.opus import CHANNELS, SAMPLE_RATE_HZ, OpusDecoder

NAME: Final = "selftest/tone.opus"
FREQUENCY_HZ: Final = 1000
RMS: Final = 8000 / math.sqrt(2)
SETTLES_AFTER: Final = 3
"""Packets until the decoder's start-up is over."""


def why_wrong(data: bytes | None = None) -> str | None:
    """What is wrong with the decoded tone, in a few words; None if it is right.

    `data`: in place of the tone that comes with Rejoin. Raises AssetMissingError.
    """
    content = assets.path(NAME).read_bytes() if data is None else data
    try:
        decoder = OpusDecoder()
    except Exception as error:  # PyAV's errors are of many types
        return f"there is no decoder ({type(error).__name__})"
    sound = array.array("h")
    for number, packet in enumerate(_packets(content)):
        decoded = decoder.decode(packet)
        if not decoded:
            return "it cannot be decoded"
        if number >= SETTLES_AFTER:
            sound.frombytes(decoded)
    return _difference(sound[::CHANNELS])


def _difference(samples: array.array[int]) -> str | None:
    if not samples:
        return "nothing was decoded"
    rms = math.sqrt(sum(sample * sample for sample in samples) / len(samples))
    crossings = sum((a < 0) != (b < 0) for a, b in pairwise(samples))
    frequency_hz = crossings / 2 / (len(samples) / SAMPLE_RATE_HZ)
    if abs(rms - RMS) > 0.1 * RMS:
        return "its volume is wrong"
    if abs(frequency_hz - FREQUENCY_HZ) > 0.05 * FREQUENCY_HZ:
        return "its pitch is wrong"
    return None


def _packets(content: bytes) -> Iterator[bytes]:
    at = 0
    while at + 2 <= len(content):
        (size,) = struct.unpack_from("!H", content, at)
        yield content[at + 2 : at + 2 + size]
        at += 2 + size
