"""Sound devices and microphones by name."""

from __future__ import annotations

import sys

import pytest

from helpers.fake_portaudio import FakePortAudio
from rejoin.media.audio.devices import (
    Devices,
    input_names,
    input_number,
    inputs,
    output_names,
    output_number,
    outputs,
)

DEVICES: Devices = (
    {"name": "Microphone", "max_output_channels": 0, "max_input_channels": 1, "hostapi": 0},
    {"name": "Speakers  (USB)", "max_output_channels": 2, "hostapi": 0},
    {"name": "Headset", "max_output_channels": 2, "hostapi": 1},
    {"name": "Headset", "max_output_channels": 8, "hostapi": 0},
    {"name": "Buzzer", "max_output_channels": 1, "hostapi": 0},
    {"name": "", "max_output_channels": 2, "hostapi": 0},
)


def broken() -> Devices:
    raise RuntimeError("PortAudio's own")


def test_those_that_play_two_channels_are_listed_once() -> None:
    assert outputs(DEVICES) == {"Speakers (USB)": 1, "Headset": 3}
    assert outputs(()) == {}
    assert inputs(DEVICES) == {"Microphone": 0}
    assert input_number("Microphone", lambda: DEVICES) == 0
    assert input_number("Headset", lambda: DEVICES) is None, "it plays and does not record"


def test_a_name_leads_to_its_number_while_it_is_there() -> None:
    assert output_number("Headset", lambda: DEVICES) == 3
    assert output_number(" Speakers (USB) ", lambda: DEVICES) == 1
    assert output_number("Loudspeaker", lambda: DEVICES) is None
    assert output_number("Headset", broken) is None


def test_names_are_listed_and_no_failure_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", FakePortAudio().module())
    monkeypatch.setattr("rejoin.media.audio.portaudio.check_alsa", lambda: None)
    assert output_names(lambda: DEVICES) == ("Speakers (USB)", "Headset")
    assert input_names(lambda: DEVICES) == ("Microphone",)
    assert output_names(broken) == input_names(broken) == ()
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert output_names(lambda: DEVICES) == ()
