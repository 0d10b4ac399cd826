"""The host's encoders: a scene into H.264 NAL units (libx264), the music into Opus packets.

aiortc's own H264Encoder is not used: it is capped at 3 Mbit/s and 30 fps (measured, media.md).
A video encoder is built and used on one thread. The music is encoded once.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from fractions import Fraction

import av
from av.video.frame import PictureType
from av.video.reformatter import Interpolation, VideoReformatter

from rejoin.emulator.host.game import HEIGHT, TICKS_PER_S, WIDTH, Scene
from rejoin.emulator.host.h264 import MAX_PAYLOAD_BYTES, NAL_FILLER
from rejoin.emulator.host.music import FRAME_SAMPLES, SAMPLE_RATE_HZ, music
from rejoin.emulator.host.painter import Painter
from rejoin.emulator.host.scenery import prepare_scenery
from rejoin.emulator.host.strip_pictures import StripPictures
from rejoin.emulator.host.x264 import VIDEO_CLOCK_HZ, VideoFormat, open_x264, planes_of, units_of

_MUSIC_BPS = 64_000
_BEFORE_LOOP = 10
"""Packets."""
_FILL_AHEAD_S = 0.1
"""The most unused bitrate that filler data makes up for, as time."""

STRIP_PICTURES_FROM_BPS = 3_000_000
"""At a lower bitrate every picture is a whole one: the strip would take too much of it."""
PAINTED = {(1280, 720): 1.0, (1920, 1080): 1.5}
"""The sizes that are painted as they are, with the painter's scale. All others are scaled."""


class VideoEncoder:
    """Paints scenes and compresses them with libx264.

    The painter draws straight into the frame that the encoder reads, so nothing is copied, unless
    it does not paint this size (`PAINTED`) or format, which costs one swscale pass. With more than
    30 pictures a second of 1920x1080 every second one has only its own strip (`strip_pictures`).
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
        self._planes = planes_of(self._frame)
        self._painter = Painter(*self._planes, scale)
        self._scaler = VideoReformatter()
        even = replace(video_format, width=self._size[0], height=self._size[1])
        self._codec = open_x264(even, self._pixels)
        self._bitrate_bps = video_format.max_bitrate_bps
        self._unused_bytes = 0.0
        self._counter: int | None = None
        many = scale > 1.0 and video_format.fps > TICKS_PER_S // 2
        halves = many and video_format.strip_pictures and video_format.packetization_mode == 1
        self._strips = StripPictures(video_format.profile) if halves else None
        if self._strips is not None:
            self._strips.prepare(*self._size, self._painter.rows_of_strip(None))
        self._strips_bps = 0
        self._whole: int | None = None
        """The counter of the picture before this one, if that was a whole one."""

    def encode(self, scene: Scene, *, key: bool, bitrate_bps: int) -> list[bytes]:
        """The NAL units of this scene's picture, without SEI (x264's version string)."""
        enough = bitrate_bps >= STRIP_PICTURES_FROM_BPS
        if self._strips is None:
            units = self._whole_picture(scene, key, bitrate_bps)
        elif enough and not key and self._whole == scene.counter - 1:
            self._whole = None
            units = self._strip_picture(scene, self._strips)
        else:
            self._whole = scene.counter
            spent_bps = self._strips_bps if enough else 0
            units = self._whole_picture(scene, key, bitrate_bps - spent_bps)
            self._strips.sent(units)
        if self._format.constant_bitrate:
            units += self._filler(scene.counter, sum(map(len, units)), bitrate_bps)
        return units

    def _whole_picture(self, scene: Scene, key: bool, bitrate_bps: int) -> list[bytes]:
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
        return units_of(self._codec.encode(frame))

    def _strip_picture(self, scene: Scene, strips: StripPictures) -> list[bytes]:
        self._painter.paint_strip(scene)
        units = strips.encode(*self._planes, self._painter.rows_of_strip(scene.voice))
        self._strips_bps = sum(map(len, units)) * 8 * TICKS_PER_S // 2
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
        del self._codec, self._painter, self._scaler, self._strips, self._planes, self._frame


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
    """Compute what connections share (about 0.4 s), so that no client has to wait for it."""
    prepare_scenery()
    music_packets()
