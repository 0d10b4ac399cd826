from __future__ import annotations

import pytest

from rejoin.media.audio.capture_ring import Block
from rejoin.media.audio.framing import Framing


def block(position: int, samples: int, taken_at: float = 1.0) -> Block:
    return Block(b"".join(at.to_bytes(2) for at in range(samples)), position, taken_at)


@pytest.mark.parametrize("size", [160, 480, 500, 960, 1024, 4000])
def test_blocks_of_any_size_become_frames_of_20_ms_without_a_gap(size: int) -> None:
    framing, frames = Framing(), []
    for at in range(0, 40 * size, size):
        frames += framing.add(block(at, size, (at + size) / 48_000))
    assert [frame.position for frame in frames] == [at * 960 for at in range(40 * size // 960)]
    assert {len(frame.samples) for frame in frames} == {1920}
    for frame in frames:  # its last sample was there when it says so, or in the block after it
        assert frame.taken_at == pytest.approx((frame.position + 960) / 48_000)


def test_sound_around_a_dropped_block_is_not_joined() -> None:
    framing = Framing()
    assert framing.add(block(0, 480)) == []
    assert framing.add(block(960, 480)) == [], "480 to 959 are missing"
    [frame] = framing.add(block(1440, 480))
    assert frame.position == 960
