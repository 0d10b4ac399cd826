from __future__ import annotations

import numpy
import pytest

from helpers.fake_portaudio import (
    HUNDREDTH,
    FakePortAudio,
    FakePortAudioError,
    FakeStream,
    no_device,
)
from rejoin.media.audio.device_output import DeviceOutput, scaled


def test_samples_are_scaled_and_a_change_of_volume_does_not_click() -> None:
    sound = numpy.array([1000, -1000] * 480, dtype=numpy.int16).tobytes()
    assert scaled(sound, 1.0, 1.0) == sound
    assert scaled(sound, 0.0, 0.0) == bytes(len(sound))
    quarter = numpy.frombuffer(scaled(sound, 0.25, 0.25), dtype=numpy.int16)
    assert set(quarter.tolist()) == {250, -250}
    muting = numpy.frombuffer(scaled(sound, 1.0, 0.0), dtype=numpy.int16).reshape(-1, 2)
    assert muting[0].tolist() == [1000, -1000]
    assert muting[-1].tolist() == [0, 0]
    assert abs(numpy.diff(muting[:, 0].astype(int))).max() <= 3


def test_the_callback_plays_the_ring_at_the_volume() -> None:
    device = DeviceOutput(FakePortAudio().seam, amplitude=0.5)
    sound = numpy.full(4 * HUNDREDTH // 2, 1000, dtype=numpy.int16).tobytes()
    device.ring.put(sound)
    heard = FakeStream.last.pull(HUNDREDTH)
    assert set(numpy.frombuffer(heard, dtype=numpy.int16).tolist()) == {500}
    device.close()
    assert not FakeStream.last.running


def test_the_latency_is_that_of_the_block_or_else_of_the_stream() -> None:
    device = DeviceOutput(FakePortAudio().seam)
    assert device.latency_s == 0.010
    FakeStream.last.pull(4)
    assert device.latency_s == pytest.approx(0.030)
    FakeStream.last.reported_latency_s = 7.0
    FakeStream.last.pull(4)
    assert device.latency_s == 0.010, "7 s is not believed"
    device.close()


def test_an_unplugged_device_is_not_alive() -> None:
    device = DeviceOutput(FakePortAudio().seam)
    alive = [device.alive]
    FakeStream.last.running = False
    alive.append(device.alive)
    assert alive == [True, False]


def test_without_a_device_portaudios_error_is_raised() -> None:
    with pytest.raises(FakePortAudioError):
        DeviceOutput(FakePortAudio(no_device).seam)
