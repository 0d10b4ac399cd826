from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from helpers.fake_microphone import FakeMicrophone, FakeMicrophoneError, silence, tone
from rejoin.clock import boot_s
from rejoin.media.audio import microphone as module
from rejoin.media.audio.microphone import DeviceState, Microphone, VoiceFrame, problem_of

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

PATIENCE_S = 60.0


def until(true: Any) -> None:
    end_at, wait = boot_s() + PATIENCE_S, threading.Event()
    while not true():
        assert boot_s() < end_at, "timed out"
        wait.wait(0.005)


class Made:
    def __init__(self, device: FakeMicrophone, name: str | None = None) -> None:
        self.frames: list[VoiceFrame] = []
        self.states: list[DeviceState] = []
        self.microphone: Microphone = device.make(
            device=name,
            on_frame=self.frames.append,
            on_change=lambda: self.states.append(self.microphone.state),
        )


@pytest.fixture
def device() -> FakeMicrophone:
    return FakeMicrophone()


@pytest.fixture
def made(device: FakeMicrophone) -> Iterator[Made]:
    it = Made(device)
    yield it
    it.microphone.stop()


def test_it_is_closed_until_it_is_wanted_and_again_after_that(
    device: FakeMicrophone, made: Made
) -> None:
    assert (device.opened, made.microphone.state) == (0, DeviceState.CLOSED)
    made.microphone.open()
    until(lambda: made.microphone.state is DeviceState.OPEN)
    until(lambda: -13 < made.microphone.level_dbfs < -12)
    made.microphone.close()
    until(lambda: made.microphone.state is DeviceState.CLOSED)
    assert device.open_now == 0
    assert made.microphone.level_dbfs == -90
    assert made.states == [DeviceState.OPENING, DeviceState.OPEN, DeviceState.CLOSED]
    assert made.frames == [], "nothing was to be sent"
    made.microphone.open()
    until(lambda: device.opened == 2)


def test_frames_follow_each_other_without_a_gap_while_it_sends(made: Made) -> None:
    made.microphone.sends = True
    made.microphone.open()
    until(lambda: len(made.frames) >= 30)
    made.microphone.sends = False
    frames = list(made.frames)
    assert all(frame.payload for frame in frames)
    steps = {b.position - a.position for a, b in itertools.pairwise(frames)}
    assert {frame.opened for frame in frames} == {1}
    assert all(step % 960 == 0 and step > 0 for step in steps)


def test_a_microphone_that_gives_nothing_but_zeros_says_so(
    device: FakeMicrophone, made: Made
) -> None:
    device.sound = silence
    made.microphone.open()
    until(lambda: made.microphone.state is DeviceState.UNHEARD)
    device.sound = tone()
    until(lambda: made.microphone.state is DeviceState.OPEN)


def test_the_faintest_noise_is_not_nothing_but_zeros(
    device: FakeMicrophone, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "UNHEARD_AFTER_FRAMES", 5)
    device.sound = lambda position, samples: b"\x01\x00" + bytes(samples * 2 - 2)
    made.microphone.sends = True
    made.microphone.open()
    until(lambda: len({frame.position for frame in made.frames}) > 10)
    assert DeviceState.UNHEARD not in made.states


def test_one_that_is_unplugged_is_missing_and_opened_again(
    device: FakeMicrophone, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEARCH_EVERY_S", 0.05)
    made.microphone.open()
    until(lambda: made.microphone.state is DeviceState.OPEN)
    device.unplug()
    until(lambda: DeviceState.MISSING in made.states)
    until(lambda: made.microphone.state is DeviceState.OPEN)
    assert device.initialized == 0, "the game's sound would stop"


def test_when_sound_is_set_up_anew_it_lets_go_and_comes_back(
    device: FakeMicrophone, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEARCH_EVERY_S", 0.05)
    made.microphone.open()
    until(lambda: made.microphone.state is DeviceState.OPEN)
    with device.setup.anew():
        assert device.open_now == 0
    until(lambda: device.opened == 2 and made.microphone.state is DeviceState.OPEN)


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (FakeMicrophoneError("Error opening RawInputStream", -9985), DeviceState.REFUSED),
        (FakeMicrophoneError("Unanticipated host error", -9999), DeviceState.REFUSED),
        (FakeMicrophoneError("Invalid device", -9996), DeviceState.MISSING),
        (FakeMicrophoneError("Error querying device -1"), DeviceState.MISSING),
        (OSError("no"), DeviceState.REFUSED),
        (ValueError("no"), DeviceState.REFUSED),
    ],
)
def test_why_it_cannot_be_opened(
    device: FakeMicrophone, made: Made, error: Exception, state: DeviceState
) -> None:
    assert problem_of(error) is state
    device.fails = error
    made.microphone.open()
    until(lambda: made.microphone.state is state)
    made.microphone.close()
    until(lambda: made.microphone.state is DeviceState.CLOSED)


def test_a_chosen_one_that_is_not_there_is_missing_and_no_other_is_opened(
    device: FakeMicrophone,
) -> None:
    found: dict[str, int] = {}
    it = Microphone(
        device="Headset", load=lambda: device.portaudio, find=found.get, setup=device.setup
    )
    it.open()
    until(lambda: it.state is DeviceState.MISSING)
    assert device.opened == 0
    it.stop()


@pytest.mark.parametrize("error", [ImportError(), OSError(), RuntimeError()])
def test_without_portaudio_it_is_unsupported(error: Exception) -> None:
    def load() -> Any:
        raise error

    it = Microphone(load=load)
    it.open()
    until(lambda: it.state is DeviceState.UNSUPPORTED)
    it.stop()
    it.open()
    assert it.state is DeviceState.CLOSED, "it was ended for good"


def test_a_microphone_that_gives_nothing_at_all_says_so(
    device: FakeMicrophone, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "UNHEARD_AFTER_S", 0.2)
    made.microphone.open()
    until(lambda: made.microphone.level_dbfs > -13)
    device.delivers = False
    until(lambda: made.microphone.state is DeviceState.UNHEARD)
    assert made.microphone.level_dbfs == -90
    device.delivers = True
    until(lambda: made.microphone.state is DeviceState.OPEN)
    assert device.opened == 1


def test_a_device_that_has_no_48_khz_is_heard_all_the_same(
    device: FakeMicrophone, made: Made
) -> None:
    device.rates_hz = (44_100,)
    made.microphone.sends = True
    made.microphone.open()
    until(lambda: len(made.frames) >= 30)
    made.microphone.sends = False
    frames = list(made.frames)
    assert {b.position - a.position for a, b in itertools.pairwise(frames)} == {960}
    assert -13 < made.microphone.level_dbfs < -12
