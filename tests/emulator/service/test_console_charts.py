"""Charts of the last minute, drawn of state documents."""

from __future__ import annotations

from typing import Any

import pytest

from rejoin.emulator.service.console_charts import COLUMNS, Charts, Sample, seconds, sparkline


def state(now: float, *, status: str = "CONNECTED", connection: int = 1) -> dict[str, Any]:
    """A session that sends 1 Mbit and 30 pictures a second since boot time 0."""
    media = {
        "connection": connection,
        "bytes": int(now * 125_000),
        "frames": int(now * 30),
        "loss": 0.01,
        "rtt_s": 0.02,
    }
    game = {"connected": status == "CONNECTED", "media": media}
    return {"now": now, "sessions": [{"session": "s-1", "status": status, "game_state": game}]}


def test_a_line_has_one_character_a_value() -> None:
    assert sparkline([0.0, 0.5, 1.0, None, 2.0, 0.01], 1.0) == "▁▄█ █▁"
    assert sparkline([0.0], 0.0) == "▁"


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


def test_connected_sessions_have_four_charts_with_gaps() -> None:
    charts = Charts()
    for half in range(20):
        charts.add(state(half / 2))
    dropped = state(10.0, status="PENDING_CLIENT_RECONNECTION")
    for half in range(20, 30):
        charts.add(state(half / 2, status="PENDING_CLIENT_RECONNECTION"))
    heading, bitrate, pictures, lost, trip = charts.lines(dropped)
    assert heading == "s-1, the last minute"
    assert bitrate.endswith("1.0 Mbit/s (top 1)")
    assert "30.0 a second" in pictures
    assert "1.0 % (top 2)" in lost
    assert "20.0 ms (top 20)" in trip
    later = list(charts.lines(state(15.0, status="PENDING_CLIENT_RECONNECTION")))
    assert later[1].rstrip().endswith("- Mbit/s (top 1)")
    assert "█" in later[1]
    assert list(charts.lines(state(15.0, status="TERMINATED"))) == []
    charts.add({"now": 16.0, "sessions": []})
    assert list(charts.lines(state(16.0))) == []
