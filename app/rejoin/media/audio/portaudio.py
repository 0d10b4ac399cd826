"""The functions of PortAudio that we call, through the Python package `sounddevice`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PortAudio:
    """`open_stream` takes the arguments of `sounddevice.RawOutputStream`."""

    open_stream: Callable[..., Any]
    error: type[Exception]
    """The exception that is raised for PortAudio's errors."""
    terminate: Callable[[], object]
    initialize: Callable[[], object]
    """After both calls PortAudio lists the devices again: it never notices new ones by itself."""


def load_portaudio() -> PortAudio:
    """Raises ImportError without the package `sounddevice`, OSError without the library PortAudio.

    `sounddevice` has no public name for initialising PortAudio again; a test calls these two.
    """
    from sounddevice import (  # type: ignore[import-untyped]
        PortAudioError,
        RawOutputStream,
        _initialize,
        _terminate,
    )

    return PortAudio(RawOutputStream, PortAudioError, _terminate, _initialize)
