"""SDL is there, whole, and loading it changes nothing of the process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from rejoin.gamepads import sdl_library
from rejoin.gamepads.sdl_library import GamepadsUnavailableError


def test_the_library_is_the_one_that_the_package_brings() -> None:
    assert sdl_library.file().is_file()
    library = sdl_library.load()
    assert library.SDL_NumJoysticks.argtypes == ()
    assert library is sdl_library.load()


def test_a_missing_package_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdl_library, "PACKAGE", "rejoin_has_no_such_package")
    with pytest.raises(GamepadsUnavailableError, match=r"pysdl2-dll is missing\.$"):
        sdl_library.file()


def test_a_library_that_cannot_be_loaded_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdl_library, "_LINUX", "libNone.so")
    monkeypatch.setattr(sdl_library, "_FILES", {})
    with pytest.raises(GamepadsUnavailableError, match=r"^Gamepads cannot be read: .*libNone"):
        sdl_library.load.__wrapped__()


def test_loading_starts_no_program_and_changes_no_environment() -> None:
    """As PySDL2 does both."""
    program = """if True:
        import os, sys
        sys.addaudithook(lambda event, _: event == "subprocess.Popen" and print(event))
        before = dict(os.environ)
        from rejoin.gamepads import sdl_library
        sdl_library.load()
        print(dict(os.environ) == before, "sdl2dll" in sys.modules)
    """
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ
    )
    assert told.stdout == "True False\n"
    assert told.stderr == ""
