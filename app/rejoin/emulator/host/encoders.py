"""The host's encoders: a scene into H.264 NAL units (libx264), the music into Opus packets.

aiortc's own H264Encoder is not used: it is capped at 3 Mbit/s and 30 fps (measured, media.md).
A video encoder is built and used on one thread. The music is encoded once.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, cast

import av
import numpy as np
from av.video.frame import PictureType
from av.video.reformatter import Interpolation, VideoReformatter

from rejoin.emulator.host.game import HEIGHT, TICKS_PER_S, WIDTH, Scene
from rejoin.emulator.host.h264 import MAX_PAYLOAD_BYTES, NAL_FILLER, NAL_SEI, split_annexb
from rejoin.emulator.host.music import FRAME_SAMPLES, SAMPLE_RATE_HZ, music
from rejoin.emulator.host.painter import Painter
from rejoin.emulator.host.scenery import Plane, prepare_scenery

VIDEO_CLOCK_HZ = 90_000

_MUSIC_BPS = 64_000
_BEFORE_LOOP = 10
"""Packets."""
_FILL_AHEAD_S = 0.1
"""How much unused bitrate filler data may make up for at most, as time."""

PAINTED = {(1280, 720): 1.0, (1920, 1080): 1.5}
"""The sizes that are painted as they are, with the painter's scale. All others are scaled."""

_PROFILE_PARAMETERS = {
    # What makes x264 write this profile into the stream, on top of the preset "ultrafast".
    "baseline": "cabac=0:8x8dct=0",
    "main": "cabac=1:8x8dct=0",
    "high": "cabac=1:8x8dct=1",
    "high444": "cabac=1:8x8dct=1",
}


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """What the video encoder is to produce.

    `profile`: "baseline", "main", "high" or "high444", which has 4:4:4 colour. Odd sizes lose their
    last row or column.
    """

    width: int
    height: int
    fps: int
    """More than 60 is 60: the game has no more ticks."""
    max_bitrate_bps: int
    """A receiver's REMB may ask for less."""
    profile: str
    constant_bitrate: bool = False
    """Whether filler data (H.264, 7.4.2.7) makes up for what a picture does not need."""
    packetization_mode: int = 1
    """In mode 0 a picture is cut into slices that each fit into one packet."""
    finest_quantizer: int = 0
    """H.264's quantizer (0 to 51) below which nothing is refined. Spare bitrate would otherwise go
    into parts of the picture that do not change, at twice the processor time (ADR 0080)."""
    modelled: bool = False
    """Black pictures of 64x64 and no sound (`modelled_media`)."""


def open_x264(video_format: VideoFormat, pixels: str) -> Any:
    """libx264 for this format, with pixels such as "yuv420p"; av's CodecContext, not opened yet."""
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height = video_format.width, video_format.height
    codec.pix_fmt = pixels
    codec.time_base = Fraction(1, VIDEO_CLOCK_HZ)
    codec.framerate = Fraction(video_format.fps, 1)
    codec.bit_rate = video_format.max_bitrate_bps
    codec.gop_size = 1 << 20  # key frames only on request
    codec.max_b_frames = 0
    # Above 720p: two slices per picture, in parallel. 1080p60 is too much for one core.
    codec.thread_count = 2 if video_format.width * video_format.height > 1280 * 720 else 1
    codec.color_range = codec.colorspace = codec.color_primaries = codec.color_trc = 1
    slices = f":slice-max-size={MAX_PAYLOAD_BYTES}" if video_format.packetization_mode == 0 else ""
    parameters = _PROFILE_PARAMETERS[video_format.profile]
    codec.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "profile": video_format.profile,
        "forced-idr": "1",
        "maxrate": str(video_format.max_bitrate_bps),
        "bufsize": str(video_format.max_bitrate_bps // 5),
        "x264-params": "scenecut=0:repeat-headers=1"
        f":qpmin={video_format.finest_quantizer}:{parameters}{slices}",
    }
    return codec


def units_of(packets: Iterable[Any]) -> list[bytes]:
    """The NAL units of av's packets, without SEI (x264's version string)."""
    return [
        unit
        for packet in packets
        for unit in split_annexb(bytes(packet))
        if unit[0] & 0x1F != NAL_SEI
    ]


class VideoEncoder:
    """Paints scenes and compresses them with libx264.

    The painter draws straight into the frame that the encoder reads, so nothing is copied, unless
    it does not paint this size (`PAINTED`) or format, which costs one swscale pass.
    """

    def __init__(self, video_format: VideoFormat) -> None:
        self._format = video_format
        self._size = (
            video_format.width - video_format.width % 2,
            video_format.height - video_format.height % 2,
        )
        self._pixels = "yuv444p" if video_format.profile == "high444" else "yuv420p"
        scale = PAINTED.get(self._size, 1.0) if self._pixels == "yuv420p" else 1.0
        self._painted = round(WIDTH * scale), round(HEIGHT * scale)
        self._frame = av.VideoFrame(*self._painted, "yuv420p")
        self._frame.colorspace = 1  # BT.709
        self._frame.color_range = 1  # limited
        self._painter = Painter(*planes_of(self._frame), scale)
        self._scaler = VideoReformatter()
        even = replace(video_format, width=self._size[0], height=self._size[1])
        self._codec = open_x264(even, self._pixels)
        self._bitrate_bps = video_format.max_bitrate_bps
        self._unused_bytes = 0.0
        self._counter: int | None = None

    def encode(self, scene: Scene, *, key: bool, bitrate_bps: int) -> list[bytes]:
        """The NAL units of this scene's picture, without SEI (x264's version string)."""
        self._painter.paint(scene)
        frame = self._frame
        if self._size != self._painted or self._pixels != frame.format.name:
            frame = self._scaler.reformat(
                frame, *self._size, self._pixels, interpolation=Interpolation.FAST_BILINEAR
            )
        frame.pts = scene.counter * VIDEO_CLOCK_HZ // TICKS_PER_S
        frame.time_base = Fraction(1, VIDEO_CLOCK_HZ)
        frame.pict_type = PictureType.I if key else PictureType.NONE
        if abs(self._bitrate_bps - bitrate_bps) > bitrate_bps // 20:
            # libx264 takes the new rate with the next picture, without a key frame.
            self._codec.bit_rate = self._bitrate_bps = bitrate_bps
        units = units_of(self._codec.encode(frame))
        if self._format.constant_bitrate:
            units += self._filler(scene.counter, sum(map(len, units)), bitrate_bps)
        return units

    def _filler(self, counter: int, size_bytes: int, bitrate_bps: int) -> list[bytes]:
        before, self._counter = self._counter, counter
        if before is None:
            return []
        share_bytes = (counter - before) / TICKS_PER_S * bitrate_bps / 8
        self._unused_bytes += share_bytes - size_bytes
        self._unused_bytes = min(self._unused_bytes, _FILL_AHEAD_S * bitrate_bps / 8)
        count = int(self._unused_bytes)
        if count < 2:
            return []
        self._unused_bytes -= count
        most = MAX_PAYLOAD_BYTES if self._format.packetization_mode == 0 else count
        sizes = [most] * (count // most) + [count % most]
        return [
            bytes((NAL_FILLER,)) + b"\xff" * (size - 2) + b"\x80" for size in sizes if size >= 2
        ]

    def close(self) -> None:
        """Free the memory (some 20 MB) now; the garbage collector would let it add up."""
        del self._codec, self._painter, self._scaler, self._frame


def planes_of(frame: av.VideoFrame) -> tuple[Plane, Plane, Plane]:
    """The own memory of a frame in YUV 4:2:0, as three writable arrays."""
    width, height = frame.width, frame.height

    def plane(index: int, width: int, height: int) -> Plane:
        memory = frame.planes[index]
        # av's Plane has the buffer protocol, which its type stubs lack.
        flat = np.frombuffer(cast(Any, memory), np.uint8)
        return flat.reshape(-1, memory.line_size)[:height, :width]

    return (
        plane(0, width, height),
        plane(1, width // 2, height // 2),
        plane(2, width // 2, height // 2),
    )


@functools.cache
def music_packets() -> tuple[bytes, ...]:
    """The whole loop of the music as Opus: 48 kHz, stereo, a packet for each 20 ms. All connections
    send these."""
    codec = av.CodecContext.create("libopus", "w")
    codec.sample_rate = SAMPLE_RATE_HZ
    codec.layout = "stereo"
    codec.format = "s16"
    codec.bit_rate = _MUSIC_BPS
    codec.time_base = Fraction(1, SAMPLE_RATE_HZ)
    codec.options = {
        "frame_duration": "20",
        "application": "audio",
        "compression_level": "4",
        "fec": "1",
        "packet_loss": "5",
    }
    loop = music()
    frames = len(loop) // FRAME_SAMPLES
    packets = []
    # The end of the loop comes first, so that the encoder begins the loop as it will be heard.
    for number in range(-_BEFORE_LOOP, frames):
        at = number % frames * FRAME_SAMPLES
        piece = loop[at : at + FRAME_SAMPLES].reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="stereo")
        frame.sample_rate = SAMPLE_RATE_HZ
        frame.pts = (number + _BEFORE_LOOP) * FRAME_SAMPLES
        frame.time_base = Fraction(1, SAMPLE_RATE_HZ)
        packets += [bytes(packet) for packet in codec.encode(frame)]
    return tuple(packets[_BEFORE_LOOP:])


def prepare() -> None:
    """Compute what all connections share (about 0.3 s), so that no client has to wait for it."""
    prepare_scenery()
    music_packets()
