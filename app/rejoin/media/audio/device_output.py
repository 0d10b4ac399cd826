"""One sound device: PortAudio's callback takes sound from the ring and applies the volume."""

from __future__ import annotations

from typing import Any

from rejoin.media.audio.opus import CHANNELS, SAMPLE_RATE_HZ
from rejoin.media.audio.portaudio import PortAudio
from rejoin.media.audio.sound_ring import SoundRing

BLOCK_FRAMES = 480
MAX_LATENCY_S = 2.0
"""A reported latency above this is not believed."""


class DeviceOutput:
    """The default sound device, or another one. Raises PortAudio's error if there is none."""

    def __init__(
        self,
        portaudio: PortAudio,
        *,
        amplitude: float = 1.0,
        sync_delay: int = 0,
        device: int | None = None,
    ) -> None:
        """`sync_delay`: in bytes of sound. `device`: PortAudio's number; None: the default."""
        # Imported now: in the callback the import would be audible.
        import numpy  # noqa: F401

        self.ring = SoundRing()
        self.ring.sync_delay = sync_delay
        self.amplitude = amplitude
        """The factor of samples. A change fades over one block, so nothing clicks."""
        self._played_amplitude = amplitude
        self._latency_s: float | None = None
        self._stream = portaudio.open_stream(
            samplerate=SAMPLE_RATE_HZ,
            channels=CHANNELS,
            dtype="int16",
            blocksize=BLOCK_FRAMES,
            latency="low",
            callback=self._fill,
            **({} if device is None else {"device": device}),
        )
        self._stream.start()

    @property
    def alive(self) -> bool:
        """Whether the device still takes sound; False once it is unplugged."""
        try:
            return bool(self._stream.active)
        except Exception:  # whatever PortAudio raises, the device does not play
            return False

    @property
    def latency_s(self) -> float:
        """The time from here to the ear, as PortAudio reports it for the newest block, or else for
        the stream (PulseAudio: 30 ms for a block, 20 ms for the stream)."""
        return float(self._stream.latency) if self._latency_s is None else self._latency_s

    def close(self) -> None:
        self._stream.close()

    def _fill(self, out: Any, frames: int, time: Any, status: Any) -> None:
        latency_s = time.outputBufferDacTime - time.currentTime
        # Some systems report 0, always or for the first block of a stream.
        self._latency_s = latency_s if 0.0 < latency_s < MAX_LATENCY_S else None
        before, self._played_amplitude = self._played_amplitude, self.amplitude
        out[:] = scaled(self.ring.take(len(out)), before, self._played_amplitude)


def scaled(samples: bytes, amplitude: float, amplitude_after: float) -> bytes:
    """16-bit samples multiplied by a factor of 0 to 1 that changes gradually."""
    if amplitude == amplitude_after == 1.0:
        return samples
    if amplitude == amplitude_after == 0.0:
        return bytes(len(samples))
    import numpy

    sound = numpy.frombuffer(samples, dtype=numpy.int16)
    frames = len(sound) // CHANNELS
    factor = numpy.linspace(amplitude, amplitude_after, frames, dtype=numpy.float32)
    return (sound * factor.repeat(CHANNELS)).astype(numpy.int16).tobytes()
