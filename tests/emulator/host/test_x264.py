"""libx264 in the host's settings, and the memory of frames."""

from __future__ import annotations

import av
import numpy as np
from av.video.frame import PictureType

from rejoin.emulator.host.x264 import VIDEO_CLOCK_HZ, VideoFormat, open_x264, planes_of, units_of


def test_what_is_drawn_into_the_planes_is_in_the_frame() -> None:
    frame = av.VideoFrame(66, 34, "yuv420p")
    for value, plane in zip((10, 20, 30), planes_of(frame), strict=True):
        plane[...] = value
    y, u, v = planes_of(frame)
    assert (y.shape, u.shape, v.shape) == ((34, 66), (17, 33), (17, 33))
    pixels = frame.to_ndarray()
    assert sorted(np.unique(pixels)) == [10, 20, 30]
    assert pixels[:34].min() == pixels[:34].max() == 10


def test_a_key_frame_comes_only_on_request_and_has_its_parameters_and_no_sei() -> None:
    codec = open_x264(VideoFormat(64, 64, 60, 500_000, "baseline"), "yuv420p")
    frame = av.VideoFrame.from_ndarray(np.full((96, 64), 90, np.uint8), "yuv420p")
    frame.time_base = codec.time_base
    kinds = []
    for number in range(4):
        frame.pts = number * VIDEO_CLOCK_HZ // 60
        frame.pict_type = PictureType.I if number == 2 else PictureType.NONE
        kinds.append([unit[0] & 0x1F for unit in units_of(codec.encode(frame))])
    assert kinds == [[7, 8, 5], [1], [7, 8, 5], [1]]
