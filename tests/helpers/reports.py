"""A reconnect report as a client sends it, and as the backend keeps it."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from rejoin.backend.store.reports import DAY_S, StoredReport


def report_body(**changes: Any) -> dict[str, Any]:
    """A report of a drop by silence that was saved after 1.5 s, with a new record id."""
    return {
        "record_id": secrets.token_hex(16),
        "ended_ago_s": 60.0,
        "cause": "silence",
        "verdict": None,
        "outcome": "rejoined",
        "ending": None,
        "lost_s": 1.5,
        "noticed_after_s": 0.9,
        "requested_after_s": 1.1,
        "answered_after_s": 1.2,
        "attempts": 1,
        "tries": 1,
        "failures": [],
        "client_version": "0.1.0",
    } | changes


def stored_report(day: int, **changes: Any) -> StoredReport:
    """A report of a saved drop on this day of Unix time."""
    report = StoredReport(
        ended_at=day * DAY_S + 3600.0,
        cause="silence",
        verdict=None,
        outcome="rejoined",
        ending=None,
        lost_s=1.5,
        noticed_after_s=0.9,
        requested_after_s=1.1,
        answered_after_s=1.2,
        attempts=1,
        tries=1,
        failures=(),
        client_version="0.1.0",
    )
    return replace(report, **changes)
