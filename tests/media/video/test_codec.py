from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from helpers.flat_video import encoded
from helpers.h264_streams import through, x264
from rejoin.media.receive.jitter_buffer import EncodedFrame
from rejoin.media.video.codec import (
    EMPTY_LIMIT,
    MAX_DELAYED,
    H264Codec,
    HardwareFailedError,
)
from rejoin.media.video.codec_context import open_codec
from rejoin.media.video.hardware import SOFTWARE


class Context:
    """A codec context that fails, or returns nothing."""

    profile = "High"

    def __init__(self) -> None:
        self.error: Exception | None = None

    def decode(self, packet: Packet[Any]) -> list[VideoFrame]:
        if self.error is not None:
            raise self.error
        return []


def on(hardware: str | None) -> tuple[H264Codec, Context]:
    context = Context()
    return H264Codec(cast("VideoCodecContext", context), hardware), context


def test_it_returns_the_pictures_and_knows_the_profile() -> None:
    codec = H264Codec(open_codec(), None)
    assert codec.decodes_in == SOFTWARE
    [frame] = codec.decode(encoded(1)[0])
    assert (frame.width, frame.height) == (320, 180)
    assert codec.profile is not None


def test_an_error_on_hardware_is_a_failure_of_the_hardware_once_it_had_a_key_frame() -> None:
    codec, context = on("cuda")
    assert codec.decodes_in == "cuda"
    key, delta = encoded(2)
    context.error = OSError("no")
    with pytest.raises(OSError, match="no"):
        codec.decode(delta)
    with pytest.raises(HardwareFailedError, match=r"it cannot decode \(OSError\)"):
        codec.decode(key)


def test_hardware_that_returns_no_pictures_has_failed() -> None:
    codec, _ = on("cuda")
    key, delta = encoded(2)
    for _ in range(EMPTY_LIMIT):
        assert codec.decode(delta) == [], "before a key frame it counts for nothing"
    for _ in range(EMPTY_LIMIT - 1):
        assert codec.decode(key) == []
    with pytest.raises(HardwareFailedError, match="no pictures"):
        codec.decode(delta)


def test_frames_that_may_be_held_back_do_not_count_against_the_hardware() -> None:
    """Two for reordering, or four before a recovery point."""
    key, delta = encoded(2)
    for begins in (replace(key, reorder_frames=2), replace(key, recovers_after=2)):
        codec, _ = on("cuda")
        later = replace(delta, reorder_frames=begins.reorder_frames)
        assert codec.decode(begins) == []
        for _ in range(EMPTY_LIMIT):
            assert codec.decode(later) == []
        with pytest.raises(HardwareFailedError, match="no pictures"):
            codec.decode(later)


def reordered() -> list[EncodedFrame]:
    """Access units in decoding order, three received each 30 ms; two B pictures between others."""
    pictures = x264(30, "bframes=2:b-adapt=0:keyint=9:min-keyint=9:scenecut=0", low_delay=False)
    return [
        EncodedFrame(
            unit.data,
            1000 * number,
            unit.key,
            False,
            received_at=0.010 * number,
            reorder_frames=unit.reorder_frames,
            flush=unit.flush,
        )
        for number, unit in enumerate(through(pictures))
    ]


def test_a_picture_that_comes_out_late_is_known_by_the_frame_it_was_decoded_from() -> None:
    codec, late = H264Codec(open_codec(), None), 0
    for encoded_frame in reordered():
        for frame in codec.decode(encoded_frame):
            fed = codec.fed_as(frame)
            assert fed is not None
            assert fed.rtp_timestamp == frame.pts
            assert fed.received_at == pytest.approx(fed.rtp_timestamp / 100_000)
            late += fed.rtp_timestamp != encoded_frame.rtp_timestamp
    assert late > 10


def test_what_is_remembered_of_encoded_frames_is_bounded() -> None:
    codec, _ = on(None)
    for number in range(100):
        codec.decode(EncodedFrame(b"", number, False, False))
    assert len(codec._fed) == MAX_DELAYED


def test_software_is_never_at_fault() -> None:
    codec, context = on(None)
    for frame in encoded(EMPTY_LIMIT + 1):
        assert codec.decode(frame) == []
    context.error = OSError("no")
    with pytest.raises(OSError, match="no"):
        codec.decode(encoded(1)[0])
