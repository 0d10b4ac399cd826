"""The log's pace: a flood is cut, what was cut is counted, errors come through."""

from __future__ import annotations

import io
import logging

import pytest

from rejoin.backend.audit import LOGGER as AUDIT
from rejoin.backend.call_log import CALLS
from rejoin.backend.log_rate import BURST, RECORDS_PER_S, LogRate, limit_log_rate


def record(level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("rejoin.backend", level, __file__, 1, "refused %d", (7,), None)


def test_a_flood_is_cut_to_the_rate_and_the_next_line_says_how_much() -> None:
    now = 0.0
    rate = LogRate(lambda: now)
    assert sum(rate.filter(record()) for _ in range(1000)) == BURST
    now = 1.0
    first = record()
    assert rate.filter(first)
    assert first.getMessage() == "refused 7 (900 records before it are left out)"
    assert sum(rate.filter(record()) for _ in range(1000)) == RECORDS_PER_S - 1
    assert rate.filter(record(logging.ERROR))


def test_many_calls_hide_no_warning() -> None:
    rate = LogRate(lambda: 0.0)
    call = record(logging.INFO)
    call.name = CALLS
    assert sum(rate.filter(call) for _ in range(1000)) == BURST
    assert rate.filter(record())


def test_audit_lines_are_not_part_of_it() -> None:
    rate = LogRate(lambda: 0.0)
    while rate.filter(record()):
        pass
    line = record(logging.INFO)
    line.name = AUDIT
    assert rate.filter(line)


def test_the_rate_is_that_of_all_loggers_together(
    monkeypatch: pytest.MonkeyPatch, expected_logs: object
) -> None:
    out = io.StringIO()
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler(out)])
    limit_log_rate()
    for number in range(1000):
        logging.getLogger(f"rejoin.backend.{'sign_in' if number % 2 else 'store'}").warning("no")
    assert BURST <= len(out.getvalue().splitlines()) < 2 * BURST
