"""What the charts of a report are drawn from."""

from __future__ import annotations

from helpers.qa_results import PLAYED
from rejoin.qa.measured import Measured
from rejoin.qa.report_charts import MAX_POINTS, charts


def lines(count: int) -> list[Measured]:
    return [
        Measured(100.0 + number, {"bitrate_bps": "2000000", "rtt_s": "0.0254", "loss": ""})
        for number in range(count)
    ]


def test_times_are_since_the_game_became_live_and_values_have_units() -> None:
    found = charts(lines(3), 101.0, PLAYED.episodes, PLAYED.faults)
    assert found is not None
    assert found["x"] == [-1.0, 0.0, 1.0]
    by_title = {chart["title"]: chart["lines"] for chart in found["charts"]}
    assert by_title["Bitrate"][0]["y"] == [2.0, 2.0, 2.0]
    assert by_title["Delay"][0]["y"] == [25.4] * 3
    assert by_title["Loss"][0]["y"] == [None] * 3
    assert found["drops"] == [[3.0, 3.9]]
    assert found["faults"] == [{"at": 3.0, "name": "cut_3s"}]


def test_a_long_play_is_thinned_out_and_nothing_is_no_chart() -> None:
    found = charts(lines(5 * MAX_POINTS + 1), 100.0, (), ())
    assert found is not None
    assert MAX_POINTS / 2 < len(found["x"]) <= MAX_POINTS
    assert charts([], 100.0, (), ()) is None
