"""Charts of the last minute, drawn of state documents."""

from __future__ import annotations

from typing import Any

from rejoin.emulator.service.console_charts import Charts

WIDE = 120


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


def test_connected_sessions_have_four_charts_with_gaps() -> None:
    charts = Charts()
    for half in range(20):
        charts.add(state(half / 2))
    dropped = state(10.0, status="PENDING_CLIENT_RECONNECTION")
    for half in range(20, 30):
        charts.add(state(half / 2, status="PENDING_CLIENT_RECONNECTION"))
    heading, bitrate, pictures, lost, trip = charts.lines(dropped, WIDE)
    assert heading == "s-1, the last minute"
    assert bitrate.endswith("1.0 Mbit/s (top 1)")
    assert "30.0 a second" in pictures
    assert "1.0 % (top 2)" in lost
    assert "20.0 ms (top 20)" in trip
    later = list(charts.lines(state(15.0, status="PENDING_CLIENT_RECONNECTION"), WIDE))
    assert later[1].rstrip().endswith("- Mbit/s (top 1)")
    assert "█" in later[1]
    assert list(charts.lines(state(15.0, status="TERMINATED"), WIDE)) == []
    charts.add({"now": 16.0, "sessions": []})
    assert list(charts.lines(state(16.0), WIDE)) == []
