"""A sound card without sound: plays in real time and reports any latency."""

from __future__ import annotations

import threading
import types
from typing import Any

from rejoin.clock import boot_s
from rejoin.media.audio.portaudio import PortAudio

_BLOCK_S = 0.010


class SoundCard:
    """`portaudio` opens streams on it, one at a time."""

    def __init__(self) -> None:
        self.latency_s = 0.0
        """From the callback to the ear, as it reports; may change while it plays."""
        self.taken = bytearray()
        """Everything that was played, including silence."""
        self.portaudio = PortAudio(self._open, RuntimeError, lambda: None, lambda: None)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(60)

    def _open(self, *, callback: Any, blocksize: int, **_: Any) -> Any:
        def play() -> None:
            due_at = boot_s()
            while not self._stop.wait(max(0.0, due_at - boot_s())):
                out = bytearray(blocksize * 4)
                time = types.SimpleNamespace(currentTime=0.0, outputBufferDacTime=self.latency_s)
                callback(memoryview(out), blocksize, time, None)
                self.taken += out
                due_at += _BLOCK_S

        self._thread = threading.Thread(target=play, name="sound card")
        stream = types.SimpleNamespace(latency=0.0, active=True, close=self.close)
        stream.start = self._thread.start
        return stream
