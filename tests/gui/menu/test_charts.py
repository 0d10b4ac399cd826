"""Charts as values: scales, lines with their gaps, drops, and what is said of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.menu_scene import fill
from rejoin.gui.menu import texts
from rejoin.gui.menu.charts import SERIES, Series, chart, scale
from rejoin.gui.menu.history import Drop, History, PracticeMarks, Sample

NOW = 1000.0
SAMPLE = Sample(NOW, 8e6, 60.0, 0.01, 0.02, 9.0, 0.015)


def named(name: str) -> Series:
    return next(each for each in SERIES if each.name == name)


@pytest.mark.parametrize(
    ("highest", "least", "top"),
    [
        (0.0, 1.0, 1.0),
        (0.4, 1.0, 1.0),
        (9.0, 1.0, 10.0),
        (9.8, 1.0, 15.0),
        (60.0, 10.0, 80.0),
        (23.0, 10.0, 30.0),
        (0.05, 0.01, 0.06),
        (18_000.0, 1.0, 20_000.0),
    ],
)
def test_a_scale_ends_with_a_round_number_over_what_is_shown(
    highest: float, least: float, top: float
) -> None:
    assert scale(highest, least) == pytest.approx(top)


def test_every_series_takes_its_value_from_a_sample_in_the_unit_it_names() -> None:
    shown = [each.with_unit(each.value(SAMPLE)) for each in SERIES]
    assert shown == ["8.0 Mbit/s", "60", "1.0 %", "20 ms", "9 ms", "15 ms"]


def test_a_line_runs_from_the_left_to_now_and_is_broken_where_nothing_is_known() -> None:
    samples = [replace(SAMPLE, at=NOW - ago) for ago in (60, 59, 58, 3, 2, 1, 0)]
    made = chart(named(texts.FRAMES), samples, (), NOW)
    assert [len(line) for line in made.lines] == [3, 4]
    assert made.lines[0][0] == (0.0, 0.75)
    assert made.lines[-1][-1] == (1.0, 0.75)


def test_a_value_that_is_not_known_is_left_out() -> None:
    samples = [replace(SAMPLE, rtt_s=None), SAMPLE]
    made = chart(named(texts.ROUND_TRIP), samples, (), NOW)
    assert (made.now, made.lowest, made.highest) == (20.0, 20.0, 20.0)
    empty = chart(named(texts.ROUND_TRIP), samples[:1], (), NOW)
    assert (empty.now, empty.lines) == (None, ())
    assert empty.spoken == "Round trip: No numbers yet."


def test_drops_are_where_they_were_and_one_that_lasts_reaches_now() -> None:
    drops = (Drop(NOW - 90, NOW - 30), Drop(NOW - 15))
    made = chart(named(texts.LOSS), (), drops, NOW)
    assert made.drops == ((0.0, 0.5), (0.75, 1.0))


def test_a_chart_is_said_in_a_sentence_with_its_range_and_its_drops() -> None:
    history = History()
    fill(history, NOW)
    made = chart(named(texts.FRAMES), history.samples(NOW), history.drops(NOW), NOW)
    assert made.spoken == (
        "Frames per second: 60 now, from 57 to 60 in the last minute. The connection was lost once."
    )
    twice = replace(made, drops=made.drops * 2)
    assert twice.spoken.endswith("The connection was lost 2 times.")


def test_the_upper_end_of_a_scale_is_written_with_its_unit() -> None:
    assert chart(named(texts.BITRATE), (SAMPLE,), (), NOW).top_text == "10 Mbit/s"
    assert chart(named(texts.FRAMES), (SAMPLE,), (), NOW).top_text == "80"


def test_what_a_tester_did_is_where_it_was() -> None:
    tested = PracticeMarks(
        (Drop(NOW - 30.0, NOW - 15.0), Drop(NOW - 6.0)), (NOW - 60.0, NOW - 61.0)
    )
    found = chart(SERIES[0], [SAMPLE], (), NOW, tested)
    assert [each for fault in found.faults for each in fault] == pytest.approx([0.5, 0.75, 0.9, 1])
    assert found.markers == (0.0,)
    assert chart(SERIES[0], [SAMPLE], (), NOW).faults == ()
