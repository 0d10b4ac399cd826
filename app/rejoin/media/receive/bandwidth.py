"""How much the path carries, estimated from delay: the bitrate that goes into REMB. Pure.

A queue in front of a bottleneck shows as packets that take longer than the fastest one did. Only
the fastest packet of each 100 ms window counts, so that jitter, bursts and key frames do not look
like a queue. When a queue persists, the rate drops below the measured throughput, far enough to
drain it, and then rises again step by step. Loss is ignored, as in RFC 8698's delay mode and in
Google's receiver side: random loss is no reason to send less.
"""

from __future__ import annotations

from collections import deque

WINDOW_S = 0.100
BASELINE_S = 20.0
"""The fastest packet of this many past seconds counts: routes change, clocks drift."""

STANDING_QUEUE_S = 0.050
"""A queue at least this long in two windows in a row is a real one. Wi-Fi and 60 fps stay below."""

DRAINED_S = 0.020
THROUGHPUT_S = 0.5
STEP_INTERVAL_S = 0.4
"""Minimum time between two steps down, plus the round trip: feedback needs time to act."""

STALE_S = 1.0
"""After a longer silence what is known about the path is forgotten."""

GROWTH_PER_S = 0.15
NEAR_GROWTH_PER_S = 0.02
"""Growth per second near the throughput of the last queue, as a share of it."""

NEAR_LIMIT = 0.85
MIN_BPS = 150_000
INEFFECTIVE_STEPS = 3
"""After this many steps down without less delay, the path has become longer, not fuller."""

SENT_PERIOD_S = 64.0
"""abs-send-time has 24 bits of 6.18 fixed point, so it wraps every 64 s."""

_STEPS = ((0.5, 0.50), (0.2, 0.70), (0.0, 0.85))
"""Queue in seconds, and the share of the throughput to ask for: the longer the queue, the less."""


class BandwidthEstimate:
    """The bitrate that one stream may use. Starts at `max_bps` and never exceeds it."""

    def __init__(self, max_bps: int) -> None:
        self.bitrate_bps = max_bps
        self.queue_s = 0.0
        """How long packets wait in front of the bottleneck, from the newest window."""
        self.limited = False
        """Whether the path was the limit at least once; until then the estimate is `max_bps`."""
        self._max_bps = max_bps
        self._sent: tuple[float, float] | None = None
        self._window_began: float | None = None
        self._window_min_s: float | None = None
        self._baseline: deque[tuple[float, float]] = deque()
        self._arrived: deque[tuple[float, int]] = deque()
        self._arrived_bytes = 0
        self._windows_with_queue = 0
        self._limit_bps: float | None = None
        self._stepped_at: float | None = None
        self._stepped_queue_s = 0.0
        self._ineffective = 0
        self._last_at: float | None = None

    @property
    def throughput_bps(self) -> float:
        """Throughput over the last half second."""
        return self._arrived_bytes * 8 / THROUGHPUT_S

    def add_bytes(self, size: int, now: float) -> None:
        """A packet of the stream arrived, RTX included."""
        self._arrived.append((now, size))
        self._arrived_bytes += size
        while self._arrived and now - self._arrived[0][0] > THROUGHPUT_S:
            self._arrived_bytes -= self._arrived.popleft()[1]

    def add_delay(self, sent_s: float, now: float, rtt_s: float | None) -> bool:
        """A packet that was sent at `sent_s` of the host's clock (modulo 64 s) arrived now.

        Only for packets in order that are not retransmissions. Returns True if the rate went down:
        then a REMB should be sent at once.
        """
        if self._last_at is not None and now - self._last_at > STALE_S:
            self._reset_path()
        self._last_at = now
        if self._sent is None:
            whole_s = sent_s
        else:
            raw, whole_s = self._sent
            moved = sent_s - raw
            if not -SENT_PERIOD_S / 2 <= moved < SENT_PERIOD_S / 2:
                moved = (moved + SENT_PERIOD_S / 2) % SENT_PERIOD_S - SENT_PERIOD_S / 2
            whole_s += moved
        self._sent = (sent_s, whole_s)
        delay_s = now - whole_s
        if self._window_began is None:
            self._window_began = now
        if self._window_min_s is None or delay_s < self._window_min_s:
            self._window_min_s = delay_s
        if now - self._window_began < WINDOW_S:
            return False
        took_s, min_s = now - self._window_began, self._window_min_s
        self._window_began, self._window_min_s = now, None
        while self._baseline and self._baseline[-1][1] >= min_s:
            self._baseline.pop()
        self._baseline.append((now, min_s))
        while now - self._baseline[0][0] > BASELINE_S:
            self._baseline.popleft()
        self.queue_s = min_s - self._baseline[0][1]
        return self._on_window(took_s, now, rtt_s or 0.0)

    def _on_window(self, took_s: float, now: float, rtt_s: float) -> bool:
        if self.queue_s < STANDING_QUEUE_S:
            self._windows_with_queue = 0
            if self.queue_s < DRAINED_S:
                self._ineffective = 0
                self._grow(took_s)
            return False
        self._windows_with_queue += 1
        if self._windows_with_queue < 2:
            return False
        if self._stepped_at is not None:
            if now - self._stepped_at < STEP_INTERVAL_S + rtt_s + min(self.queue_s, 1.0):
                return False
            if self.queue_s < 0.8 * self._stepped_queue_s:
                # The queue drains; another step would only drain it faster.
                self._stepped_at, self._stepped_queue_s = now, self.queue_s
                return False
            self._ineffective += self.queue_s < 1.2 * self._stepped_queue_s
            if self._ineffective >= INEFFECTIVE_STEPS:
                self._reset_path()
                return False
        return self._step_down(now)

    def _step_down(self, now: float) -> bool:
        throughput_bps = self.throughput_bps
        share = next(share for queue_s, share in _STEPS if self.queue_s >= queue_s)
        before = self.bitrate_bps
        self._limit_bps = throughput_bps
        self.bitrate_bps = int(max(MIN_BPS, min(before, share * throughput_bps)))
        self._stepped_at, self._stepped_queue_s = now, self.queue_s
        self.limited = True
        return self.bitrate_bps < before

    def _grow(self, took_s: float) -> None:
        self._stepped_at = None
        took_s = min(took_s, 2 * WINDOW_S)
        rate: float = self.bitrate_bps
        if self._limit_bps is not None and rate >= NEAR_LIMIT * self._limit_bps - 1:
            rate += NEAR_GROWTH_PER_S * self._limit_bps * took_s
            if rate > 1.2 * self._limit_bps:
                self._limit_bps = None  # the path carries more than last time
        elif self._limit_bps is not None:
            # Grow quickly up to the last limit: that much is known to pass.
            rate = min(NEAR_LIMIT * self._limit_bps, rate + 0.5 * self._limit_bps * took_s)
        else:
            rate *= 1 + GROWTH_PER_S * took_s
        # A host that sends less than it may says nothing about a higher rate.
        proven = max(1.5 * self.throughput_bps + 100_000, float(self.bitrate_bps))
        self.bitrate_bps = int(min(rate, proven, self._max_bps))

    def _reset_path(self) -> None:
        self._baseline.clear()
        self._window_began = self._window_min_s = None
        self._windows_with_queue = self._ineffective = 0
        self._stepped_at = None
