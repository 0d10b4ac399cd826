"""The music is a quiet loop of whole Opus frames."""

from __future__ import annotations

import numpy as np

from rejoin.emulator.host.music import FRAME_SAMPLES, SAMPLE_RATE_HZ, music


def test_the_music_is_a_quiet_stereo_loop_of_whole_frames() -> None:
    loop = music()
    assert loop.shape[1] == 2
    assert len(loop) % FRAME_SAMPLES == 0
    assert 9 * SAMPLE_RATE_HZ < len(loop) < 10 * SAMPLE_RATE_HZ
    assert 500 < np.abs(loop).max() < 4000
    assert music() is loop
