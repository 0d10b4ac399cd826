"""The last minute: what is kept of it, and for how long."""

from __future__ import annotations

from helpers.menu_scene import numbers
from helpers.window_faces import LIVE, lost
from rejoin.core.model import Ending, EndingKind, Snapshot, Stage
from rejoin.gui.menu.history import MOST_DROPS, MOST_SAMPLES, SPAN_S, Drop, History, PracticeMarks
from rejoin.media.statistics import StreamStatistics


def at(second: float) -> StreamStatistics:
    return numbers(second)


def test_a_sample_is_taken_once_a_second_whatever_the_ticks() -> None:
    history = History()
    taken = [history.tick(n / 10, lambda: at(1.0), live=True) for n in range(30)]
    assert sum(taken) == 3
    assert [sample.at for sample in history.samples(3.0)] == [0.0, 1.0, 2.0]


def test_nothing_is_taken_while_the_connection_is_lost_or_there_are_no_numbers() -> None:
    history = History()
    assert not history.tick(0.0, lambda: at(0.0), live=False)
    assert not history.tick(0.0, lambda: None, live=True)
    assert history.samples(0.0) == ()


def test_only_the_last_minute_is_given_and_memory_is_bounded() -> None:
    history = History()
    for second in range(1000):
        history.tick(float(second), lambda: at(1.0), live=True)
        history.follow(lost(dropped_at=second + 0.1), second + 0.2)
        history.follow(LIVE, second + 0.4)
    samples, drops = history.samples(999.0), history.drops(999.0)
    assert samples[0].at == 999.0 - SPAN_S
    assert len(samples) == SPAN_S + 1 <= MOST_SAMPLES
    assert len(drops) == MOST_DROPS, "of many more"


def test_a_drop_lasts_from_the_last_packet_until_the_game_is_back() -> None:
    history = History()
    history.follow(LIVE, 1.0)
    assert history.drops(1.0) == ()
    history.follow(lost(dropped_at=9.0), 10.0)
    history.follow(Snapshot(Stage.RECONNECTING), 11.0)
    assert history.drops(12.0) == (Drop(9.0),)
    history.follow(LIVE, 13.0)
    assert history.drops(14.0) == (Drop(9.0, 13.0),)
    assert history.drops(13.0 + SPAN_S) == ()


def test_an_end_ends_the_drop_too() -> None:
    history = History()
    history.follow(lost(dropped_at=9.0), 10.0)
    history.follow(Snapshot(Stage.ENDED, ending=Ending(EndingKind.UNCONFIRMED)), 20.0)
    assert history.drops(20.0) == (Drop(9.0, 20.0),)


def test_another_game_begins_without_the_last_ones_numbers() -> None:
    history = History()
    history.tick(5.0, lambda: at(1.0), live=True)
    history.follow(lost(dropped_at=5.0), 5.0)
    history.forget()
    assert (history.samples(5.0), history.drops(5.0)) == ((), ())
    assert history.tick(5.0, lambda: at(1.0), live=True)


def test_what_a_tester_did_is_kept_for_a_minute_and_bounded() -> None:
    history = History()
    history.fault(True, 10.0)
    history.mark(12.0)
    assert history.tested(13.0) == PracticeMarks((Drop(10.0),), (12.0,))
    history.fault(True, 14.0)
    history.fault(False, 15.0)
    history.fault(False, 16.0)
    assert history.tested(20.0).faults == (Drop(10.0, 14.0), Drop(14.0, 15.0))
    assert history.tested(74.5) == PracticeMarks((Drop(14.0, 15.0),), ())
    for second in range(100, 200):
        history.mark(second / 10)
        history.fault(second % 2 == 0, second / 10)
    assert len(history.tested(20.0).markers) == MOST_DROPS
    history.forget()
    assert history.tested(20.0) == PracticeMarks()
