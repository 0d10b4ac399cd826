from __future__ import annotations

import pytest
from av.codec.context import Flags, ThreadType
from av.packet import Packet

from helpers.flat_video import encoded
from rejoin.errors import PeerError
from rejoin.media.video.codec_context import hardware_built_in, open_codec


def test_each_access_unit_yields_its_picture_at_once() -> None:
    codec = open_codec()
    assert codec.thread_type is ThreadType.SLICE
    assert codec.flags & Flags.low_delay
    for frame in encoded(4, options={"x264-params": "sliced-threads=1:threads=4"}):
        assert len(codec.decode(Packet(frame.data))) == 1


def test_the_size_may_change() -> None:
    codec = open_codec()
    sizes = []
    for size in ((320, 180), (192, 108)):
        [frame] = codec.decode(Packet(encoded(1, size)[0].data))
        sizes.append((frame.width, frame.height))
    assert sizes == [(320, 180), (192, 108)]


def test_it_opens_in_software_by_default() -> None:
    assert not open_codec().is_hwaccel


@pytest.mark.parametrize("name", ["mediacodec", "no such thing"])
def test_hardware_that_ffmpeg_was_built_without_is_refused(name: str) -> None:
    """PyAV would use other hardware, or software, for an unknown name."""
    assert name not in hardware_built_in()
    with pytest.raises(PeerError, match="built without a decoder"):
        open_codec(name)
