from __future__ import annotations

import sys

import pytest

from helpers.fake_portaudio import FakePortAudio, FakePortAudioError, FakeStream
from rejoin.media.audio.portaudio import load_portaudio


def test_it_uses_four_names_of_sounddevice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", FakePortAudio().module())
    portaudio = load_portaudio()
    assert portaudio.open_stream is FakeStream
    assert portaudio.error is FakePortAudioError


def test_without_the_library_it_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(ImportError):
        load_portaudio()


def test_the_real_library_can_be_initialised_again() -> None:
    """What `DefaultOutput` does when a device goes; sounddevice has no public name for it."""
    try:
        portaudio = load_portaudio()
    except OSError:
        pytest.skip("there is no PortAudio here")
    portaudio.terminate()
    portaudio.initialize()
