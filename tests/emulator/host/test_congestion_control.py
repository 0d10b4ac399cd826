"""The whole loop on a virtual clock: host, bottleneck, the client's reports, the host's reading."""

from __future__ import annotations

import heapq
import itertools
import math
import random

import pytest

from rejoin.emulator.host.congestion_control import MIN_BPS, SILENT_S, CongestionControl
from rejoin.media.receive.transport_feedback import FeedbackReport, TransportFeedback, parse
from rejoin.netem.link import Direction, Lane, Link, NetworkProfile, ProfileStage

MAX_BPS = 8_000_000
PACKET_BYTES = 1200
FPS = 60
ONE_WAY_S = 0.020
SLICE_S = 0.040
FREEZE_S = 0.150
"""A frame that comes this much later than the one before it froze the picture (as in Chromium)."""


class Loop:
    """A host that sends what its congestion control allows, and a client that reports arrivals."""

    def __init__(
        self,
        *stages: tuple[float, float | None],
        queue_s: float,
        jitter_s: float = 0.0,
        loss: float = 0.0,
        starved: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """`stages`: seconds and the bandwidth (bit/s) from then on. `starved`: from when to when
        the host gets a moment of processor time each 40 ms alone: what it sent in one leaves its
        sockets (its relay's) in the next."""
        self._starved = starved
        self.control = CongestionControl(MAX_BPS)
        self.sent: list[tuple[float, int, float | None]] = []
        """Time, bytes and the time in the queue of each packet; None: dropped."""
        self.frames_at: list[float] = []
        self._feedback = TransportFeedback()
        self._link = Link(
            NetworkProfile(
                "bottleneck",
                stages=tuple(
                    ProfileStage(
                        after_s,
                        Lane(ONE_WAY_S),
                        Lane(
                            ONE_WAY_S,
                            jitter_s,
                            reorder=bool(jitter_s),
                            loss=loss,
                            bandwidth_bps=bps,
                            queue_s=queue_s,
                        ),
                    )
                    for after_s, bps in stages
                ),
            ),
            0.0,
            lambda name: random.Random(f"1 {name}").random,
        )
        self._on_the_way: list[tuple[float, int, int, bool]] = []
        self._reports: list[tuple[float, bytes]] = []
        self._count = 0
        self._now = 0.0
        self._owed = 0.0
        self._report_at: float | None = None

    def play(self, for_s: float) -> None:
        end = self._now + for_s
        while self._now < end:
            due, self._now = self._now, self._runs_at(self._now)
            self.control.lateness.woke(due, self._now)
            self._send_frame()
            # beats that were missed are left out
            following = (math.floor(self._now * FPS + 1e-6) + 1) / FPS
            self.control.frame_sent(round((following - due) * FPS))
            self._now = following
            self._receive_until(self._now)

    def _runs_at(self, at: float) -> float:
        """When the host runs that has something to do at this time."""
        since, until = self._starved
        return math.ceil(at / SLICE_S) * SLICE_S if since <= at < until else at

    def _send_frame(self) -> None:
        leaves_at = self._runs_at(self._now + 0.0001)
        self._owed += self.control.bitrate_bps / FPS / 8
        while self._owed >= PACKET_BYTES:
            self._owed -= PACKET_BYTES
            last = self._owed < PACKET_BYTES
            number = self.control.next_number(PACKET_BYTES, self._now)
            fate = self._link.decide(Direction.DOWN, PACKET_BYTES, leaves_at)
            dropped = fate.dropped is not None
            queued_s = None if dropped else fate.delay_s - ONE_WAY_S
            self.sent.append((self._now, PACKET_BYTES, queued_s))
            if not dropped:
                self._count += 1
                heapq.heappush(
                    self._on_the_way, (leaves_at + fate.delay_s, self._count, number, last)
                )

    def _receive_until(self, until: float) -> None:
        while True:
            due = [each[0][0] for each in (self._on_the_way, self._reports) if each]
            if self._report_at is not None:
                due.append(self._report_at)
            if not due or min(due) > until:
                return
            at = min(due)
            if self._report_at == at:
                self._report_at = None
                for report in self._feedback.reports(at, sender_ssrc=1, media_ssrc=2):
                    self._reports.append((at + ONE_WAY_S, report))
            elif self._reports and self._reports[0][0] == at:
                for read in parse(self._reports.pop(0)[1]):
                    self.control.on_report(read, self._runs_at(at))
            else:
                _, _, number, last = heapq.heappop(self._on_the_way)
                self._feedback.add(number, PACKET_BYTES, at)
                if last:
                    self.frames_at.append(at)
                if self._report_at is None:
                    self._report_at = at + self._feedback.interval_s

    # --- what came of it ------------------------------------------------------------------------

    def rate_bps(self, since: float, until: float) -> float:
        arrived = sum(
            size for at, size, queue in self.sent if since <= at < until and queue is not None
        )
        return arrived * 8 / (until - since)

    def lost(self, since: float = 0.0) -> float:
        rows = [queue for at, _, queue in self.sent if at >= since]
        return rows.count(None) / len(rows)

    def queued_over_s(self, limit_s: float, since: float = 0.0) -> float:
        """For how long (in steps of 100 ms) some packet waited longer than this."""
        steps = {
            int(at * 10)
            for at, _, queue in self.sent
            if at >= since and queue is not None and queue > limit_s
        }
        return len(steps) / 10

    def longest_gap_s(self, since: float) -> float:
        times = [at for at in self.frames_at if at >= since]
        return max(b - a for a, b in itertools.pairwise(times))


def test_a_bottleneck_is_used_and_its_queue_stays_short() -> None:
    loop = Loop((0.0, 3_000_000.0), queue_s=1.5)
    loop.play(60)
    assert loop.rate_bps(0, 60) >= 2_400_000
    assert loop.lost() == 0.0
    queues = sorted(queue for _, _, queue in loop.sent if queue is not None)
    assert queues[int(len(queues) * 0.95)] <= 0.090


def test_a_bottleneck_that_narrows_loses_nothing_and_freezes_nothing() -> None:
    loop = Loop((0.0, 3_000_000.0), (20.0, 1_000_000.0), queue_s=1.5)
    loop.play(50)
    assert loop.lost() == 0.0
    assert loop.queued_over_s(0.050, since=20.0) <= 3.0
    assert loop.longest_gap_s(19.0) < FREEZE_S + 1 / FPS
    assert 0.75e6 < loop.rate_bps(30, 50) < 1e6


def test_a_short_fifo_loses_little() -> None:
    loop = Loop((0.0, 3_000_000.0), queue_s=0.15)
    loop.play(40)
    assert loop.lost() <= 0.02
    assert loop.lost(since=5.0) == 0.0
    assert loop.rate_bps(10, 40) >= 2_400_000


def test_a_free_path_keeps_the_full_rate_and_a_widening_one_regains_it() -> None:
    free = Loop((0.0, None), queue_s=0.2)
    free.play(20)
    assert free.rate_bps(0, 20) == pytest.approx(MAX_BPS, rel=0.02)
    widens = Loop((0.0, 2_000_000.0), (20.0, None), queue_s=1.0)
    widens.play(60)
    assert widens.rate_bps(50, 60) == pytest.approx(MAX_BPS, rel=0.02)


def test_jitter_reordering_and_some_loss_do_not_lower_the_rate() -> None:
    loop = Loop((0.0, None), queue_s=0.2, jitter_s=0.015, loss=0.03)
    loop.play(20)
    assert loop.control.bitrate_bps == MAX_BPS


def test_heavy_loss_lowers_the_rate() -> None:
    loop = Loop((0.0, None), queue_s=0.2, loss=0.3)
    loop.play(20)
    assert loop.control.bitrate_bps < MAX_BPS / 2


def test_packets_are_numbered_without_gaps_and_wrap() -> None:
    control = CongestionControl(MAX_BPS)
    numbers = [control.next_number(100, 0.0) for _ in range(65_538)]
    assert numbers[:2] == [0, 1]
    assert numbers[-3:] == [65_535, 0, 1]


def test_reports_about_nothing_that_was_sent_change_nothing() -> None:
    control = CongestionControl(MAX_BPS)
    control.on_report(FeedbackReport(0, tuple((number, 1.0) for number in range(100))), 1.0)
    control.on_report(FeedbackReport(1, tuple((number, None) for number in range(100))), 1.1)
    assert control.bitrate_bps == MAX_BPS


def test_without_reports_for_a_while_remb_is_obeyed_again() -> None:
    control = CongestionControl(MAX_BPS)
    assert not control.has_feedback(0.0)
    control.on_report(FeedbackReport(0, ()), 1.0)
    assert control.has_feedback(1.0 + SILENT_S / 2)
    assert not control.has_feedback(1.0 + SILENT_S)


def test_the_rate_has_a_floor() -> None:
    loop = Loop((0.0, 50_000.0), queue_s=3.0)
    loop.play(30)
    assert loop.control.bitrate_bps >= MIN_BPS


def test_a_host_without_processor_time_does_not_take_itself_for_a_queue() -> None:
    loop = Loop((0.0, None), queue_s=0.2, starved=(5.0, 60.0))
    for _ in range(60):
        loop.play(1)
        assert loop.control.bitrate_bps == MAX_BPS
    assert loop.control.lateness.within(59.0, 60.0) > 0.5


def test_a_host_that_was_slow_recovers_while_it_is_starved() -> None:
    loop = Loop((0.0, 1_000_000.0), (10.0, None), queue_s=0.5, starved=(5.0, 60.0))
    loop.play(10)
    assert loop.control.bitrate_bps < 1_500_000
    loop.play(40)
    assert loop.control.bitrate_bps > 0.9 * MAX_BPS


def test_a_starved_host_still_sees_the_queue_of_a_bottleneck() -> None:
    loop = Loop((0.0, 1_000_000.0), queue_s=1.5, starved=(5.0, 60.0))
    loop.play(60)
    queues = sorted(queue for at, _, queue in loop.sent if queue is not None and at > 10)
    assert queues[int(len(queues) * 0.95)] <= 0.200
    assert loop.lost(since=5.0) == 0.0
    assert loop.rate_bps(10, 60) >= 500_000


def test_a_host_that_has_time_for_every_third_frame_alone_recovers() -> None:
    """Its timers are on time, but its encoder is slow: it sends a third of what it may."""
    control = CongestionControl(MAX_BPS)
    control.bitrate_bps = MIN_BPS
    now = 0.0
    for frame in range(1200):
        now = frame * 3 / FPS
        control.frame_sent(3)
        size = control.bitrate_bps // FPS // 8
        number = control.next_number(size, now)
        control.on_report(FeedbackReport(frame & 0xFF, ((number, now + ONE_WAY_S),)), now + 0.05)
    assert control.bitrate_bps == MAX_BPS
