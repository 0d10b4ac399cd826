from __future__ import annotations

from typing import Any, cast

import pytest
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from helpers.flat_video import encoded
from rejoin.media.video.codec import EMPTY_LIMIT, H264Codec, HardwareFailedError
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


def test_software_is_never_at_fault() -> None:
    codec, context = on(None)
    for frame in encoded(EMPTY_LIMIT + 1):
        assert codec.decode(frame) == []
    context.error = OSError("no")
    with pytest.raises(OSError, match="no"):
        codec.decode(encoded(1)[0])
