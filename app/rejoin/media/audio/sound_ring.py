"""The ring between network and sound device: short, bounded, adjusted without clicks.

It holds two packets of 20 ms, three if the network needs it; of longer packets, which Opus has up
to 120 ms (RFC 6716, 2.1.4), one and 20 to 40 ms. When it runs dry it plays silence until that much
has been collected again. Sound that waits longer than it has to is cut out, so that it does not
fall behind the picture. `rejoin.media.receive.lip_sync` decides on any further delay.
"""

from __future__ import annotations

import threading
from collections import deque

from rejoin.media.audio.opus import CHANNELS, SAMPLE_RATE_HZ

FRAME_BYTES = CHANNELS * 2
BYTES_PER_SECOND = SAMPLE_RATE_HZ * FRAME_BYTES
RING_S = 0.160
"""The most sound that may wait, sync delay not included. More is latency that a player hears. A
packet longer than 20 ms may add twice the difference."""

MAX_SYNC_DELAY_S = 0.160

PREFILL_S = 0.040
PREFILL_MAX_S = 0.060
PREFILL_STEP_S = PACKET_S = 0.020
"""Two packets of 20 ms to three: one more each time the ring runs dry, one less after a while."""

LONG_PACKET_S = 0.040
"""Longer packets come so rarely that the prefill is added to one of them."""

LONGEST_PACKET_S = 0.120
"""The longest packet (RFC 6716, 2.1.4); more is several packets."""

PACKETS_REMEMBERED = 8
"""The shortest of this many is the length of a packet: those with concealment before them are
longer."""

STEADY_S = 10.0
"""After this long without running dry the ring tries a smaller prefill."""

WATCH_S = 2.0
SPARE_S = 0.020
"""If at all times during `WATCH_S` more than the prefill and this waited, the excess is cut out."""

FADE_S = 0.005
FADE_BYTES = round(FADE_S * SAMPLE_RATE_HZ) * FRAME_BYTES


class SoundRing:
    """A buffer of sound between two threads, as short as the network allows.

    It has no clock: time is measured in bytes that the device takes.
    """

    def __init__(
        self,
        capacity: int = int(RING_S * BYTES_PER_SECOND),
        prefill: int = int(PREFILL_S * BYTES_PER_SECOND),
    ) -> None:
        self.overflowed = 0
        """Bytes dropped because too many waited."""
        self.underflows = 0
        """How often the device asked for sound and there was none."""
        self.trimmed = 0
        """Bytes cut out because the sound was later than it had to be."""
        self.inserted = 0
        """Bytes of silence inserted because the sound was earlier than its picture."""
        self.prefill = prefill
        """How many bytes are collected before the ring plays, sync delay not included."""
        self.sync_delay = 0
        """Bytes that wait longer than they have to, for lip sync."""
        self._capacity = capacity
        self._min_prefill = prefill
        self._bytes = bytearray()
        self._playing = False
        self._steady = 0
        self._watched = 0
        self._min_waiting: int | None = None
        self._to_insert = 0
        self._to_cut = 0
        self._added: deque[int] = deque(maxlen=PACKETS_REMEMBERED)
        """How many bytes the newest packets brought."""
        self._lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """How many bytes wait."""
        with self._lock:
            return len(self._bytes)

    def put(self, samples: bytes) -> int | None:
        """Add sound; returns how many bytes are played before it, None while not playing yet."""
        with self._lock:
            self._bytes += samples
            if len(samples) <= LONGEST_PACKET_S * BYTES_PER_SECOND:
                self._added.append(len(samples))
            longer = max(0, len(samples) - round(PACKET_S * BYTES_PER_SECOND))
            excess = len(self._bytes) - self._capacity - 2 * longer - self.sync_delay
            if excess > 0:
                excess += -excess % FRAME_BYTES
                del self._bytes[:excess]
                self.overflowed += excess
            if not self._playing:
                return None
            return max(0, len(self._bytes) + self._to_insert - len(samples))

    def adjust_sync_delay(self, change: int) -> None:
        """Delay sound by this many bytes more, up to `MAX_SYNC_DELAY_S`; negative: less.

        Silence is inserted with the next `take`. Sound is cut out at the end of the current watch
        period, and only what was never needed in it beyond the prefill.
        """
        change -= change % FRAME_BYTES
        with self._lock:
            if change > 0:
                change = min(change, int(MAX_SYNC_DELAY_S * BYTES_PER_SECOND) - self.sync_delay)
                self.sync_delay += change
                self._to_cut = 0
                if self._playing:
                    self._to_insert += change
            else:
                unspent = min(-change, self._to_insert)
                self._to_insert -= unspent
                self.sync_delay -= min(-change, self.sync_delay)
                self._to_cut = -change - unspent if self._playing else 0

    def take(self, size: int) -> bytes:
        """Exactly `size` bytes; silence where there is no sound."""
        with self._lock:
            if not self._playing and not self._start():
                return bytes(size)
            if self._to_insert:
                self._insert_silence()
            taken = bytes(self._bytes[:size])
            del self._bytes[:size]
            self._adapt(size, dry=len(taken) < size)
        return taken + bytes(size - len(taken))

    @property
    def _packet(self) -> int:
        """Bytes of a packet, as far as known: the first put may hold several packets."""
        packet = min(self._added, default=0)
        alone = len(self._added) == 1
        return 0 if alone and packet <= PREFILL_MAX_S * BYTES_PER_SECOND else packet

    @property
    def _needed(self) -> int:
        """How many bytes have to wait when the ring begins to play."""
        packet = self._packet
        if packet <= LONG_PACKET_S * BYTES_PER_SECOND:
            return self.prefill + self.sync_delay
        shortest = round(PACKET_S * BYTES_PER_SECOND)
        return packet + self.prefill - shortest + self.sync_delay

    def _start(self) -> bool:
        """Start if there is enough; returns whether it did. Excess (a late device, or a burst after
        a gap) is cut out now, while nothing is heard. Only more than one packet counts as excess,
        or the awaited packet itself would be cut."""
        excess = len(self._bytes) - self._needed
        if excess < 0:
            return False
        if excess > max(SPARE_S * BYTES_PER_SECOND, self._packet):
            excess -= excess % FRAME_BYTES
            del self._bytes[:excess]
            self.trimmed += excess
        self._playing = True
        return True

    def _adapt(self, size: int, *, dry: bool) -> None:
        step = round(PREFILL_STEP_S * BYTES_PER_SECOND)
        if dry:
            self._playing = False
            self.underflows += 1
            longest = self._min_prefill + round((PREFILL_MAX_S - PREFILL_S) * BYTES_PER_SECOND)
            self.prefill = min(longest, self.prefill + step)
            self._steady = self._watched = 0
            self._to_insert = self._to_cut = 0
            self._min_waiting = None
            return
        self._steady += size
        if self._steady > STEADY_S * BYTES_PER_SECOND and self.prefill > self._min_prefill:
            self.prefill = max(self._min_prefill, self.prefill - step)
            self._steady = 0
        waiting = len(self._bytes)
        self._min_waiting = (
            waiting if self._min_waiting is None else min(self._min_waiting, waiting)
        )
        self._watched += size
        if self._watched < WATCH_S * BYTES_PER_SECOND:
            return
        late = self._min_waiting - self._needed
        self._watched, self._min_waiting = 0, None
        cut, self._to_cut = self._to_cut, 0
        if cut:
            # with a prefill of two packets, one is left after each take
            late = min(cut, late + max(self._packet, round(PACKET_S * BYTES_PER_SECOND)))
        elif late <= SPARE_S * BYTES_PER_SECOND:
            return
        if late > FADE_BYTES:
            self._cut(late - late % FRAME_BYTES)

    def _insert_silence(self) -> None:
        """Insert silence where the waiting sound is quietest, with a fade before and after it."""
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

    def _cut(self, size: int) -> None:
        """Cut out the oldest sound, with a fade into what follows, so that nothing clicks."""
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
