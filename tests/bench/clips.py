"""Clips compressed in advance, so that encoding takes no CPU from a bench.

A moving texture with pieces of another one moving over it, which is as hard to compress as a game.
The encoder's settings are the emulator's: two slices per picture, a key frame every two seconds,
the bitrate held over half a second.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import numpy.typing as npt
from av.video.codeccontext import VideoCodecContext

from rejoin.emulator.host.h264 import packetize, split_annexb

FPS = 60
KEY_EVERY = 120
PICTURES = 240
_SEI = 6
_IDR = 5

Texture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip in a file: its access units, each as a tuple of NAL units."""

    path: Path
    width: int
    height: int
    mbit: int
    pictures: tuple[tuple[bytes, ...], ...]

    @property
    def largest_picture(self) -> int:
        """The number of RTP packets of the largest picture, which is a key frame."""
        return max(len(packetize(units)) for units in self.pictures)

    @property
    def mbit_per_s(self) -> float:
        """The actual bitrate of the H.264, in Mbit/s."""
        size = sum(len(unit) for units in self.pictures for unit in units)
        return size * 8 * FPS / len(self.pictures) / 1e6


def is_key(units: tuple[bytes, ...]) -> bool:
    """Whether this access unit is a key frame."""
    return any(unit[0] & 0x1F == _IDR for unit in units)


def annexb(units: tuple[bytes, ...]) -> bytes:
    """An access unit in Annex B format, as the decoder needs it."""
    return b"".join(b"\0\0\0\1" + unit for unit in units)


def read(path: Path) -> tuple[tuple[bytes, ...], ...]:
    """The access units of a clip's file."""
    data, at, pictures = path.read_bytes(), 0, []
    while at < len(data):
        (size,) = struct.unpack_from("!I", data, at)
        pictures.append(tuple(split_annexb(data[at + 4 : at + 4 + size])))
        at += 4 + size
    return tuple(pictures)


def make(folder: Path, *, mbit: int, width: int = 1920, height: int = 1080) -> Clip:
    """Compress a clip into a file in this folder."""
    codec = av.CodecContext.create("libx264", "w")
    assert isinstance(codec, VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, FPS), Fraction(FPS, 1)
    codec.bit_rate = mbit * 1_000_000
    codec.gop_size = KEY_EVERY
    codec.thread_count = 2
    codec.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "profile": "high",
        "forced-idr": "1",
        "maxrate": str(mbit * 1_000_000),
        "bufsize": str(mbit * 500_000),
        "x264-params": "cabac=1:8x8dct=1:scenecut=0:repeat-headers=1:keyint=120:min-keyint=120",
    }
    path = folder / f"{width}x{height}-{mbit}.clip"
    made: list[bytes] = []
    for frame in _frames(width, height, 2 * PICTURES):
        made += (bytes(packet) for packet in codec.encode(frame))
    made += (bytes(packet) for packet in codec.encode(None))
    with path.open("wb") as file:
        # The first round is skipped: rate control needs it to settle.
        for picture in made[PICTURES:]:
            kept = [unit for unit in split_annexb(picture) if unit[0] & 0x1F != _SEI]
            data = annexb(tuple(kept))
            file.write(struct.pack("!I", len(data)) + data)
    return Clip(path, width, height, mbit, read(path))


def _frames(width: int, height: int, count: int) -> Iterator[av.VideoFrame]:
    chance = np.random.default_rng(1)
    far = _texture(chance, width + 1024, height + 512)
    near = _texture(chance, 1024, 1024)
    colour = _texture(chance, width + 1024, height + 512)
    frame = av.VideoFrame(width, height, "yuv420p")
    luma, blue, red = (_plane(frame, index) for index in range(3))
    for number in range(count):
        x = int(512 + 500 * np.sin(number * np.pi * 2 / PICTURES))
        y = int(256 + 250 * np.cos(number * np.pi * 2 / PICTURES))
        luma[:] = far[y : y + height, x : x + width]
        blue[:] = colour[y : y + height : 2, x : x + width : 2] // 4 + 96
        red[:] = colour[y // 2 : y // 2 + height // 2, x // 2 : x // 2 + width // 2] // 4 + 96
        for piece in range(8):
            left = (number * (5 + piece) + piece * 211) % (width - 160)
            top = (number * (3 + piece % 3) + piece * 97) % (height - 160)
            at = piece * 96
            luma[top : top + 160, left : left + 160] = near[at : at + 160, at : at + 160]
        frame.pts, frame.time_base = number, Fraction(1, FPS)
        yield frame


def _texture(chance: np.random.Generator, width: int, height: int) -> Texture:
    """Noise at four scales, the coarsest the strongest."""
    total = np.zeros((height, width), np.float32)
    for size, weight in ((64, 90), (16, 50), (4, 26), (1, 12)):
        shape = (height // size + 1, width // size + 1)
        cells = chance.random(shape, np.float32).repeat(size, 0).repeat(size, 1)
        total += weight * cells[:height, :width]
    return np.clip(total + 35, 16, 235).astype(np.uint8)


def _plane(frame: av.VideoFrame, index: int) -> Texture:
    """A plane of the frame as a writable array that shares its memory."""
    plane = frame.planes[index]
    flat = np.frombuffer(cast(Any, plane), np.uint8)
    return flat.reshape(-1, plane.line_size)[: plane.height, : plane.width]
