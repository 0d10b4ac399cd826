from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin import assets
from rejoin.media.receive.bandwidth import MIN_BPS, BandwidthEstimate
from rejoin.netem.link import Direction, Lane, Link, NetworkProfile, ProfileStage
from rejoin.netem.network_profile import parse_profile

FPS = 60
PACKET_BYTES = 1200
MAX_BPS = 19_000_000


class Path:
    """A host that follows the last REMB, a link, and the estimate at the far end."""

    def __init__(
        self,
        profile: NetworkProfile,
        *,
        host_bps: float = 8_000_000,
        rtt_s: float = 0.040,
    ) -> None:
        self.estimate = BandwidthEstimate(MAX_BPS)
        self.sent_bps: list[float] = []
        """What the host sent in each second."""
        self.queue_s: list[float] = []
        """The longest delay of a packet in each second."""
        self._host_bps = host_bps
        self._link = Link(profile, 100.0, lambda name: random.Random(f"1 {name}").random)
        self._rtt_s = rtt_s
        self._rembs: list[tuple[float, int]] = []
        self._arriving: list[tuple[float, float]] = []
        self._now = 100.0
        self._owed = 0.0

    def play(self, for_s: float) -> None:
        for _ in range(round(for_s)):
            self.sent_bps.append(0.0)
            self.queue_s.append(0.0)
            for _ in range(FPS):
                self._frame()

    def _frame(self) -> None:
        now = self._now
        wanted = self._host_bps
        while len(self._rembs) > 1 and self._rembs[1][0] <= now:
            self._rembs.pop(0)
        if self._rembs and self._rembs[0][0] <= now:
            wanted = min(wanted, self._rembs[0][1])
        self._owed += wanted / FPS / 8
        while self._owed >= PACKET_BYTES:
            self._owed -= PACKET_BYTES
            self.sent_bps[-1] += PACKET_BYTES * 8
            fate = self._link.decide(Direction.DOWN, PACKET_BYTES, now)
            if fate.dropped is None:
                self._arriving.append((now + fate.delay_s, now))
                self.queue_s[-1] = max(self.queue_s[-1], fate.delay_s)
        self._now += 1 / FPS
        self._arriving.sort()
        while self._arriving and self._arriving[0][0] <= self._now:
            at, sent = self._arriving.pop(0)
            self.estimate.add_bytes(PACKET_BYTES, at)
            self.estimate.add_delay(sent % 64, at, self._rtt_s)
            self._rembs.append((at + self._rtt_s / 2, self.estimate.bitrate_bps))


def narrow(bandwidth_bps: float, queue_s: float) -> NetworkProfile:
    lane = Lane(0.02, bandwidth_bps=bandwidth_bps, queue_s=queue_s)
    return NetworkProfile("narrow", stages=(ProfileStage(0.0, Lane(), lane),))


def test_a_path_without_a_bottleneck_keeps_the_full_rate() -> None:
    path = Path(NetworkProfile("clean", stages=(ProfileStage(0.0, Lane(), Lane(0.02, 0.010)),)))
    path.play(30)
    assert path.estimate.bitrate_bps == MAX_BPS
    assert not path.estimate.limited


def test_bufferbloat_settles_below_the_capacity_of_the_path() -> None:
    path = Path(parse_profile("bufferbloat", assets.text("profiles/bufferbloat.toml")))
    path.play(60)
    settled = path.sent_bps[15:]
    assert max(path.queue_s[15:]) < 0.3, "the queue of two seconds is gone"
    assert sum(settled) / len(settled) < 2_000_000
    assert sum(settled) / len(settled) > 1_200_000, "most of the path is used"


@pytest.mark.parametrize("bandwidth_bps", [1_000_000, 5_000_000, 7_500_000])
@pytest.mark.parametrize("queue_s", [0.1, 0.5])
def test_a_bottleneck_of_any_size_is_found(bandwidth_bps: float, queue_s: float) -> None:
    path = Path(narrow(bandwidth_bps, queue_s))
    path.play(40)
    settled = path.sent_bps[20:]
    assert 0.6 * bandwidth_bps < sum(settled) / len(settled) < bandwidth_bps


def test_when_the_bottleneck_goes_the_rate_recovers() -> None:
    stages = (*narrow(2_000_000, 1.0).stages, ProfileStage(20.0, Lane(), Lane(0.02)))
    path = Path(NetworkProfile("widens", stages=stages))
    path.play(60)
    assert path.sent_bps[15] < 2_000_000
    assert path.sent_bps[-1] == pytest.approx(8_000_000, rel=0.02)


@pytest.mark.parametrize("bandwidth_bps", [1_900_000, 2_000_000, 2_050_000, 3_333_333])
def test_it_keeps_trying_higher_rates(bandwidth_bps: float) -> None:
    path = Path(narrow(bandwidth_bps, 1.0))
    path.play(80)
    for at in range(20, 60, 10):
        before, after = path.sent_bps[at], path.sent_bps[at + 20]
        assert max(path.sent_bps[at : at + 20]) > 0.9 * bandwidth_bps, (before, after)


def test_random_loss_and_jitter_do_not_lower_the_rate() -> None:
    lane = Lane(0.02, 0.015, loss=0.05, reorder=True)
    path = Path(NetworkProfile("bad", stages=(ProfileStage(0.0, Lane(), lane),)))
    path.play(30)
    assert path.sent_bps[-1] == pytest.approx(8_000_000, rel=0.02)


def test_a_path_that_becomes_longer_is_not_taken_for_a_full_one() -> None:
    stages = (ProfileStage(0.0, Lane(), Lane(0.02)), ProfileStage(10.0, Lane(), Lane(0.150)))
    path = Path(NetworkProfile("longer", stages=stages))
    path.play(60)
    assert path.sent_bps[-1] > 5_000_000
    assert path.estimate.queue_s < 0.01


def test_a_silence_is_not_a_queue() -> None:
    estimate = BandwidthEstimate(MAX_BPS)
    for n in range(600):
        now = 10 + n / 60
        estimate.add_bytes(5000, now)
        estimate.add_delay(now % 64, now, 0.04)
    for n in range(600):
        now = 25 + n / 60
        estimate.add_bytes(5000, now)
        estimate.add_delay((now - 0.2) % 64, now, 0.04)
    assert not estimate.limited


def test_the_hosts_clock_may_wrap_and_drift() -> None:
    estimate = BandwidthEstimate(MAX_BPS)
    for n in range(200 * 60):
        now = n / 60
        estimate.add_bytes(5000, now)
        estimate.add_delay(now * 1.0001 % 64, now, 0.04)
    assert estimate.bitrate_bps == MAX_BPS


@given(
    st.lists(
        st.tuples(st.floats(0, 64, exclude_max=True), st.floats(0, 2), st.integers(0, 1500)),
        max_size=200,
    )
)
def test_no_times_break_the_estimate(packets: list[tuple[float, float, int]]) -> None:
    estimate, now = BandwidthEstimate(MAX_BPS), 0.0
    for sent_s, later_s, size in packets:
        now += later_s
        estimate.add_bytes(size, now)
        estimate.add_delay(sent_s, now, 0.1)
        assert MIN_BPS <= estimate.bitrate_bps <= MAX_BPS
        assert len(estimate._arrived) <= len(packets)
