"""libx264 as the host uses it: its format, how it is opened, and its NAL units."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import av
import numpy as np

from rejoin.emulator.host.h264 import MAX_PAYLOAD_BYTES, NAL_SEI, split_annexb
from rejoin.emulator.host.scenery import Plane

VIDEO_CLOCK_HZ = 90_000

_PROFILE_PARAMETERS = {
    # What makes x264 write this profile into the stream, on top of the preset "ultrafast".
    "baseline": "cabac=0:8x8dct=0",
    "main": "cabac=1:8x8dct=0",
    "high": "cabac=1:8x8dct=1",
    "high444": "cabac=1:8x8dct=1",
}


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """The format that the video encoder produces.

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
    """Whether filler data (H.264, 7.4.2.7) fills up the bitrate that a picture does not need."""
    packetization_mode: int = 1
    """In mode 0 a picture is cut into slices that each fit into one packet."""
    finest_quantizer: int = 0
    """H.264's quantizer (0 to 51) below which nothing is refined. Spare bitrate would otherwise go
    into parts of the picture that do not change, at twice the processor time (ADR 0080)."""
    modelled: bool = False
    """Black pictures of 64x64 and no sound (`modelled_media`)."""
    strip_pictures: bool = True
    """Whether every second picture may have only its own strip (`strip_pictures`)."""


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
