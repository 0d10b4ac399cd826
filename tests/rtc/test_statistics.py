"""The collected values of a real connection are tested in test_peer.py."""

from __future__ import annotations

import pytest

from rejoin.core.model import ConnectionNumber, Policy
from rejoin.media.audio.output import NullOutput
from rejoin.media.statistics import StreamStatistics
from rejoin.media.video.decoder import Decoder
from rejoin.media.video.picture import PictureSlot
from rejoin.rtc.peer_states import New
from rejoin.rtc.playback import MediaSinks
from rejoin.rtc.statistics import Counters, LoopLag, Rates, StatisticsCollector, mean


def test_rates_are_over_the_last_second_only() -> None:
    rates = Rates()
    assert rates.increase().per_second(rates.increase().by.frames_decoded) == 0.0
    for step in range(101):
        decoded = step if step <= 60 else 60 + (step - 60) * 3
        rates.add(step * 0.05, Counters(frames_decoded=decoded))
    last = rates.increase()
    assert last.per_second(last.by.frames_decoded) == pytest.approx(60.0)
    assert last.per_second(last.by.frames_received) == 0.0


def test_each_counter_rises_by_its_own_difference() -> None:
    rates = Rates()
    rates.add(1.0, Counters(1, 2, 3, 4, 5.0, 6.0))
    rates.add(1.5, Counters(11, 22, 33, 44, 55.0, 66.0))
    assert rates.increase().by == Counters(10, 20, 30, 40, 50.0, 60.0)
    assert rates.increase().period_s == pytest.approx(0.5)


def test_a_mean_is_over_the_last_second() -> None:
    rates = Rates()
    assert mean(rates.increase().by.decode_s, rates.increase().by.frames_decoded) == 0.0
    for step in range(41):
        rates.add(step * 0.05, Counters(decode_s=step * 0.012, frames_decoded=step * 3))
    rose = rates.increase().by
    assert mean(rose.decode_s, rose.frames_decoded) == pytest.approx(0.004)
    assert mean(rose.frames_decoded, rose.frames_decoded) == pytest.approx(1.0)


def test_a_late_sample_is_our_own_lag_and_an_early_one_is_not() -> None:
    lag = LoopLag(0.050)
    assert lag.sampled(10.0) == 0.0
    assert lag.sampled(10.050) == pytest.approx(0.0, abs=1e-9)
    assert lag.sampled(10.200) == pytest.approx(0.100)
    assert lag.sampled(10.210) == 0.0


def test_before_the_offer_there_is_no_sample_and_no_number() -> None:
    slot = PictureSlot()
    decoder = Decoder(
        ConnectionNumber(3),
        slot,
        clock=lambda: 1.0,
        on_first_frame=lambda: None,
        on_key_frame_needed=lambda: None,
    )
    collector = StatisticsCollector(
        ConnectionNumber(3),
        decoder,
        MediaSinks(slot, NullOutput()),
        policy=Policy(),
        clock=lambda: 1.0,
    )
    assert collector.sample(New()) is None
    assert collector.statistics(New(), shown=True) == StreamStatistics(ConnectionNumber(3))
