"""Sound out: 48 kHz stereo through PortAudio where there is a device, into nothing where not.

The ring between network and sound card holds two packets of sound, three where the network needs
it: when it runs dry there is silence until that much has gathered again, and what waits longer than
it has to is left out, so that sound does not fall behind the picture. `lipsync` decides whether it
should wait longer than that.
"""

from __future__ import annotations

import threading
from typing import Any, Protocol

from rejoin.clock import Clock, boot_s
from rejoin.media.audio.opus import CHANNELS, SAMPLE_RATE_HZ

FRAME_BYTES = CHANNELS * 2
BYTES_PER_SECOND = SAMPLE_RATE_HZ * FRAME_BYTES
RING_S = 0.160
"""Most sound that may wait, besides what is held back for the picture; more is latency that a
player hears."""

MOST_HELD_S = 0.160
"""Sound is held back for its picture by this much at most."""

PREFILL_S = 0.040
PREFILL_MAX_S = 0.060
PREFILL_STEP_S = PACKET_S = 0.020
"""Two packets of 20 ms and three: each time it runs dry one more, and one less after a while."""

STEADY_S = 10.0
"""After so long without running dry the ring tries with less."""

WATCH_S = 2.0
SPARE_S = 0.020
"""What waited longer than the target and this, all through two seconds, is left out at once."""

FADE_S = 0.005
FADE_BYTES = round(FADE_S * SAMPLE_RATE_HZ) * FRAME_BYTES
LOOK_EVERY_S = 3.0
"""How often a device is looked for while there is none."""

LARGEST_LATENCY_S = 2.0
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
    def held_s(self) -> float:
        """How much longer it waits than it has to, because it was steered so."""

    def play(self, samples: bytes) -> float | None:
        """Queue interleaved 16-bit stereo samples; never blocks, may be called on any thread.

        In how many seconds the first of them is heard, with the device's own latency as the device
        tells it; None where nobody hears it, or while the ring gathers.
        """

    def steer(self, change_s: float) -> None:
        """Have sound wait so much longer; negative: shorter, as far as the ring can do without."""

    def set_volume(self, volume: float) -> None:
        """What samples are multiplied with: 0 is silent, 1 is as the host sent it."""

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
    def held_s(self) -> float:
        return 0.0

    def play(self, samples: bytes) -> float | None:
        return None

    def steer(self, change_s: float) -> None: ...

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
        self.inserted = 0
        """Bytes of silence put in because the sound was earlier than its picture."""
        self.target = prefill
        """How much gathers before sound flows, besides what is held back."""
        self.held = 0
        """Bytes that wait longer than they have to, for the picture's sake."""
        self._capacity = capacity
        self._least_target = prefill
        self._bytes = bytearray()
        self._flowing = False
        self._steady = 0
        self._watched = 0
        self._least: int | None = None
        self._to_insert = 0
        self._to_leave_out = 0
        self._lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """Bytes that wait."""
        with self._lock:
            return len(self._bytes)

    def put(self, samples: bytes) -> int | None:
        """Add sound at the end; how many bytes are taken before its first, None while not known."""
        with self._lock:
            self._bytes += samples
            excess = len(self._bytes) - self._capacity - self.held
            if excess > 0:
                excess += -excess % FRAME_BYTES
                del self._bytes[:excess]
                self.overflowed += excess
            if not self._flowing:
                return None
            return max(0, len(self._bytes) + self._to_insert - len(samples))

    def steer(self, change: int) -> None:
        """Have sound wait this many bytes longer, within `MOST_HELD_S`; negative: shorter.

        Silence is put in with the next `take`. Sound is left out at the end of the watch, and only
        what was never needed in it beyond two packets (`target`).
        """
        change -= change % FRAME_BYTES
        with self._lock:
            if change > 0:
                change = min(change, int(MOST_HELD_S * BYTES_PER_SECOND) - self.held)
                self.held += change
                self._to_leave_out = 0
                if self._flowing:
                    self._to_insert += change
            else:
                unspent = min(-change, self._to_insert)
                self._to_insert -= unspent
                self.held -= min(-change, self.held)
                self._to_leave_out = -change - unspent if self._flowing else 0

    def take(self, size: int) -> bytes:
        """Exactly `size` bytes, with silence where there is no sound."""
        with self._lock:
            if not self._flowing and not self._begin():
                return bytes(size)
            if self._to_insert:
                self._insert_silence()
            taken = bytes(self._bytes[:size])
            del self._bytes[:size]
            self._adapt(size, dry=len(taken) < size)
        return taken + bytes(size - len(taken))

    def _begin(self) -> bool:
        """Whether enough has gathered. What is older (the sound card came late, or a burst after a
        gap) is left out now, where nothing is heard yet."""
        wanted = self.target + self.held
        excess = len(self._bytes) - wanted
        if excess < 0:
            return False
        if excess > SPARE_S * BYTES_PER_SECOND:
            excess -= excess % FRAME_BYTES
            del self._bytes[:excess]
            self.trimmed += excess
        self._flowing = True
        return True

    def _adapt(self, size: int, *, dry: bool) -> None:
        step = round(PREFILL_STEP_S * BYTES_PER_SECOND)
        if dry:
            self._flowing = False
            self.underflowed += 1
            longest = self._least_target + round((PREFILL_MAX_S - PREFILL_S) * BYTES_PER_SECOND)
            self.target = min(longest, self.target + step)
            self._steady = self._watched = 0
            self._to_insert = self._to_leave_out = 0
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
        late = self._least - self.target - self.held
        self._watched, self._least = 0, None
        asked, self._to_leave_out = self._to_leave_out, 0
        if asked:
            # when two packets gather before sound flows, one is left after each take
            late = min(asked, late + round(PACKET_S * BYTES_PER_SECOND))
        elif late <= SPARE_S * BYTES_PER_SECOND:
            return
        if late > FADE_BYTES:
            self._leave_out(late - late % FRAME_BYTES)

    def _insert_silence(self) -> None:
        """Put a gap where the waiting sound is quietest, fading out of it and back, once."""
        import numpy

        size, self._to_insert = self._to_insert, 0
        samples = numpy.frombuffer(bytes(self._bytes), dtype=numpy.int16).astype(numpy.float32)
        fade = FADE_BYTES // 2
        pieces = len(samples) // fade
        if pieces < 2:
            self._bytes[:0] = bytes(size)
        else:
            loudness = numpy.abs(samples[: pieces * fade]).reshape(pieces, fade).max(axis=1)
            at = (int((loudness[:-1] + loudness[1:]).argmin()) + 1) * fade
            share = numpy.linspace(0.0, 1.0, fade // CHANNELS, dtype=numpy.float32)
            share = share.repeat(CHANNELS)
            samples[at - fade : at] *= share[::-1]
            samples[at : at + fade] *= share
            sound = samples.astype(numpy.int16).tobytes()
            self._bytes[:] = sound[: at * 2] + bytes(size) + sound[at * 2 :]
        self.inserted += size

    def _leave_out(self, size: int) -> None:
        """Cut the oldest sound out, fading from it into what follows, so that nothing clicks."""
        import numpy

        fade = min(size, FADE_BYTES)
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

    def __init__(self, sounddevice: Any, *, volume: float = 1.0, held: int = 0) -> None:
        # Loaded before it is needed in the callback, where the loading would be heard.
        import numpy  # noqa: F401

        self.ring = SoundRing()
        self.ring.held = held
        self.volume = volume
        """What samples are multiplied with; a change takes one block, so that nothing clicks."""
        self._played_at_volume = volume
        self._latency_s: float | None = None
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
        """How long sound takes from here to the ear, as the device says: for the newest block
        where it tells that (with PulseAudio 30 ms, where its figure for the stream is 20 ms)."""
        return float(self._stream.latency) if self._latency_s is None else self._latency_s

    def close(self) -> None:
        self._stream.close()

    def _fill(self, out: Any, frames: int, time: Any, status: Any) -> None:
        latency_s = time.outputBufferDacTime - time.currentTime
        # Some systems tell neither; the first block of a stream is told as heard at once.
        self._latency_s = latency_s if 0.0 < latency_s < LARGEST_LATENCY_S else None
        before, self._played_at_volume = self._played_at_volume, self.volume
        out[:] = scaled(self.ring.take(len(out)), before, self._played_at_volume)


def scaled(samples: bytes, volume: float, volume_after: float) -> bytes:
    """16-bit samples at a volume from 0 to 1, and gradually at another."""
    if volume == volume_after == 1.0:
        return samples
    if volume == volume_after == 0.0:
        return bytes(len(samples))
    import numpy

    sound = numpy.frombuffer(samples, dtype=numpy.int16)
    frames = len(sound) // CHANNELS
    factor = numpy.linspace(volume, volume_after, frames, dtype=numpy.float32).repeat(CHANNELS)
    return (sound * factor).astype(numpy.int16).tobytes()


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
    def held_s(self) -> float:
        device = self._device
        return 0.0 if device is None else device.ring.held / BYTES_PER_SECOND

    def play(self, samples: bytes) -> float | None:
        device = self._device
        if device is not None and device.alive:
            ahead = device.ring.put(samples)
            return None if ahead is None else ahead / BYTES_PER_SECOND + device.latency_s
        if self._clock() - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = self._clock()
            if self._looking is None or not self._looking.is_alive():
                self._looking = threading.Thread(
                    target=self._look, name="rejoin-sound-device", daemon=True
                )
                self._looking.start()
        return None

    def steer(self, change_s: float) -> None:
        device = self._device
        if device is not None:
            device.ring.steer(round(change_s * BYTES_PER_SECOND))

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
            device.volume = self._loudness

    @property
    def _loudness(self) -> float:
        return 0.0 if self._muted else self._volume

    def _open(self, held: int = 0) -> DeviceOutput | None:
        try:
            return DeviceOutput(self._sounddevice, volume=self._loudness, held=held)
        except (self._sounddevice.PortAudioError, OSError, ValueError):
            return None

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
            self._device = self._open(0 if gone is None else gone.ring.held)
            self._apply()


def open_output() -> AudioOutput:
    """The default device, or a `NullOutput` whose `problem` says why there is no sound."""
    try:
        import sounddevice  # type: ignore[import-untyped]
    except ImportError:
        return NullOutput("No sound: the Python package sounddevice is not installed.")
    except OSError:
        return NullOutput("No sound: install PortAudio (on Debian or Ubuntu: libportaudio2).")
    return DefaultOutput(sounddevice)
