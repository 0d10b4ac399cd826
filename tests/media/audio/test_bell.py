"""Two notes are played on the chosen device, and a failure costs nothing."""

from __future__ import annotations

import array
from itertools import pairwise
from typing import Any

import pytest

from rejoin.media.audio import bell
from rejoin.media.audio.opus import CHANNELS, SAMPLE_RATE_HZ
from rejoin.media.audio.portaudio import NoSoundSystemError, PortAudio

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


class Stream:
    """Notes what is done with it."""

    def __init__(self, done: list[str], written: list[bytes], fails: bool) -> None:
        self.done, self.written, self.fails = done, written, fails

    def start(self) -> None:
        self.done.append("start")

    def write(self, data: bytes) -> None:
        if self.fails:
            raise OSError
        self.written.append(data)

    def stop(self) -> None:
        self.done.append("stop")

    def close(self) -> None:
        self.done.append("close")


class Sound:
    def __init__(self, *, fails: bool = False) -> None:
        self.done: list[str] = []
        self.written: list[bytes] = []
        self.options: dict[str, Any] = {}
        self.fails = fails

    def load(self) -> PortAudio:
        def open_stream(**options: Any) -> Stream:
            self.options = options
            return Stream(self.done, self.written, self.fails)

        return PortAudio(open_stream, OSError, lambda: None, lambda: None)


def test_two_notes_that_begin_and_end_softly() -> None:
    sound = array.array("h", bell.samples(1.0))
    left, right = sound[::CHANNELS], sound[1::CHANNELS]
    assert left == right
    assert len(left) == 2 * round(bell.NOTE_S * SAMPLE_RATE_HZ)
    assert max(left) == pytest.approx(bell.PEAK, rel=0.05)
    assert max(abs(each) for each in (*left[:10], *left[-10:])) < 100
    half = len(left) // 2
    for note, hertz in zip((left[:half], left[half:]), bell.NOTES_HZ, strict=True):
        crossings = sum((a < 0) != (b < 0) for a, b in pairwise(note))
        assert crossings / 2 / bell.NOTE_S == pytest.approx(hertz, rel=0.05)
    assert max(array.array("h", bell.samples(0.125))) == pytest.approx(bell.PEAK / 8, rel=0.05)


def test_it_is_played_to_the_end_and_closed() -> None:
    sound = Sound()
    bell.ring(0.5, load=sound.load).join()
    assert sound.done == ["start", "stop", "close"]
    assert sound.written == [bell.samples(0.5)]
    assert "device" not in sound.options


@pytest.mark.parametrize(("number", "device"), [(7, 7), (None, None)])
def test_it_is_played_on_the_chosen_device_while_it_is_there(
    number: int | None, device: int | None
) -> None:
    sound = Sound()
    bell.ring(1.0, "Headphones", load=sound.load, find=lambda name: number).join()
    assert sound.options.get("device") == device


def test_no_sound_costs_nothing() -> None:
    def broken() -> PortAudio:
        raise NoSoundSystemError

    bell.ring(1.0, load=broken).join()
    sound = Sound(fails=True)
    bell.ring(1.0, load=sound.load).join()
    assert sound.done == ["start", "close"]
