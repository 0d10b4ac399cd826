"""The host's congestion control: the bitrate that transport-wide feedback allows. Pure.

A simple estimator in the manner of draft-ietf-rmcat-gcc-02: the queue is how much longer packets
take than the fastest one did; a standing queue or heavy loss lowers the rate below what arrives,
and an empty path lets it grow again. For as long as the host itself did not run (`own_lateness`), a
packet waited for the host and not in a queue.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final

from rejoin.emulator.host.own_lateness import OwnLateness
from rejoin.media.receive.transport_feedback import FeedbackReport

QUEUE_S: Final = 0.025
STANDING_S: Final = 0.100
"""A queue at least this long for that time is a standing one. A stall of either process is not."""
EMPTY_S: Final = 0.015
BASELINE_S: Final = 20.0
DELIVERY_S: Final = 0.300
"""The rate at which packets arrive is measured over this time."""
HOLD_S: Final = 0.200
"""Pause after a step down, besides the queue: for this long feedback still shows the old rate."""
GROWTH_PER_S: Final = 0.15
NEAR_GROWTH_PER_S: Final = 0.02
"""Growth near the rate at which there was a queue last time."""
NEAR: Final = 0.92
PASSED: Final = 1.06
"""Beyond this share of that rate the path carries more than last time."""
HEAVY_LOSS: Final = 0.10
LOSS_OVER_S: Final = 1.0
LOST_AFTER_S: Final = 0.1
"""A packet that was reported as missing may still come: it is lost after this time."""
SHARE_OVER_FRAMES: Final = 16
MIN_BPS: Final = 150_000
SILENT_S: Final = 2.0
"""Without feedback for this long the host obeys REMB again."""
MAX_SENT: Final = 8192

_PERIOD_S: Final = (1 << 24) * 0.064
_STEPS: Final = ((0.4, 0.50), (0.15, 0.70), (0.0, 0.85))
"""Queue in seconds, and the share of the delivery rate to send at."""


class CongestionControl:
    """Numbers all packets of one connection and reads the reports about them.

    `now` is seconds of the host's clock.
    """

    def __init__(self, max_bps: int) -> None:
        self.bitrate_bps = max_bps
        self.queue_s = 0.0
        self.reports = 0
        self.lateness = OwnLateness()
        self._max_bps = max_bps
        self._number = 0
        self._sent: OrderedDict[int, tuple[float, int]] = OrderedDict()
        self._reported_at: float | None = None
        self._arrived_first: float | None = None
        self._baseline: deque[tuple[float, float]] = deque()
        self._delivered: deque[tuple[float, int]] = deque()
        self._missing: dict[int, float] = {}
        self._outcomes: deque[tuple[float, int, int]] = deque()
        """When, how many packets were lost and how many arrived."""
        self._queue_since: float | None = None
        self._hold_until = 0.0
        self._limit_bps: float | None = None
        self._frames_share = 1.0

    def next_number(self, size_bytes: int, now: float) -> int:
        """The transport-wide sequence number of a packet that is sent now."""
        number, self._number = self._number, (self._number + 1) & 0xFFFF
        self._sent[number] = (now, size_bytes)
        self._sent.move_to_end(number)
        if len(self._sent) > MAX_SENT:
            oldest, _ = self._sent.popitem(last=False)
            self._missing.pop(oldest, None)
        return number

    def frame_sent(self, beats: int) -> None:
        """A frame was sent, this many frame intervals after the one before it.

        A host without time for all frames sends less than allowed, which says nothing about the
        path.
        """
        self._frames_share += (1 / beats - self._frames_share) / SHARE_OVER_FRAMES

    def has_feedback(self, now: float) -> bool:
        """Whether reports come, so that REMB is not obeyed."""
        return self._reported_at is not None and now - self._reported_at < SILENT_S

    def on_report(self, report: FeedbackReport, now: float) -> None:
        """A report arrived: `bitrate_bps` is what to send from now on."""
        self.reports += 1
        took_s = min(0.5, now - self._reported_at) if self._reported_at is not None else 0.0
        self._reported_at = now
        delays = list[tuple[float, float]]()
        for number, at in report.arrivals:
            if at is None:
                if number in self._sent:
                    self._missing.setdefault(number, now)
                continue
            self._missing.pop(number, None)
            sent = self._sent.pop(number, None)
            if sent is not None:
                arrived = self._unwrapped(at)
                delays.append((arrived - sent[0], sent[0]))
                self._delivered.append((arrived, sent[1]))
        if not delays:
            return
        self._update_queue(delays, now)
        loss = self._loss(len(delays), now)
        if loss > HEAVY_LOSS and now >= self._hold_until:
            self._step_down(1 - 0.5 * loss, now)
        elif self.queue_s >= QUEUE_S:
            if self._queue_since is None:
                self._queue_since = now
            if now - self._queue_since >= STANDING_S and now >= self._hold_until:
                self._step_down(next(share for at, share in _STEPS if self.queue_s >= at), now)
        else:
            self._queue_since = None
            if self.queue_s < EMPTY_S:
                self._grow(took_s)

    @property
    def _delivery_bps(self) -> float:
        newest = self._delivered[-1][0]
        while newest - self._delivered[0][0] > DELIVERY_S:
            self._delivered.popleft()
        return sum(size for _, size in self._delivered) * 8 / DELIVERY_S

    def _loss(self, arrived: int, now: float) -> float:
        """The share of packets that were lost in the last second."""
        lost = [number for number, at in self._missing.items() if now - at >= LOST_AFTER_S]
        for number in lost:
            del self._missing[number], self._sent[number]
        self._outcomes.append((now, len(lost), arrived))
        while now - self._outcomes[0][0] > LOSS_OVER_S:
            self._outcomes.popleft()
        gone = sum(each[1] for each in self._outcomes)
        return gone / max(1, gone + sum(each[2] for each in self._outcomes))

    def _update_queue(self, delays: list[tuple[float, float]], now: float) -> None:
        """`delays`: of each packet that arrived, and when it was sent."""
        least_s = min(delay_s for delay_s, _ in delays)
        while self._baseline and self._baseline[-1][1] >= least_s:
            self._baseline.pop()
        self._baseline.append((now, least_s))
        while now - self._baseline[0][0] > BASELINE_S:
            self._baseline.popleft()
        fastest_s = self._baseline[0][1]
        self.queue_s = min(
            delay_s - fastest_s - self.lateness.within(sent_at, sent_at + delay_s - fastest_s)
            for delay_s, sent_at in delays
        )

    def _step_down(self, share: float, now: float) -> None:
        delivery_bps = self._delivery_bps
        self._limit_bps = delivery_bps
        self.bitrate_bps = int(max(MIN_BPS, min(self.bitrate_bps, share * delivery_bps)))
        self._hold_until = now + HOLD_S + self.queue_s

    def _grow(self, took_s: float) -> None:
        rate = float(self.bitrate_bps)
        if self._limit_bps is None or rate > PASSED * self._limit_bps:
            self._limit_bps = None
            rate *= 1 + GROWTH_PER_S * took_s
        elif rate < NEAR * self._limit_bps:
            rate = min(NEAR * self._limit_bps, rate + self._limit_bps * took_s)
        else:
            rate *= 1 + NEAR_GROWTH_PER_S * took_s
        # sending less than allowed teaches nothing about a higher rate
        used_bps = self._delivery_bps / self._frames_share
        proven = max(1.5 * used_bps + 100_000, float(self.bitrate_bps))
        self.bitrate_bps = int(min(rate, proven, self._max_bps))

    def _unwrapped(self, at: float) -> float:
        """The receiver's time without its wrap, near that of the first arrival."""
        if self._arrived_first is None:
            self._arrived_first = at
        since = (at - self._arrived_first + _PERIOD_S / 2) % _PERIOD_S - _PERIOD_S / 2
        return self._arrived_first + since
