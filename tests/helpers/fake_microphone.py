"""A microphone without a person: gives sound in real time, in blocks as PortAudio's."""

from __future__ import annotations

import functools
import math
import threading
import types
from array import array
from collections.abc import Callable
from typing import Any

from rejoin.clock import boot_s
from rejoin.media.audio.microphone import Microphone
from rejoin.media.audio.portaudio import PortAudio
from rejoin.media.audio.sound_setup import SoundSetup

RATE_HZ = 48_000
BLOCK_S = 0.010

Sound = Callable[[int, int], bytes]
"""(position, samples) -> 16-bit mono."""


def tone(hertz: int = 1000, peak: int = 8000) -> Sound:
    """A steady tone of a whole number of cycles a second."""
    second = array(
        "h", [round(peak * math.sin(2 * math.pi * hertz * at / RATE_HZ)) for at in range(RATE_HZ)]
    )
    twice = (second + second).tobytes()

    def sound(position: int, samples: int) -> bytes:
        at = position % RATE_HZ * 2
        return twice[at : at + samples * 2]

    return sound


def silence(position: int, samples: int) -> bytes:
    """Nothing but zeros."""
    return bytes(samples * 2)


class FakeMicrophoneError(Exception):
    """(message, PortAudio's code), as sounddevice's."""


class FakeMicrophone:
    """`make` makes the microphone of a player; `sound` may be changed while it is open."""

    def __init__(self, sound: Sound | None = None) -> None:
        self.sound = sound or tone()
        self.opened = 0
        """How often it was opened."""
        self.open_now = 0
        self.fails: Exception | None = None
        """What opening it raises."""
        self.rates_hz = (RATE_HZ,)
        """It can be opened with no others."""
        self.delivers = True
        """While it does not, it is open and gives nothing at all."""
        self.initialized = 0
        """How often PortAudio was set up anew."""
        self.setup = SoundSetup()
        self.portaudio = PortAudio(
            lambda **_: None,
            FakeMicrophoneError,
            lambda: None,
            self._initialize,
            self._open,
        )
        self.make = functools.partial(
            Microphone, load=lambda: self.portaudio, find=lambda name: 3, setup=self.setup
        )
        self.streams: list[_Stream] = []

    def unplug(self) -> None:
        """Streams that are open give nothing any more."""
        for stream in self.streams:
            stream.unplugged = True

    def _initialize(self) -> None:
        self.initialized += 1

    def _open(self, *, callback: Any, blocksize: int, **arguments: Any) -> _Stream:
        if self.fails is not None:
            raise self.fails
        if arguments["samplerate"] not in self.rates_hz:
            raise FakeMicrophoneError("Error opening RawInputStream: Invalid sample rate", -9997)
        self.opened += 1
        stream = _Stream(self, callback, blocksize, arguments)
        self.streams.append(stream)
        return stream


class _Stream:
    latency = 0.010

    def __init__(
        self, owner: FakeMicrophone, callback: Any, blocksize: int, arguments: dict[str, Any]
    ) -> None:
        self.arguments = arguments
        self.unplugged = False
        self._owner = owner
        self._callback = callback
        self._block = blocksize
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fake microphone", daemon=True)

    @property
    def active(self) -> bool:
        return not self.unplugged and not self._stop.is_set()

    def start(self) -> None:
        self._owner.open_now += 1
        self._thread.start()

    def close(self) -> None:
        if not self._stop.is_set():
            self._stop.set()
            self._owner.open_now -= 1
            self._thread.join(60)

    def _run(self) -> None:
        due_at, position = boot_s(), 0
        while not self._stop.wait(max(0.0, due_at - boot_s())):
            if not self.unplugged and self._owner.delivers:
                time = types.SimpleNamespace(currentTime=0.0, inputBufferAdcTime=0.0)
                self._callback(
                    memoryview(self._owner.sound(position, self._block)), self._block, time, None
                )
            position += self._block
            due_at += BLOCK_S
