"""The sound devices that can play, by name: what a player chooses from, and where a name leads.

A name is PortAudio's. It need not be unique: the first of the system's own sound interface counts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rejoin.media.audio.portaudio import NoSoundSystemError, load_portaudio

_log = logging.getLogger("rejoin.sound")

Devices = Sequence[Mapping[str, Any]]
"""As `sounddevice.query_devices` lists them."""


def outputs(devices: Devices) -> dict[str, int]:
    """Each device that can play two channels, by name, and its number; in the order of the list,
    those of the interface of the first one first."""
    usable = [
        (number, each)
        for number, each in enumerate(devices)
        if each.get("max_output_channels", 0) >= 2
    ]
    first = usable[0][1].get("hostapi") if usable else None
    usable.sort(key=lambda each: each[1].get("hostapi") != first)
    found: dict[str, int] = {}
    for number, each in usable:
        found.setdefault(" ".join(str(each.get("name", "")).split()), number)
    found.pop("", None)
    return found


def list_devices() -> Devices:
    """Asks PortAudio, which may start now and take some 100 ms. Raises whatever it raises."""
    import sounddevice  # type: ignore[import-untyped]

    return list(sounddevice.query_devices())


def output_names(list_all: Callable[[], Devices] = list_devices) -> tuple[str, ...]:
    """The names of all devices that can play; empty where there is no sound. Raises nothing."""
    try:
        load_portaudio()
        return tuple(outputs(list_all()))
    except (ImportError, OSError, NoSoundSystemError):
        return ()
    except Exception as error:  # PortAudio's own
        _log.info("the sound devices cannot be listed: %s", type(error).__name__)
        return ()


def output_number(name: str, list_all: Callable[[], Devices] = list_devices) -> int | None:
    """The number of the device with this name; None while it is not there. Raises nothing."""
    try:
        return outputs(list_all()).get(" ".join(name.split()))
    except Exception as error:  # whatever PortAudio raises, the default plays
        _log.info("the sound devices cannot be listed: %s", type(error).__name__)
        return None
