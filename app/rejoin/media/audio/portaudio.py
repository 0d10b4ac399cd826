"""The functions of PortAudio that we call, through the Python package `sounddevice`."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


def _no_input(**_: Any) -> Any:
    raise OSError("there is no input")


@dataclass(frozen=True, slots=True)
class PortAudio:
    """`open_stream` takes the arguments of `sounddevice.RawOutputStream`, `open_input` those of
    `RawInputStream`."""

    open_stream: Callable[..., Any]
    error: type[Exception]
    """The exception that is raised for PortAudio's errors."""
    terminate: Callable[[], object]
    initialize: Callable[[], object]
    """After both calls PortAudio lists the devices again: it never notices new ones by itself. Only
    within `sound_setup.SoundSetup.anew`: they close every stream of the process."""
    open_input: Callable[..., Any] = _no_input


class NoSoundSystemError(Exception):
    """The system's sound library has no configuration."""


def check_alsa(load: Callable[[str], Any] = ctypes.CDLL) -> None:
    """Raises NoSoundSystemError where PortAudio would abort the process: where ALSA's configuration
    (ALSA_CONFIG_PATH; Debian's package libasound2-data) names no sound device at all."""
    if not sys.platform.startswith("linux"):
        return
    try:
        library = load("libasound.so.2")
        update, search = library.snd_config_update, library.snd_config_search
        top = ctypes.c_void_p.in_dll(library, "snd_config")
    except (AttributeError, OSError, ValueError):
        return  # PortAudio uses none, or cannot be loaded either
    search.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    if update() < 0 or top.value is None or search(top, b"pcm", None) < 0:
        raise NoSoundSystemError


def load_portaudio() -> PortAudio:
    """Raises ImportError without the package `sounddevice`, OSError without the library PortAudio,
    NoSoundSystemError, and PortAudio's own error (its class is not available then) where it cannot
    start.

    `sounddevice` has no public name for initialising PortAudio again; a test calls these two.
    """
    check_alsa()
    from sounddevice import (  # type: ignore[import-untyped]
        PortAudioError,
        RawInputStream,
        RawOutputStream,
        _initialize,
        _terminate,
    )

    return PortAudio(RawOutputStream, PortAudioError, _terminate, _initialize, RawInputStream)
