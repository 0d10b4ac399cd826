"""Lists sound devices and microphones by name, and finds the device with a name.

Names are PortAudio's. They need not be unique: the first one of the system's own sound interface
counts.
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
    """Name and number of each device that can play two channels, in the order of the list; devices
    of the first one's interface come first."""
    return _named(devices, "max_output_channels", 2)


def inputs(devices: Devices) -> dict[str, int]:
    """The same for devices that can record."""
    return _named(devices, "max_input_channels", 1)


def _named(devices: Devices, channels: str, least: int) -> dict[str, int]:
    usable = [
        (number, each) for number, each in enumerate(devices) if each.get(channels, 0) >= least
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
    return tuple(_listed(outputs, list_all))


def input_names(list_all: Callable[[], Devices] = list_devices) -> tuple[str, ...]:
    """The names of all devices that can record. Raises nothing."""
    return tuple(_listed(inputs, list_all))


def _listed(
    named: Callable[[Devices], dict[str, int]], list_all: Callable[[], Devices]
) -> dict[str, int]:
    try:
        load_portaudio()
        return named(list_all())
    except (ImportError, OSError, NoSoundSystemError):
        return {}
    except Exception as error:  # PortAudio's own
        _log.info("the sound devices cannot be listed: %s", type(error).__name__)
        return {}


def output_number(name: str, list_all: Callable[[], Devices] = list_devices) -> int | None:
    """The number of the device with this name; None while it is not there. Raises nothing."""
    return _number(outputs, name, list_all)


def input_number(name: str, list_all: Callable[[], Devices] = list_devices) -> int | None:
    """The same for a device that can record."""
    return _number(inputs, name, list_all)


def _number(
    named: Callable[[Devices], dict[str, int]], name: str, list_all: Callable[[], Devices]
) -> int | None:
    try:
        return named(list_all()).get(" ".join(name.split()))
    except Exception as error:  # whatever PortAudio raises, the device is not there
        _log.info("the sound devices cannot be listed: %s", type(error).__name__)
        return None
