"""One microphone: PortAudio's callback puts sound into the ring, and does nothing else."""

from __future__ import annotations

from typing import Any, Final

from rejoin.clock import Clock, boot_s
from rejoin.media.audio.capture_ring import CaptureRing
from rejoin.media.audio.opus_encoder import SAMPLE_RATE_HZ
from rejoin.media.audio.portaudio import PortAudio
from rejoin.media.audio.sound_setup import SETUP, SoundSetup

BLOCK_S: Final = 0.010
"""Some systems deliver other sizes (PulseAudio through ALSA: whatever it has)."""
RATES_HZ: Final = (SAMPLE_RATE_HZ, 44_100, 96_000, 32_000, 16_000)
"""Tried in this order: a device without a sound server before it may have one rate only."""
_INVALID_SAMPLE_RATE: Final = -9997
"""PortAudio's."""


class DeviceInput:
    """The default microphone, or another one. Raises PortAudio's error if it cannot be opened."""

    def __init__(
        self,
        portaudio: PortAudio,
        *,
        device: int | None = None,
        clock: Clock = boot_s,
        setup: SoundSetup = SETUP,
    ) -> None:
        """`device`: PortAudio's number; None: the default."""
        self.ring = CaptureRing()
        self._clock = clock
        self._setup = setup
        self._closed = False
        self.rate_hz = SAMPLE_RATE_HZ
        """Of the samples in the ring."""
        with setup.kept():
            self._stream = self._open(portaudio, device)
            try:
                self._stream.start()
            except BaseException:
                self._stream.close()
                raise
            self._leave = setup.join(self.close)

    def _open(self, portaudio: PortAudio, device: int | None) -> Any:
        for rate_hz in RATES_HZ:
            self.rate_hz = rate_hz
            try:
                return portaudio.open_input(
                    samplerate=rate_hz,
                    channels=1,
                    dtype="int16",
                    blocksize=round(rate_hz * BLOCK_S),
                    latency="low",
                    callback=self._take,
                    **({} if device is None else {"device": device}),
                )
            except portaudio.error as error:
                other_rate = error.args[1:2] == (_INVALID_SAMPLE_RATE,)
                if not other_rate or rate_hz == RATES_HZ[-1]:
                    raise
        raise AssertionError("there is a last rate")

    @property
    def alive(self) -> bool:
        """Whether the device still records; False once it is unplugged or closed."""
        with self._setup.kept():
            try:
                return not self._closed and bool(self._stream.active)
            except Exception:  # whatever PortAudio raises, the device does not record
                return False

    @property
    def latency_s(self) -> float:
        """From the mouth to the callback, as the stream reports it."""
        return float(self._stream.latency)

    def close(self) -> None:
        """May be called twice, and on any thread."""
        with self._setup.kept():
            if not self._closed:
                self._closed = True
                self._leave()
                self._stream.close()

    def _take(self, data: Any, frames: int, time: Any, status: Any) -> None:
        self.ring.put(bytes(data), self._clock())
