"""Sound out: 48 kHz stereo through PortAudio where there is a device, into nothing where not.

The ring between network and sound card holds two packets of sound, three where the network needs
it: when it runs dry there is silence until that much has gathered again, and what waits longer than
it has to is left out, so that sound does not fall behind the picture.
"""

from __future__ import annotations

import threading
from typing import Any, Protocol

from rejoin.clock import Clock, boot_s
from rejoin.rtc.opus import CHANNELS, SAMPLE_RATE_HZ

BYTES_PER_SECOND = SAMPLE_RATE_HZ * CHANNELS * 2
RING_S = 0.160
"""Most sound that may wait; more is latency that a player hears."""

PREFILL_S = 0.040
PREFILL_MAX_S = 0.060
PREFILL_STEP_S = 0.020
"""Two packets of 20 ms and three: each time it runs dry one more, and one less after a while."""

STEADY_S = 10.0
"""After so long without running dry the ring tries with less."""

WATCH_S = 2.0
SPARE_S = 0.020
"""What waited longer than the target and this, all through two seconds, is left out at once."""

FADE_S = 0.005
LOOK_EVERY_S = 3.0
"""How often a device is looked for while there is none."""

CLOSE_WITHIN_S = 2.0
NO_DEVICE = "No sound: no audio output device was found."
BLOCK_FRAMES = 480


class AudioOutput(Protocol):
    """Where decoded sound goes. `problem` is a sentence for the player, None when all is well."""

    @property
    def problem(self) -> str | None: ...

    @property
    def buffered_s(self) -> float:
        """How much sound waits to be played."""

    @property
    def latency_s(self) -> float:
        """How long it takes then to the ear, as the device says."""

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

    @property
    def latency_s(self) -> float:
        return 0.0

    def play(self, samples: bytes) -> None: ...

    def set_volume(self, volume: float) -> None: ...

    def set_muted(self, muted: bool) -> None: ...

    def close(self) -> None: ...


class SoundRing:
    """Bytes of sound between two threads: bounded, and as short as the network lets it be.

    Time is what the sound card takes; there is no clock here.
    """

    def __init__(
        self,
        capacity: int = int(RING_S * BYTES_PER_SECOND),
        prefill: int = int(PREFILL_S * BYTES_PER_SECOND),
    ) -> None:
        self.overflowed = 0
        """Bytes given up because too much waited."""
        self.underflowed = 0
        """How often the sound card wanted sound and there was none."""
        self.trimmed = 0
        """Bytes left out because the sound was later than it had to be."""
        self.target = prefill
        """How much gathers before sound flows."""
        self._capacity = capacity
        self._least_target = prefill
        self._bytes = bytearray()
        self._flowing = False
        self._steady = 0
        self._watched = 0
        self._least: int | None = None
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
            if not self._flowing and len(self._bytes) < self.target:
                return bytes(size)
            self._flowing = True
            taken = bytes(self._bytes[:size])
            del self._bytes[:size]
            self._adapt(size, dry=len(taken) < size)
        return taken + bytes(size - len(taken))

    def _adapt(self, size: int, *, dry: bool) -> None:
        step = round(PREFILL_STEP_S * BYTES_PER_SECOND)
        if dry:
            self._flowing = False
            self.underflowed += 1
            longest = self._least_target + round((PREFILL_MAX_S - PREFILL_S) * BYTES_PER_SECOND)
            self.target = min(longest, self.target + step)
            self._steady = self._watched = 0
            self._least = None
            return
        self._steady += size
        if self._steady > STEADY_S * BYTES_PER_SECOND and self.target > self._least_target:
            self.target = max(self._least_target, self.target - step)
            self._steady = 0
        waiting = len(self._bytes)
        self._least = waiting if self._least is None else min(self._least, waiting)
        self._watched += size
        if self._watched < WATCH_S * BYTES_PER_SECOND:
            return
        late = self._least - self.target
        self._watched, self._least = 0, None
        if late > SPARE_S * BYTES_PER_SECOND:
            late -= late % (CHANNELS * 2)
            self._leave_out(late)

    def _leave_out(self, size: int) -> None:
        """Cut the oldest sound out, fading from it into what follows, so that nothing clicks."""
        import numpy

        fade = min(size, int(FADE_S * BYTES_PER_SECOND))
        fade -= fade % (CHANNELS * 2)
        old = numpy.frombuffer(bytes(self._bytes[:fade]), dtype=numpy.int16)
        new = numpy.frombuffer(bytes(self._bytes[size : size + fade]), dtype=numpy.int16)
        if len(new) < len(old):
            return
        share = numpy.linspace(0.0, 1.0, len(old), dtype=numpy.float32)
        blended = (old * (1 - share) + new * share).astype(numpy.int16)
        self._bytes[size : size + fade] = blended.tobytes()
        del self._bytes[:size]
        self.trimmed += size


class DeviceOutput:
    """The default sound device. Raises what sounddevice raises when there is none."""

    def __init__(self, sounddevice: Any) -> None:
        self.ring = SoundRing()
        self.volume = 1.0
        self.muted = False
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
    def alive(self) -> bool:
        """Whether the device still takes sound; False when it was pulled out."""
        try:
            return bool(self._stream.active)
        except Exception:  # PortAudio's own, whose module is not known here
            return False

    @property
    def latency_s(self) -> float:
        """How long sound takes from here to the ear, as the device says."""
        return float(self._stream.latency)

    def close(self) -> None:
        self._stream.close()

    def _fill(self, out: Any, frames: int, time: Any, status: Any) -> None:
        sound = self.ring.take(len(out))
        out[:] = scaled(sound, 0.0 if self.muted else self.volume)


def scaled(samples: bytes, volume: float) -> bytes:
    """16-bit samples at a volume from 0 to 1."""
    if volume >= 1.0:
        return samples
    if volume <= 0.0:
        return bytes(len(samples))
    import numpy

    quieter = numpy.frombuffer(samples, dtype=numpy.int16) * numpy.float32(volume)
    return quieter.astype(numpy.int16).tobytes()


class DefaultOutput:
    """Whatever the system's default device is: opened again when it goes, or when one comes.

    PortAudio neither tells of changes nor sees new devices before it is set up again, which takes
    up to some 100 ms: that happens on a thread of its own, and only while no sound is being played.
    """

    def __init__(self, sounddevice: Any, *, clock: Clock = boot_s) -> None:
        self._sounddevice = sounddevice
        self._clock = clock
        self._volume = 1.0
        self._muted = False
        self._closed = False
        self._lock = threading.Lock()
        self._looking: threading.Thread | None = None
        self._looked_at = clock()
        self._device = self._open()

    @property
    def problem(self) -> str | None:
        return None if self._device is not None else NO_DEVICE

    @property
    def buffered_s(self) -> float:
        device = self._device
        return 0.0 if device is None else device.ring.waiting / BYTES_PER_SECOND

    @property
    def latency_s(self) -> float:
        device = self._device
        return 0.0 if device is None else device.latency_s

    def play(self, samples: bytes) -> None:
        device = self._device
        if device is not None and device.alive:
            device.ring.put(samples)
        elif self._clock() - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = self._clock()
            if self._looking is None or not self._looking.is_alive():
                self._looking = threading.Thread(
                    target=self._look, name="rejoin-sound-device", daemon=True
                )
                self._looking.start()

    def set_volume(self, volume: float) -> None:
        self._volume = min(1.0, max(0.0, volume))
        self._apply()

    def set_muted(self, muted: bool) -> None:
        self._muted = muted
        self._apply()

    def close(self) -> None:
        """End it; waits for a search for devices that is on its way."""
        self._closed = True
        if self._looking is not None:
            self._looking.join(CLOSE_WITHIN_S)
        with self._lock:
            device, self._device = self._device, None
            if device is not None:
                device.close()

    def _apply(self) -> None:
        device = self._device
        if device is not None:
            device.volume, device.muted = self._volume, self._muted

    def _open(self) -> DeviceOutput | None:
        try:
            device = DeviceOutput(self._sounddevice)
        except (self._sounddevice.PortAudioError, OSError, ValueError):
            return None
        device.volume, device.muted = self._volume, self._muted
        return device

    def _look(self) -> None:
        with self._lock:
            if self._closed:
                return
            gone, self._device = self._device, None
            try:
                if gone is not None:
                    gone.close()
                self._sounddevice._terminate()
                self._sounddevice._initialize()
            except self._sounddevice.PortAudioError:
                return
            self._device = self._open()


def open_output() -> AudioOutput:
    """The default device, or a `NullOutput` whose `problem` says why there is no sound."""
    try:
        import sounddevice  # type: ignore[import-untyped]
    except (ImportError, OSError):
        return NullOutput("No sound: the PortAudio library is not installed.")
    return DefaultOutput(sounddevice)
