"""Charts of the last minute, as lines of a terminal."""

from __future__ import annotations

import pytest

from rejoin.terminal_charts import COLUMNS, History, Sample, seconds, span, sparkline


def test_a_line_has_one_character_a_value() -> None:
    assert sparkline([0.0, 0.5, 1.0, None, 2.0, 0.01], 1.0) == "▁▄█ █▁"
    assert sparkline([0.0], 0.0) == "▁"
    assert sparkline([0.0, 0.5, 1.0, None], 1.0, blocks=False) == "_-# "


def test_rates_are_those_of_each_second() -> None:
    samples = [
        Sample(at / 2, 1, int(at / 2 * 1000), int(at / 2 * 30), 0.0, None) for at in range(41)
    ]
    found = seconds(samples, 20.0)
    assert len(found) == COLUMNS
    assert [each.fps for each in found[:39]] == [None] * 39
    assert found[-1].bitrate_bps == pytest.approx(8000)
    assert found[-1].fps == pytest.approx(30)
    assert found[-1].loss == 0.0
    assert found[-1].rtt_s is None


def test_a_new_connection_begins_to_count_anew() -> None:
    samples = [Sample(9.0, 1, 90_000, 900, 0.0, 0.1), Sample(9.8, 2, 100, 1, 0.0, 0.1)]
    newest = seconds(samples, 10.0)[-1]
    assert newest.bitrate_bps is None
    assert newest.rtt_s == 0.1


def played(until: int) -> History:
    """A game of 1 Mbit/s and 30 pictures a second, measured each second."""
    history = History()
    for at in range(until + 1):
        history.add(Sample(float(at), 1, at * 125_000, at * 30, 0.01, 0.02))
    return history


@pytest.mark.parametrize(
    ("width", "bitrate", "shown"),
    [
        (200, "bitrate    " + "█" * 60 + "    1.0 Mbit/s (top 1)", "the last minute"),
        (80, "bitrate    " + "█" * 40 + "    1.0 Mbit/s (top 1)", "the last 40 s"),
        (40, "bitrate    " + "█" * 11 + "    1.0 Mbit/s", "the last 11 s"),
    ],
)
def test_the_newest_value_is_seen_in_a_narrow_terminal(
    width: int, bitrate: str, shown: str
) -> None:
    lines = list(played(100).lines(100.0, width))
    assert lines[0] == f"  {bitrate}"
    assert all(len(line) <= width for line in lines)
    assert span(width) == shown


def test_what_was_long_ago_is_forgotten() -> None:
    history = played(1000)
    assert all(line.strip() for line in history.lines(1000.0, 80))
    later = list(history.lines(1100.0, 80))
    assert later[0] == "  bitrate    " + " " * 40 + "      - Mbit/s (top 1)"


def test_a_terminal_without_block_characters_gets_ascii() -> None:
    assert "".join(played(10).lines(10.0, 80, blocks=False)).isascii()
