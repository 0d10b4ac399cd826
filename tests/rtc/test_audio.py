from __future__ import annotations

import sys
import threading
import types
from typing import Any

import numpy
import pytest

from rejoin.rtc.audio import (
    BYTES_PER_SECOND,
    LOOK_EVERY_S,
    DefaultOutput,
    NullOutput,
    SoundRing,
    open_output,
    scaled,
)


def test_without_portaudio_one_sentence_says_that_there_is_no_sound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    output = open_output()
    assert isinstance(output, NullOutput)
    assert output.problem == "No sound: the PortAudio library is not installed."
    output.play(bytes(960))
    output.close()


class FakePortAudioError(Exception):
    pass


def fake_sounddevice(stream: Any) -> Any:
    module: Any = types.ModuleType("sounddevice")
    module.PortAudioError = FakePortAudioError
    module.RawOutputStream = stream
    module.set_up = 0

    def initialize() -> None:
        module.set_up += 1

    module._terminate = lambda: None
    module._initialize = initialize
    return module


def test_without_a_device_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_device(**_: Any) -> None:
        raise FakePortAudioError("Error querying device -1")

    monkeypatch.setitem(sys.modules, "sounddevice", fake_sounddevice(no_device))
    output = open_output()
    assert output.problem == "No sound: no audio output device was found."
    output.play(bytes(960))
    assert (output.buffered_s, output.latency_s) == (0.0, 0.0)
    output.close()


class FakeStream:
    last: FakeStream

    def __init__(self, *, callback: Any, **_: Any) -> None:
        self.callback = callback
        self.running = False
        FakeStream.last = self

    latency = 0.010

    def start(self) -> None:
        self.running = True

    @property
    def active(self) -> bool:
        return self.running

    def close(self) -> None:
        self.running = False

    def pull(self, size: int) -> bytes:
        out = bytearray(size)
        self.callback(memoryview(out), size // 4, None, None)
        return bytes(out)


def test_a_device_plays_what_comes_quieter_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", fake_sounddevice(FakeStream))
    output = open_output()
    assert output.problem is None
    sound = numpy.full(16_000, 1000, dtype=numpy.int16).tobytes()
    output.play(sound)
    assert FakeStream.last.pull(400) == sound[:400]
    output.set_volume(0.5)
    assert FakeStream.last.pull(4) == numpy.full(2, 500, dtype=numpy.int16).tobytes()
    output.set_muted(True)
    assert FakeStream.last.pull(400) == bytes(400)
    output.close()
    assert not FakeStream.last.running


def test_the_ring_keeps_the_newest_sound_and_gathers_some_before_it_flows() -> None:
    ring = SoundRing(capacity=16, prefill=8)
    ring.put(b"\1" * 4)
    assert ring.take(4) == bytes(4)
    ring.put(b"\2" * 16)
    assert ring.overflowed == 4
    assert ring.take(4) == b"\2" * 4
    assert ring.take(16) == b"\2" * 12 + bytes(4)
    assert ring.underflowed == 1
    ring.put(b"\3" * 4)
    assert ring.take(4) == bytes(4)


def test_volume_is_between_silence_and_as_it_came() -> None:
    sound = numpy.array([1000, -1000], dtype=numpy.int16).tobytes()
    assert scaled(sound, 1.0) == sound
    assert scaled(sound, 0.0) == bytes(4)
    assert numpy.frombuffer(scaled(sound, 0.25), dtype=numpy.int16).tolist() == [250, -250]


HUNDREDTH = BYTES_PER_SECOND // 100
"""10 ms of sound."""


def test_a_ring_that_runs_dry_gathers_a_packet_more_and_later_tries_with_less() -> None:
    ring = SoundRing()
    two, three = ring.target, ring.target + 2 * HUNDREDTH
    ring.put(bytes(two))
    for _ in range(4):
        ring.take(HUNDREDTH)
    assert ring.target == two
    ring.take(HUNDREDTH)
    assert (ring.underflowed, ring.target) == (1, three)
    for _ in range(5):
        ring.put(bytes(three))
        while ring.waiting:
            ring.take(HUNDREDTH)
        ring.take(HUNDREDTH)
    assert ring.target == three, "three packets are the most"
    ring.put(bytes(three))
    for _ in range(1002):
        ring.put(bytes(HUNDREDTH))
        ring.take(HUNDREDTH)
    assert ring.target == two


def test_sound_that_is_later_than_it_has_to_be_is_left_out_without_a_click() -> None:
    """A host whose clock is a little faster than the sound card's, or a burst after a gap."""
    ring = SoundRing()
    level = numpy.full(HUNDREDTH * 12 // 2, 8000, dtype=numpy.int16).tobytes()
    ring.put(level)
    heard = b""
    for _ in range(500):
        heard += ring.take(HUNDREDTH)
        ring.put(level[:HUNDREDTH])
    assert ring.trimmed == 12 * HUNDREDTH - HUNDREDTH - ring.target
    assert ring.waiting == pytest.approx(ring.target, abs=2 * HUNDREDTH)
    assert ring.overflowed == ring.underflowed == 0
    steps = numpy.diff(numpy.frombuffer(heard, dtype=numpy.int16).astype(int))
    assert abs(steps).max() <= 1


def looking(output: DefaultOutput) -> threading.Thread | None:
    return output._looking


def found(output: DefaultOutput) -> None:
    """The search for a device has ended."""
    thread = looking(output)
    assert thread is not None
    thread.join(20)


def test_a_device_that_is_pulled_out_is_replaced_by_the_next_one() -> None:
    now = [100.0]
    module = fake_sounddevice(FakeStream)
    output = DefaultOutput(module, clock=lambda: now[0])
    output.set_volume(0.5)
    first = FakeStream.last
    first.running = False
    output.play(bytes(960))
    assert looking(output) is None, "not at each packet"
    now[0] += LOOK_EVERY_S
    output.play(bytes(960))
    found(output)
    assert FakeStream.last is not first
    assert module.set_up == 1
    loud = numpy.full(16_000, 1000, dtype=numpy.int16).tobytes()
    output.play(loud)
    assert output.buffered_s > 0.1
    assert output.latency_s == 0.010
    assert FakeStream.last.pull(4) == numpy.full(2, 500, dtype=numpy.int16).tobytes()
    output.close()
    assert not FakeStream.last.running
    output.play(loud)


def test_a_device_that_comes_later_is_found() -> None:
    there = [False]

    def stream(**options: Any) -> FakeStream:
        if not there[0]:
            raise FakePortAudioError("Error querying device -1")
        return FakeStream(**options)

    now = [100.0]
    output = DefaultOutput(fake_sounddevice(stream), clock=lambda: now[0])
    before = output.problem
    assert before == "No sound: no audio output device was found."
    there[0] = True
    now[0] += LOOK_EVERY_S
    output.play(bytes(960))
    found(output)
    after = output.problem
    assert after is None
    output.close()


def test_the_real_library_can_be_set_up_again() -> None:
    """What `DefaultOutput` does when a device goes; sounddevice has no public name for it."""
    try:
        import sounddevice  # type: ignore[import-untyped]
    except OSError:
        pytest.skip("there is no PortAudio here")
    sounddevice._terminate()
    sounddevice._initialize()
