from __future__ import annotations

import ctypes
import importlib.abc
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from helpers.fake_portaudio import FakePortAudio, FakePortAudioError, FakeStream
from rejoin.media.audio.default_output import open_output
from rejoin.media.audio.portaudio import check_alsa, load_portaudio


def test_it_uses_five_names_of_sounddevice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", FakePortAudio().module())
    portaudio = load_portaudio()
    assert portaudio.open_stream is FakeStream
    assert portaudio.error is FakePortAudioError
    with pytest.raises(OSError, match="no input"):
        portaudio.open_input()


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


def alsa_is_here() -> bool:
    try:
        ctypes.CDLL("libasound.so.2")
    except OSError:
        return False
    return True


@pytest.mark.skipif(not alsa_is_here(), reason="there is no ALSA here")
@pytest.mark.parametrize("path", ["/nowhere/canary", "/etc", "/etc/passwd", "/dev/null"])
def test_without_a_configuration_of_alsa_there_is_a_sentence_and_no_abort(path: str) -> None:
    """PortAudio's assertion would end the process."""
    program = (
        "from rejoin.media.audio.default_output import open_output\nprint(open_output().problem)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "ALSA_CONFIG_PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout == "No sound: ALSA has no configuration (see ALSA_CONFIG_PATH).\n"


def test_another_sound_system_is_not_asked() -> None:
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    check_alsa(missing)
    check_alsa(lambda name: SimpleNamespace())


def test_a_sound_system_that_cannot_start_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error is raised while its module is imported, so nobody can name it."""

    class NoStart(importlib.abc.MetaPathFinder):
        def find_spec(self, name: str, *_: object) -> None:
            if name == "sounddevice":
                raise FakePortAudioError("Unanticipated host error")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [NoStart(), *sys.meta_path])
    assert open_output().problem == "No sound: PortAudio could not start."
