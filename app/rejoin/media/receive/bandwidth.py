"""How much the path carries, told from delay: what a receiver writes into REMB.

Pure, and told the time. A queue before a bottleneck shows as packets that take longer than the
fastest did. In windows of 100 ms only the fastest packet counts, so that jitter, bursts and key
frames are no queue; a queue that stands is one: then the rate goes under what came through, low
enough to drain it, and afterwards up again step by step. Loss is left out, as in RFC 8698's delay
mode and in Google's receiver side: random loss is no reason to send less.
"""

from __future__ import annotations

from collections import deque

WINDOW_S = 0.100
BASELINE_S = 20.0
"""The fastest packet of so long ago is forgotten: routes change, clocks drift."""

STANDING_S = 0.050
"""A queue of so much that stands through two windows is one. Wi-Fi and 60 fps stay below."""

DRAINED_S = 0.020
THROUGHPUT_S = 0.5
BACK_OFF_S = 0.4
"""At least so long between two steps down, and the round trip: feedback has to act first."""

STALE_S = 1.0
"""After a longer silence what is known of the path is measured anew."""

GROWTH_PER_S = 0.15
NEAR_GROWTH_PER_S = 0.02
"""Near the rate at which a queue stood last time it goes up by this much of it a second."""

NEAR = 0.85
LEAST_BPS = 150_000
UNMOVED_STEPS = 3
"""So many steps down that leave the delay where it is: the path became longer, not fuller."""

SENT_PERIOD_S = 64.0
"""abs-send-time has 24 bits of 6.18 fixed point, so it begins again each 64 s."""

_STEPS = ((0.5, 0.50), (0.2, 0.70), (0.0, 0.85))
"""Queue in seconds, and the share of what came through that is asked for: the fuller the less."""


class BandwidthEstimate:
    """The rate that one stream may have. Begins with `most_bps` and claims no more, ever."""

    def __init__(self, most_bps: int) -> None:
        self.bitrate_bps = most_bps
        self.queue_s = 0.0
        """How long packets wait before the bottleneck, by the newest window."""
        self.limited = False
        """Whether the path ever was the limit; before that the estimate is only the wish."""
        self._most_bps = most_bps
        self._sent: tuple[float, float] | None = None
        self._window_began: float | None = None
        self._window_least: float | None = None
        self._baseline: deque[tuple[float, float]] = deque()
        self._arrived: deque[tuple[float, int]] = deque()
        self._arrived_bytes = 0
        self._standing = 0
        self._knee_bps: float | None = None
        self._stepped_at: float | None = None
        self._stepped_queue_s = 0.0
        self._unmoved = 0
        self._last_at: float | None = None

    @property
    def throughput_bps(self) -> float:
        """What came through in the last half second."""
        return self._arrived_bytes * 8 / THROUGHPUT_S

    def add_bytes(self, size: int, now: float) -> None:
        """Any packet of the stream came in."""
        self._arrived.append((now, size))
        self._arrived_bytes += size
        while self._arrived and now - self._arrived[0][0] > THROUGHPUT_S:
            self._arrived_bytes -= self._arrived.popleft()[1]

    def add_delay(self, sent_s: float, now: float, rtt_s: float | None) -> bool:
        """A packet that was sent at `sent_s` by the host's clock (modulo 64 s) came now.

        Only for packets in order that are no repetition. True when the rate went down, which the
        host should be told at once.
        """
        if self._last_at is not None and now - self._last_at > STALE_S:
            self._forget()
        self._last_at = now
        delay_s = now - self._unwrapped(sent_s)
        if self._window_began is None:
            self._window_began = now
        if self._window_least is None or delay_s < self._window_least:
            self._window_least = delay_s
        if now - self._window_began < WINDOW_S:
            return False
        took_s, least_s = now - self._window_began, self._window_least
        self._window_began, self._window_least = now, None
        while self._baseline and self._baseline[-1][1] >= least_s:
            self._baseline.pop()
        self._baseline.append((now, least_s))
        while now - self._baseline[0][0] > BASELINE_S:
            self._baseline.popleft()
        self.queue_s = least_s - self._baseline[0][1]
        return self._judge(took_s, now, rtt_s or 0.0)

    def _judge(self, took_s: float, now: float, rtt_s: float) -> bool:
        if self.queue_s < STANDING_S:
            self._standing = 0
            if self.queue_s < DRAINED_S:
                self._unmoved = 0
                self._grow(took_s)
            return False
        self._standing += 1
        if self._standing < 2:
            return False
        if self._stepped_at is not None:
            if now - self._stepped_at < BACK_OFF_S + rtt_s + min(self.queue_s, 1.0):
                return False
            if self.queue_s < 0.8 * self._stepped_queue_s:
                # It drains. Another step would only make it drain faster.
                self._stepped_at, self._stepped_queue_s = now, self.queue_s
                return False
            self._unmoved += self.queue_s < 1.2 * self._stepped_queue_s
            if self._unmoved >= UNMOVED_STEPS:
                self._forget()
                return False
        return self._step_down(now)

    def _step_down(self, now: float) -> bool:
        through = self.throughput_bps
        share = next(share for queue_s, share in _STEPS if self.queue_s >= queue_s)
        before = self.bitrate_bps
        self._knee_bps = through
        self.bitrate_bps = int(max(LEAST_BPS, min(before, share * through)))
        self._stepped_at, self._stepped_queue_s = now, self.queue_s
        self.limited = True
        return self.bitrate_bps < before

    def _grow(self, took_s: float) -> None:
        self._stepped_at = None
        took_s = min(took_s, 2 * WINDOW_S)
        rate: float = self.bitrate_bps
        if self._knee_bps is not None and rate >= NEAR * self._knee_bps - 1:
            rate += NEAR_GROWTH_PER_S * self._knee_bps * took_s
            if rate > 1.2 * self._knee_bps:
                self._knee_bps = None  # the path carries more than it did
        elif self._knee_bps is not None:
            # Up to where it was narrow last time quickly: that much is known to pass.
            rate = min(NEAR * self._knee_bps, rate + 0.5 * self._knee_bps * took_s)
        else:
            rate *= 1 + GROWTH_PER_S * took_s
        # A host that sends less than it may proves nothing about more.
        proved = max(1.5 * self.throughput_bps + 100_000, float(self.bitrate_bps))
        self.bitrate_bps = int(min(rate, proved, self._most_bps))

    def _forget(self) -> None:
        self._baseline.clear()
        self._window_began = self._window_least = None
        self._standing = self._unmoved = 0
        self._stepped_at = None

    def _unwrapped(self, sent_s: float) -> float:
        if self._sent is None:
            self._sent = (sent_s, sent_s)
            return sent_s
        raw, whole = self._sent
        moved = (sent_s - raw + SENT_PERIOD_S / 2) % SENT_PERIOD_S - SENT_PERIOD_S / 2
        self._sent = (sent_s, whole + moved)
        return whole + moved
