from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from helpers.fake_microphone import FakeMicrophoneError
from rejoin.media.audio.device_input import RATES_HZ, DeviceInput
from rejoin.media.audio.portaudio import PortAudio
from rejoin.media.audio.sound_setup import SoundSetup


class Stream:
    latency = 0.020
    active = True
    closed = 0

    def __init__(self, **arguments: Any) -> None:
        self.arguments = arguments

    def start(self) -> None: ...

    def close(self) -> None:
        self.closed += 1


def portaudio(stream: Stream | Exception) -> PortAudio:
    def open_input(**arguments: Any) -> Stream:
        if isinstance(stream, Exception):
            raise stream
        stream.arguments = arguments
        return stream

    return PortAudio(Stream, FakeMicrophoneError, lambda: None, lambda: None, open_input)


def test_the_callback_puts_what_it_gets_into_the_ring_and_nothing_else() -> None:
    stream = Stream()
    device = DeviceInput(portaudio(stream), device=3, clock=lambda: 7.0, setup=SoundSetup())
    assert (stream.arguments["samplerate"], stream.arguments["channels"]) == (48_000, 1)
    assert stream.arguments["device"] == 3
    stream.arguments["callback"](memoryview(b"ab" * 480), 480, None, None)
    block = device.ring.get(0.0)
    assert block is not None
    assert (block.samples, block.position, block.taken_at) == (b"ab" * 480, 0, 7.0)
    assert device.latency_s == 0.020
    device.close()


def test_the_default_device_is_asked_for_by_no_number() -> None:
    stream = Stream()
    DeviceInput(portaudio(stream), setup=SoundSetup()).close()
    assert "device" not in stream.arguments


def test_it_is_closed_once_and_when_sound_is_set_up_anew() -> None:
    stream, setup = Stream(), SoundSetup()
    device = DeviceInput(portaudio(stream), setup=setup)
    alive = [device.alive]
    with setup.anew():
        assert stream.closed == 1
    alive.append(device.alive)
    assert alive == [True, False]
    device.close()
    assert stream.closed == 1


def test_a_stream_that_does_not_start_is_closed() -> None:
    class Fails(Stream):
        def start(self) -> None:
            raise FakeMicrophoneError("no")

    stream = Fails()
    with pytest.raises(FakeMicrophoneError):
        DeviceInput(portaudio(stream), setup=SoundSetup())
    assert stream.closed == 1


def test_a_dead_stream_is_not_alive() -> None:
    class Gone(Stream):
        @property
        def active(self) -> bool:  # type: ignore[override]
            raise FakeMicrophoneError("gone")

    device = DeviceInput(portaudio(Gone()), setup=SoundSetup())
    assert not device.alive
    device.close()


def asked_for(fails: Callable[[int], Exception | None]) -> list[int]:
    """The rates that are tried with a device that fails so."""
    rates: list[int] = []

    def open_input(**arguments: Any) -> Stream:
        rates.append(arguments["samplerate"])
        assert arguments["blocksize"] * 100 == arguments["samplerate"]
        error = fails(rates[-1])
        if error is not None:
            raise error
        return Stream(**arguments)

    system = PortAudio(Stream, FakeMicrophoneError, lambda: None, lambda: None, open_input)
    try:
        device = DeviceInput(system, setup=SoundSetup())
    except FakeMicrophoneError:
        return [*rates, -1]
    assert device.rate_hz == rates[-1]
    device.close()
    return rates


def test_a_device_with_another_rate_is_opened_with_that() -> None:
    wrong_rate, busy = FakeMicrophoneError("Invalid rate", -9997), FakeMicrophoneError("", -9985)
    assert asked_for(lambda rate: None) == [48_000]
    assert asked_for(lambda rate: None if rate == 44_100 else wrong_rate) == [48_000, 44_100]
    assert asked_for(lambda rate: wrong_rate) == [*RATES_HZ, -1]
    assert asked_for(lambda rate: busy) == [48_000, -1]
    assert asked_for(lambda rate: wrong_rate if rate == 48_000 else busy) == [48_000, 44_100, -1]
