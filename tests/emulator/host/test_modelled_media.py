"""Black pictures are a stream that any decoder plays."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from rejoin.emulator.host.game import Game
from rejoin.emulator.host.modelled_media import SIDE, BlackPictures
from rejoin.emulator.host.x264 import VideoFormat


@pytest.mark.parametrize("profile", ["baseline", "main", "high", "high444"])
def test_pictures_are_black_and_small_and_key_frames_come_on_request(profile: str) -> None:
    encoder = BlackPictures(VideoFormat(1920, 1080, 30, 8_000_000, profile, modelled=True))
    game, decoder, frames, kinds = Game(0.0), av.CodecContext.create("h264", "r"), [], []
    size = 0
    for step in range(40):
        game.advance(step / 30)
        units = encoder.encode(game.scene(), key=step in (0, 20), bitrate_bps=300_000)
        kinds.append([unit[0] & 0x1F for unit in units])
        size += sum(map(len, units))
        packet = av.Packet(b"".join(b"\0\0\0\1" + unit for unit in units))
        packet.pts, packet.time_base = step, Fraction(1, 30)
        frames += decoder.decode(packet)
    frames += decoder.decode(None)
    encoder.close()
    assert [step for step, each in enumerate(kinds) if each == [7, 8, 5]] == [0, 20]
    assert all(each == [1] for step, each in enumerate(kinds) if step not in (0, 20))
    assert len(frames) == 40
    assert (frames[0].width, frames[0].height) == (SIDE, SIDE)
    assert np.abs(frames[-1].to_ndarray(format="gray").astype(int)).max() < 20
    assert size < 40 * 100
