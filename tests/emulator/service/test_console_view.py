"""The terminal view of a state document."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from rejoin.emulator.service.console_view import changes, view


def session(name: str, status: str, **more: Any) -> dict[str, Any]:
    history = [{"status": "ACTIVATING", "reason": None, "at": 1.0, "wall_s": 1.0}]
    history.append({"status": status, "reason": more.get("reason"), "at": 40.0, "wall_s": 2.0})
    known = {
        "session": name,
        "status": status,
        "reason": None,
        "connection": 1,
        "entered_at": 40.0,
        "window_ends_at": None,
        "history": history,
        "game_state": None,
    }
    return {**known, **more}


STATE: dict[str, Any] = {
    "now": 105.0,
    "sessions": [
        session(
            "newest00",
            "PENDING_CLIENT_RECONNECTION",
            connection=3,
            window_ends_at=160.0,
            game_state={
                "running": True,
                "counter": 3900,
                "score": 12,
                "fault": "profile",
                "profile": "home_wifi",
                "relay": {"packets_up": 50, "packets_down": 7000, "packets_dropped": 31},
            },
        ),
        session("older000", "ERROR", reason="internalError", game_state={"running": False}),
    ],
    "api_faults": [{"kind": "hang", "operation": "GetStreamSession", "times": 2}],
    "backend_faults": [{"kind": "portal", "times": None}],
    "api_calls": {"StartStreamSession": 2},
}


def seen(state: dict[str, Any], message: str = "", typing: str = "") -> str:
    console = Console(file=io.StringIO(), width=140, record=True)
    console.print(view(state, message, typing))
    return console.export_text()


def test_the_view_has_sessions_statuses_faults_and_traffic() -> None:
    text = seen(STATE, "silence for 3 s", "noti")
    [newest] = [line for line in text.splitlines() if line.strip("│ ").startswith("newest00")]
    for word in ("PENDING_CLIENT_RECONNECTION", "1:05", "55 s left", " 3 ", "frame 3900, score 12"):
        assert word in newest
    assert "up 50, down 7000, dropped 31" in newest
    assert "ERROR internalError" in text
    assert "Fault in newest00: profile home_wifi" in text
    assert "API fault: hang, GetStreamSession, 2 more" in text
    assert "Backend fault: portal, until cleared" in text
    assert "Calls: StartStreamSession 2" in text
    assert "silence for 3 s" in text
    assert "> noti_" in text


def test_the_view_of_no_session_and_of_many() -> None:
    assert "no sessions" in seen({"now": 1.0, "sessions": []})
    crowd = [session(f"number{number:02}", "CONNECTED") for number in range(100)]
    text = seen({"now": 50.0, "sessions": crowd})
    assert "number11" in text
    assert "number12" not in text
    assert "and 88 more" in text


def test_each_change_is_one_line() -> None:
    first = changes(None, STATE)
    assert first[:2] == ["1.000 older000 ACTIVATING", "40.000 older000 ERROR (internalError)"]
    assert "Backend fault: portal, until cleared" in first
    assert changes(STATE, STATE) == []
    gone = {"status": "TERMINATED", "reason": "reconnectionTimeout", "at": 160.0, "wall_s": 3.0}
    newest = {**STATE["sessions"][0], "history": [*STATE["sessions"][0]["history"], gone]}
    later = {**STATE, "now": 161.0, "sessions": [newest, STATE["sessions"][1]]}
    assert changes(STATE, later) == ["160.000 newest00 TERMINATED (reconnectionTimeout)"]
