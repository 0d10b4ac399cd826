from __future__ import annotations

import sys
import threading
from typing import Any

import numpy
import pytest

from helpers.fake_portaudio import (
    HUNDREDTH,
    FakePortAudio,
    FakePortAudioError,
    FakeStream,
    no_device,
)
from rejoin.media.audio.default_output import (
    MISSING_DEVICE,
    SEARCH_INTERVAL_S,
    DefaultOutput,
    open_output,
)
from rejoin.media.audio.output import NullOutput
from rejoin.media.audio.portaudio import PortAudio


class NoPortAudio:
    """Finds sounddevice as on a system without PortAudio."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "sounddevice":
            raise OSError("PortAudio library not found")


@pytest.mark.parametrize(
    ("package_exists", "sentence"),
    [
        (False, "No sound: the Python package sounddevice is not installed."),
        (True, "No sound: install PortAudio (on Debian or Ubuntu: libportaudio2)."),
    ],
)
def test_without_portaudio_a_sentence_says_that_there_is_no_sound(
    monkeypatch: pytest.MonkeyPatch, package_exists: bool, sentence: str
) -> None:
    if package_exists:
        monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
        monkeypatch.setattr(sys, "meta_path", [NoPortAudio(), *sys.meta_path])
    else:
        monkeypatch.setitem(sys.modules, "sounddevice", None)
    output = open_output()
    assert isinstance(output, NullOutput)
    assert output.problem == sentence
    output.play(bytes(960))
    output.close()


def test_without_a_device_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", FakePortAudio(no_device).module())
    output = open_output()
    assert output.problem == "No sound: no audio output device was found."
    output.play(bytes(960))
    heard_in_s = output.play(bytes(960))
    assert heard_in_s is None, "no device plays it"
    output.adjust_sync_delay(0.1)
    assert output.buffered_s == 0.0
    output.close()


def test_a_device_plays_sound_quieter_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", FakePortAudio().module())
    output = open_output()
    assert output.problem is None
    sound = numpy.full(16_000, 1000, dtype=numpy.int16).tobytes()
    output.play(sound)
    assert FakeStream.last.pull(400) == sound[:400]
    output.set_volume(0.5)
    FakeStream.last.pull(400)
    assert FakeStream.last.pull(4) == numpy.full(2, 500, dtype=numpy.int16).tobytes()
    output.set_volume(0.0)
    FakeStream.last.pull(400)
    assert FakeStream.last.pull(400) == bytes(400)
    output.close()
    assert not FakeStream.last.running


def search(output: DefaultOutput) -> threading.Thread | None:
    return output._search


def wait_for_search(output: DefaultOutput) -> None:
    """Wait until the search for a device has ended."""
    thread = search(output)
    assert thread is not None
    thread.join(60)


def test_an_unplugged_device_is_replaced_by_the_next_one() -> None:
    now = [100.0]
    portaudio = FakePortAudio()
    output = DefaultOutput(portaudio.seam, clock=lambda: now[0])
    output.set_volume(0.5)
    first = FakeStream.last
    first.running = False
    output.play(bytes(960))
    assert search(output) is None, "it does not search at each packet"
    now[0] += SEARCH_INTERVAL_S
    output.play(bytes(960))
    wait_for_search(output)
    assert FakeStream.last is not first
    assert portaudio.initialized == 1
    loud = numpy.full(16_000, 1000, dtype=numpy.int16).tobytes()
    output.play(loud)
    assert output.buffered_s > 0.1
    assert FakeStream.last.pull(4) == numpy.full(2, 500, dtype=numpy.int16).tobytes()
    output.close()
    assert not FakeStream.last.running
    output.play(loud)


def test_play_returns_when_it_is_heard_including_the_latency_of_the_device() -> None:
    output = DefaultOutput(FakePortAudio().seam)
    stream = FakeStream.last
    packet = bytes(2 * HUNDREDTH)
    filling = [output.play(packet), output.play(packet)]
    assert filling == [None, None]
    stream.pull(HUNDREDTH)
    assert output.play(packet) == pytest.approx(0.030 + 0.030)
    stream.reported_latency_s = 0.0
    stream.pull(HUNDREDTH)
    assert output.play(packet) == pytest.approx(0.040 + 0.010), (
        "then the latency of the stream counts"
    )
    output.adjust_sync_delay(0.050)
    assert output.play(packet) == pytest.approx(0.060 + 0.050 + 0.010)
    output.close()


def test_the_next_device_keeps_the_sync_delay() -> None:
    now = [100.0]
    output = DefaultOutput(FakePortAudio().seam, clock=lambda: now[0])
    output.adjust_sync_delay(0.100)
    FakeStream.last.running = False
    now[0] += SEARCH_INTERVAL_S
    output.play(bytes(960))
    wait_for_search(output)
    for _ in range(6):
        output.play(bytes(2 * HUNDREDTH))
    FakeStream.last.pull(HUNDREDTH)
    assert output.buffered_s == 0.120, "with the sync delay two packets are not enough to start"
    output.close()


def test_a_device_that_appears_later_is_found() -> None:
    there = [False]

    def stream(**options: Any) -> FakeStream:
        if not there[0]:
            raise FakePortAudioError("Error querying device -1")
        return FakeStream(**options)

    now = [100.0]
    output = DefaultOutput(FakePortAudio(stream).seam, clock=lambda: now[0])
    before = output.problem
    assert before == "No sound: no audio output device was found."
    there[0] = True
    now[0] += SEARCH_INTERVAL_S
    output.play(bytes(960))
    wait_for_search(output)
    after = output.problem
    assert after is None
    output.close()


def test_a_search_that_hangs_does_not_delay_the_close_and_leaves_no_device_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rejoin.media.audio.default_output.CLOSE_WITHIN_S", 0.05)
    now, answer = [100.0], threading.Event()
    portaudio = PortAudio(FakeStream, FakePortAudioError, lambda: None, lambda: answer.wait(60))
    output = DefaultOutput(portaudio, clock=lambda: now[0])
    first = FakeStream.last
    first.running = False
    now[0] += SEARCH_INTERVAL_S
    output.play(bytes(960))
    closing = threading.Thread(target=output.close)
    closing.start()
    closing.join(30)  # answer hangs for 60 s
    closed_in_time = not closing.is_alive()
    answer.set()
    closing.join(60)
    wait_for_search(output)
    assert closed_in_time
    assert FakeStream.last is not first, "it opened one after the close"
    assert not FakeStream.last.running


def test_the_chosen_device_plays_while_it_is_there() -> None:
    opened: list[int | None] = []

    def stream(**options: Any) -> FakeStream:
        opened.append(options.pop("device", None))
        return FakeStream(**options)

    there = [True]
    now = [1000.0]
    output = DefaultOutput(
        FakePortAudio(stream).seam,
        device="headset",
        find=lambda name: 7 if there[0] and name == "headset" else None,
        clock=lambda: now[0],
    )
    assert (opened, output.problem) == ([7], None)
    there[0] = False
    FakeStream.last.running = False
    now[0] += SEARCH_INTERVAL_S
    output.play(bytes(960))
    wait_for_search(output)
    assert opened == [7, None]
    assert output.problem == MISSING_DEVICE
    output.close()


def test_a_chosen_device_that_refuses_leaves_the_default() -> None:
    def stream(**options: Any) -> FakeStream:
        if options.pop("device", None) is not None:
            raise FakePortAudioError("busy")
        return FakeStream(**options)

    output = DefaultOutput(FakePortAudio(stream).seam, device="headset", find=lambda _: 7)
    assert output.problem == MISSING_DEVICE
    output.close()
