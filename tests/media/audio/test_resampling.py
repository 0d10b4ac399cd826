from __future__ import annotations

import itertools

import numpy
import pytest

from helpers.fake_microphone import tone
from rejoin.media.audio.capture_ring import Block
from rejoin.media.audio.resampling import Resampling

TONE_HZ = 1000


@pytest.mark.parametrize("rate_hz", [16_000, 32_000, 96_000])
def test_a_tone_keeps_its_pitch_its_level_and_its_length(rate_hz: int) -> None:
    made, block = Resampling(rate_hz), rate_hz // 100
    sound = tone(round(TONE_HZ * 48_000 / rate_hz))  # it counts 48,000 samples a second
    blocks = [
        made.convert(Block(sound(at, block), at, at / rate_hz))
        for at in range(0, 2 * rate_hz, block)
    ]
    for before, after in itertools.pairwise(blocks):
        assert after.position == before.position + len(before.samples) // 2
    assert [each.taken_at for each in blocks] == [at / 100 for at in range(200)]
    samples = numpy.frombuffer(b"".join(each.samples for each in blocks), numpy.int16)
    assert 96_000 - 480 < len(samples) <= 96_000
    second = samples[24_000:72_000].astype(float)
    spectrum = numpy.abs(numpy.fft.rfft(second * numpy.hanning(len(second))))
    assert spectrum.argmax() == TONE_HZ
    assert 7_800 < second.max() < 8_200


def test_sizes_may_differ_from_block_to_block_at_44_100_hz() -> None:
    made, at, out = Resampling(44_100), 0, 0
    for size in itertools.islice(itertools.cycle((441, 1, 1024, 160, 0)), 400):
        block = made.convert(Block(bytes(2 * size), at, 0.0))
        assert block.position == out
        at, out = at + size, out + len(block.samples) // 2
    assert 0 <= at * 48_000 / 44_100 - out < 100


def test_around_a_dropped_block_nothing_is_joined_and_time_goes_on() -> None:
    made = Resampling(44_100)
    first = made.convert(Block(bytes(882), 0, 0.0))
    after = made.convert(Block(bytes(882), 44_100, 1.0))
    assert first.position == 0
    assert after.position == 48_000
