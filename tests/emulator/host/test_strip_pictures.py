"""Pictures that have only a strip of their own: a decoder sees exactly what is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import av
import numpy as np
import numpy.typing as npt
import pytest

from rejoin.emulator.host.encoders import VideoEncoder
from rejoin.emulator.host.game import Game
from rejoin.emulator.host.strip import read_strip, read_voice
from rejoin.emulator.host.x264 import VideoFormat
from rejoin.input_protocol.controls import Controls
from rejoin.media.receive.h264_units import is_reference

FORMAT = VideoFormat(1920, 1080, 60, 15_000_000, "baseline", finest_quantizer=20)
RIGHT = 0x4F

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Sent:
    """A picture as it is sent, and the tick that it shows."""

    tick: int
    units: list[bytes]

    @property
    def has_only_its_strip(self) -> bool:
        return not any(is_reference(unit) for unit in self.units)


def played(
    video_format: VideoFormat,
    pictures: int,
    *,
    keys: Sequence[int] = (0,),
    bitrate_bps: int = 15_000_000,
    voice: float | None = None,
) -> list[Sent]:
    """A player walks to the right; `keys`: the numbers of pictures for which a client asks for a
    key frame."""
    encoder, game = VideoEncoder(video_format), Game(0.0)
    found = []
    for number in range(pictures):
        game.hold(Controls(frozenset({RIGHT})), (number + 1.5) / 60)
        scene = replace(game.scene(), voice=voice)
        units = encoder.encode(scene, key=number in keys, bitrate_bps=bitrate_bps)
        found.append(Sent(scene.counter, units))
    encoder.close()
    return found


def decoded(sent: Sequence[Sent]) -> list[Pixels]:
    """Luma and chroma of each picture; none is late and none is missing."""
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    found = []
    for each in sent:
        data = b"".join(b"\0\0\0\1" + unit for unit in each.units)
        found += [frame.to_ndarray().astype(np.uint8) for frame in decoder.decode(av.Packet(data))]
    assert len(found) == len(sent)
    return found


@pytest.mark.parametrize("profile", ["baseline", "main", "high"])
@pytest.mark.parametrize("voice", [None, 16 / 31])
def test_every_second_large_picture_has_only_its_strip(profile: str, voice: float | None) -> None:
    sent = played(replace(FORMAT, profile=profile), 16, keys=(0, 7), voice=voice)
    only_strips = [each.has_only_its_strip for each in sent]
    assert only_strips == [False, True] * 3 + [False, False] + [True, False] * 4
    assert [unit[0] & 0x1F for unit in sent[7].units][:3] == [7, 8, 5], "a key frame is a whole one"
    shown = decoded(sent)
    for number, (each, pixels) in enumerate(zip(sent, shown, strict=True)):
        reading = read_strip(pixels[:1080])
        assert reading is not None
        assert reading.counter == each.tick
        assert read_voice(pixels[:1080]) == voice
        if each.has_only_its_strip:
            rows = 80 if voice else 48  # whole macroblocks
            assert np.array_equal(pixels[rows:1080], shown[number - 1][rows:1080])
            assert sum(map(len, each.units)) < 3000
    # nothing refers to them: a decoder that never gets them shows the others just the same
    whole = [(each, pixels) for each, pixels in zip(sent, shown, strict=True) if is_whole(each)]
    for pixels, (_, as_before) in zip(decoded([each for each, _ in whole]), whole, strict=True):
        assert np.array_equal(pixels, as_before)


def is_whole(each: Sent) -> bool:
    return not each.has_only_its_strip


@pytest.mark.parametrize(
    ("video_format", "bitrate_bps"),
    [
        (FORMAT, 2_000_000),
        (replace(FORMAT, strip_pictures=False), 15_000_000),
        (replace(FORMAT, packetization_mode=0), 15_000_000),
        (replace(FORMAT, width=1280, height=720), 15_000_000),
        (replace(FORMAT, fps=30), 15_000_000),
    ],
    ids=["little bitrate", "setting", "single units", "small", "30 a second"],
)
def test_pictures_are_whole_where_strips_would_take_too_much(
    video_format: VideoFormat, bitrate_bps: int
) -> None:
    sent = played(video_format, 6, bitrate_bps=bitrate_bps)
    assert all(map(is_whole, sent))
    assert len(decoded(sent)) == 6


def test_after_a_picture_that_was_left_out_comes_a_whole_one() -> None:
    encoder, game = VideoEncoder(FORMAT), Game(0.0)
    only_strips = []
    for tick in (1, 2, 3, 5, 6, 9, 10):
        game.advance((tick + 0.5) / 60)
        units = encoder.encode(game.scene(), key=tick == 1, bitrate_bps=15_000_000)
        only_strips.append(Sent(tick, units).has_only_its_strip)
    assert only_strips == [False, True, False, False, True, False, True]


def test_frame_numbers_wrap() -> None:
    """x264 counts to 16 or 32."""
    sent = played(FORMAT, 90)
    for each, pixels in zip(sent, decoded(sent), strict=True):
        reading = read_strip(pixels[:1080])
        assert reading is not None
        assert reading.counter == each.tick
