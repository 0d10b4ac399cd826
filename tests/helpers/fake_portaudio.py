"""A PortAudio without devices: a test pulls the sound out of its streams."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from rejoin.media.audio.portaudio import PortAudio
from rejoin.media.audio.sound_ring import BYTES_PER_SECOND

HUNDREDTH = BYTES_PER_SECOND // 100
"""10 ms of sound, in bytes."""


class FakePortAudioError(Exception):
    pass


class FakeStream:
    """Stands in for `sounddevice.RawOutputStream`; `last` is the one opened last."""

    last: FakeStream

    latency = 0.010
    reported_latency_s = 0.030

    def __init__(self, *, callback: Any, **_: Any) -> None:
        self.callback = callback
        self.running = False
        FakeStream.last = self

    def start(self) -> None:
        self.running = True

    @property
    def active(self) -> bool:
        return self.running

    def close(self) -> None:
        self.running = False

    def pull(self, size: int) -> bytes:
        """What the device takes from the client, `size` bytes."""
        out = bytearray(size)
        time = types.SimpleNamespace(
            currentTime=5.0, outputBufferDacTime=5.0 + self.reported_latency_s
        )
        self.callback(memoryview(out), size // 4, time, None)
        return bytes(out)


class FakePortAudio:
    """Opens `stream`; counts how often it was initialised again."""

    def __init__(self, stream: Callable[..., Any] = FakeStream) -> None:
        self.initialized = 0
        self.seam = PortAudio(stream, FakePortAudioError, lambda: None, self._initialize)

    def _initialize(self) -> None:
        self.initialized += 1

    def module(self) -> types.ModuleType:
        """The same, as the module `sounddevice`."""
        module: Any = types.ModuleType("sounddevice")
        module.PortAudioError = FakePortAudioError
        module.RawOutputStream = self.seam.open_stream
        module.RawInputStream = self.seam.open_input
        module._terminate = self.seam.terminate
        module._initialize = self.seam.initialize
        return module  # type: ignore[no-any-return]


def no_device(**_: Any) -> None:
    """What PortAudio does where there is no output device."""
    raise FakePortAudioError("Error querying device -1")
