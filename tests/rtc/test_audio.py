from __future__ import annotations

import sys
import types
from typing import Any

import numpy
import pytest
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.codec.context import CodecContext

from rejoin.rtc.audio import NullOutput, OpusDecoder, SoundRing, open_output, scaled


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


def fake_sounddevice(stream: Any) -> types.ModuleType:
    module = types.ModuleType("sounddevice")
    module.PortAudioError = FakePortAudioError  # type: ignore[attr-defined]
    module.RawOutputStream = stream  # type: ignore[attr-defined]
    return module


def test_without_a_device_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_device(**_: Any) -> None:
        raise FakePortAudioError("Error querying device -1")

    monkeypatch.setitem(sys.modules, "sounddevice", fake_sounddevice(no_device))
    assert open_output().problem == "No sound: no audio output device was found."


class FakeStream:
    last: FakeStream

    def __init__(self, *, callback: Any, **_: Any) -> None:
        self.callback = callback
        self.running = False
        FakeStream.last = self

    def start(self) -> None:
        self.running = True

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


def test_opus_comes_out_as_stereo_samples_and_garbage_as_nothing() -> None:
    encoder = CodecContext.create("libopus", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate = 48_000
    encoder.layout = "stereo"
    encoder.format = "s16"
    tone = (numpy.sin(numpy.arange(960 * 10) / 10) * 10_000).astype(numpy.int16).repeat(2)
    decoder = OpusDecoder()
    heard = b""
    for start in range(0, tone.size, 1920):
        frame = AudioFrame.from_ndarray(tone[start : start + 1920].reshape(1, -1), "s16", "stereo")
        frame.sample_rate = 48_000
        for packet in encoder.encode(frame):
            heard += decoder.decode(bytes(packet))
    assert len(heard) >= 960 * 4 * 5
    assert numpy.abs(numpy.frombuffer(heard, dtype=numpy.int16)).max() > 5_000
    for garbage in (b"\xff", b"\xff" * 50):
        assert decoder.decode(garbage) == b""
    assert decoder.packets_failed == 2
