"""MP4 of received access units: FFmpeg reads back the same pictures at the right times."""

from __future__ import annotations

import io
from collections.abc import Sequence

import av
import pytest

from helpers.h264_streams import x264
from rejoin.errors import RejoinError
from rejoin.media.receive.access_units import AccessUnits
from rejoin.media.video.kept_units import KeptUnit
from rejoin.media.video.mp4 import mp4_of, seconds_into

TICKS = 3000
"""Of a frame at 30 fps."""


def units(
    count: int,
    parameters: str = "keyint=10",
    *,
    source: int = 1,
    at: float = 100.0,
    first: int = 0,
    size: tuple[int, int] = (320, 180),
    low_delay: bool = True,
) -> list[KeptUnit]:
    """As they leave the jitter buffer; `first`: the RTP time of the first."""
    stream = AccessUnits()
    found = []
    for number, each in enumerate(x264(count, parameters, size=size, low_delay=low_delay)):
        unit = stream.add(each)
        assert unit is not None
        time = (first + number * TICKS) % (1 << 32)
        found.append(KeptUnit(source, at + number / 30, time, unit.key, unit.data))
    return found


def read(content: bytes) -> list[tuple[float, int, int]]:
    """Time, width and height of each picture."""
    with av.open(io.BytesIO(content), "r") as container:
        frames = list(container.decode(video=0))
    found = []
    for frame in frames:
        assert frame.time is not None
        found.append((round(frame.time, 3), frame.width, frame.height))
    return found


def test_every_picture_is_read_back_at_its_time() -> None:
    content = mp4_of(units(30, first=(1 << 32) - 5 * TICKS))
    pictures = read(content)
    assert [time for time, *_ in pictures] == [round(number / 30, 3) for number in range(30)]
    assert {(width, height) for _, width, height in pictures} == {(320, 180)}


def test_the_picture_stands_still_while_nothing_comes() -> None:
    """The next connection has other RTP times and another size."""
    before = units(10)
    after = units(10, source=2, at=105.0, first=777, size=(640, 360))
    pictures = read(mp4_of([*before, *after]))
    assert len(pictures) == 20
    assert pictures[9] == (0.3, 320, 180)
    assert pictures[10] == (5.0, 640, 360)
    assert seconds_into([*before, *after], 100.25) == pytest.approx(0.25)
    assert seconds_into(before, 99.0) == 0.0


def test_pictures_that_are_decoded_in_another_order_stay_in_theirs() -> None:
    """As with B frames; here two access units stand for it, with their times exchanged."""
    sent = units(6)
    times = [0, 2, 1, 3, 5, 4]
    found: Sequence[KeptUnit] = [
        KeptUnit(unit.source, unit.received_at, time * TICKS, unit.key, unit.data)
        for unit, time in zip(sent, times, strict=True)
    ]
    with av.open(io.BytesIO(mp4_of(found)), "r") as container:
        packets = [packet for packet in container.demux(video=0) if packet.pts is not None]
    decoded = [packet.dts for packet in packets if packet.dts is not None]
    assert decoded == sorted(set(decoded))
    for packet in packets:
        assert packet.pts is not None
        assert packet.dts is not None
        assert packet.pts >= packet.dts
    shown = [packet.pts for packet in packets]
    order = sorted(range(6), key=lambda number: shown[number] or 0)
    assert order == sorted(range(6), key=times.__getitem__)


@pytest.mark.parametrize("given", [[], [KeptUnit(1, 0.0, 0, True, b"\0\0\0\1\x67\xff")]])
def test_what_is_no_video_is_a_sentence(given: list[KeptUnit]) -> None:
    with pytest.raises(RejoinError, match="cannot be written as MP4"):
        mp4_of(given)
