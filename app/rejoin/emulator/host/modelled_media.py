"""Modelled media: black pictures of 64x64 and no sound, for fleets of players (ADR 0086).

RTP, SRTP, RTCP, key frames on request, faults and the game's counter work as with real media.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import av
import numpy as np
from av.video.frame import PictureType

from rejoin.emulator.host.game import TICKS_PER_S, Scene
from rejoin.emulator.host.x264 import VIDEO_CLOCK_HZ, VideoFormat, open_x264, units_of

SIDE: Final = 64
"""Pixels; the smallest size at which decoders of hardware vendors work, too."""


class BlackPictures:
    """Like `encoders.VideoEncoder`, but every picture is black."""

    def __init__(self, video_format: VideoFormat) -> None:
        small = replace(video_format, width=SIDE, height=SIDE)
        self._codec = open_x264(small, "yuv420p")
        black = np.full((SIDE * 3 // 2, SIDE), 128, np.uint8)
        black[:SIDE] = 16
        self._frame = av.VideoFrame.from_ndarray(black, "yuv420p")

    def encode(self, scene: Scene, *, key: bool, bitrate_bps: int) -> list[bytes]:
        """The NAL units of one black picture. The bitrate has no effect: it is some 5 kbit/s."""
        del bitrate_bps
        frame = self._frame
        frame.pts = scene.counter * VIDEO_CLOCK_HZ // TICKS_PER_S
        frame.time_base = self._codec.time_base
        frame.pict_type = PictureType.I if key else PictureType.NONE
        return units_of(self._codec.encode(frame))

    def close(self) -> None:
        """Free the memory now."""
        del self._codec, self._frame
