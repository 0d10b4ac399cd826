"""Sound out: 48 kHz stereo through PortAudio where there is a device, into nothing where not.

The ring between network and sound card is short and bounded: when it is full the oldest sound goes,
when it is empty there is silence until a little has gathered again.
"""

from __future__ import annotations

import threading
from typing import Any, Protocol

import av.error
from av.audio.codeccontext import AudioCodecContext
from av.codec.context import CodecContext
from av.packet import Packet

SAMPLE_RATE_HZ = 48_000
CHANNELS = 2
BYTES_PER_SECOND = SAMPLE_RATE_HZ * CHANNELS * 2
RING_S = 0.160
"""Most sound that may wait; more is latency that a player hears."""

PREFILL_S = 0.040
BLOCK_FRAMES = 480


class AudioOutput(Protocol):
    """Where decoded sound goes. `problem` is a sentence for the player, None when all is well."""

    @property
    def problem(self) -> str | None: ...

    @property
    def buffered_s(self) -> float:
        """How much sound waits to be played."""

    def play(self, samples: bytes) -> None:
        """Queue interleaved 16-bit stereo samples; never blocks, may be called on any thread."""

    def set_volume(self, volume: float) -> None:
        """0 is silent, 1 is as the host sent it."""

    def set_muted(self, muted: bool) -> None: ...

    def close(self) -> None: ...


class NullOutput:
    """Takes sound and plays none; `problem` says why."""

    def __init__(self, problem: str | None = None) -> None:
        self._problem = problem

    @property
    def problem(self) -> str | None:
        return self._problem

    @property
    def buffered_s(self) -> float:
        return 0.0

    def play(self, samples: bytes) -> None: ...

    def set_volume(self, volume: float) -> None: ...

    def set_muted(self, muted: bool) -> None: ...

    def close(self) -> None: ...


class SoundRing:
    """Bytes of sound between two threads, bounded, oldest given up first."""

    def __init__(
        self,
        capacity: int = int(RING_S * BYTES_PER_SECOND),
        prefill: int = int(PREFILL_S * BYTES_PER_SECOND),
    ) -> None:
        self.overflowed = 0
        """Bytes given up because too much waited."""
        self.underflowed = 0
        """How often the sound card wanted sound and there was none."""
        self._capacity = capacity
        self._prefill = prefill
        self._bytes = bytearray()
        self._flowing = False
        self._lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """Bytes that wait."""
        with self._lock:
            return len(self._bytes)

    def put(self, samples: bytes) -> None:
        with self._lock:
            self._bytes += samples
            excess = len(self._bytes) - self._capacity
            if excess > 0:
                excess += -excess % (CHANNELS * 2)
                del self._bytes[:excess]
                self.overflowed += excess

    def take(self, size: int) -> bytes:
        """Exactly `size` bytes, with silence where there is no sound."""
        with self._lock:
            if not self._flowing and len(self._bytes) < self._prefill:
                return bytes(size)
            self._flowing = True
            taken = bytes(self._bytes[:size])
            del self._bytes[:size]
            if len(taken) < size:
                self._flowing = False
                self.underflowed += 1
        return taken + bytes(size - len(taken))


class DeviceOutput:
    """The default sound device. Raises what sounddevice raises when there is none."""

    def __init__(self, sounddevice: Any) -> None:
        self.ring = SoundRing()
        self._volume = 1.0
        self._muted = False
        self._stream = sounddevice.RawOutputStream(
            samplerate=SAMPLE_RATE_HZ,
            channels=CHANNELS,
            dtype="int16",
            blocksize=BLOCK_FRAMES,
            latency="low",
            callback=self._fill,
        )
        self._stream.start()

    @property
    def problem(self) -> str | None:
        return None

    @property
    def buffered_s(self) -> float:
        return self.ring.waiting / BYTES_PER_SECOND

    def play(self, samples: bytes) -> None:
        self.ring.put(samples)

    def set_volume(self, volume: float) -> None:
        self._volume = min(1.0, max(0.0, volume))

    def set_muted(self, muted: bool) -> None:
        self._muted = muted

    def close(self) -> None:
        self._stream.close()

    def _fill(self, out: Any, frames: int, time: Any, status: Any) -> None:
        sound = self.ring.take(len(out))
        out[:] = scaled(sound, 0.0 if self._muted else self._volume)


def scaled(samples: bytes, volume: float) -> bytes:
    """16-bit samples at a volume from 0 to 1."""
    if volume >= 1.0:
        return samples
    if volume <= 0.0:
        return bytes(len(samples))
    import numpy

    quieter = numpy.frombuffer(samples, dtype=numpy.int16) * numpy.float32(volume)
    return quieter.astype(numpy.int16).tobytes()


def open_output() -> AudioOutput:
    """The default device, or a `NullOutput` whose `problem` says why there is no sound."""
    try:
        import sounddevice  # type: ignore[import-untyped]
    except (ImportError, OSError):
        return NullOutput("No sound: the PortAudio library is not installed.")
    try:
        return DeviceOutput(sounddevice)
    except (sounddevice.PortAudioError, OSError, ValueError):
        return NullOutput("No sound: no audio output device was found.")


class OpusDecoder:
    """Opus packets to interleaved 16-bit stereo."""

    def __init__(self) -> None:
        codec = CodecContext.create("libopus", "r")
        assert isinstance(codec, AudioCodecContext)
        codec.format = "s16"
        codec.layout = "stereo"
        codec.sample_rate = SAMPLE_RATE_HZ
        self._codec = codec
        self.packets_failed = 0

    def decode(self, payload: bytes) -> bytes:
        """Samples of one packet; empty when it is not Opus."""
        try:
            frames = self._codec.decode(Packet(payload))
        except (av.error.FFmpegError, ValueError):
            self.packets_failed += 1
            return b""
        size = CHANNELS * 2
        return b"".join(bytes(frame.planes[0])[: frame.samples * size] for frame in frames)
