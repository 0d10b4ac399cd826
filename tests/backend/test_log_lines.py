"""The log's two forms: JSON stays JSON, both are redacted, and who chooses."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from rejoin.backend.audit import LOGGER
from rejoin.backend.call_log import CALLS
from rejoin.backend.log_lines import form_of, request_context, set_up_log
from rejoin.redact import RedactingFormatter


@pytest.fixture(name="out")
def _out(monkeypatch: pytest.MonkeyPatch, expected_logs: object) -> Iterator[io.StringIO]:
    """What the root handler writes; the levels are as before afterwards."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(RedactingFormatter("%(levelname)s %(name)s: %(message)s"))
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    loggers = [logging.getLogger(name) for name in (LOGGER, CALLS)]
    before = [logger.level for logger in loggers]
    for logger in loggers:  # as in a new process: an earlier test may have set up a log
        logger.setLevel(logging.NOTSET)
    yield out
    for each in logging.getLogger().handlers:
        each.close()
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


def text_of(out: io.StringIO) -> str:
    for each in logging.getLogger().handlers:
        each.flush()
    return out.getvalue()


def written(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text_of(out).splitlines()]


def test_a_setting_decides_and_else_the_terminal() -> None:
    assert form_of(None, terminal=True) == "text"
    assert form_of(None, terminal=False) == "json"
    assert form_of("json", terminal=True) == "json"
    assert form_of("text", terminal=False) == "text"


def test_a_line_of_json_is_whole_and_has_no_secret(out: io.StringIO) -> None:
    set_up_log("json")
    log = logging.getLogger("rejoin.backend")
    with request_context("0123456789abcdef"):
        log.warning('Bearer canary-abcdefgh "token": "canary-x', extra={"note": "a=ice-pwd:canary"})
    log.warning("line\nand more\x1b[31m from 203.0.113.77")
    try:
        raise ValueError("token=canary-in-an-error")
    except ValueError:
        log.exception("it failed")
    first, second, third = written(out)
    assert first["request_id"] == "0123456789abcdef"
    assert (first["level"], first["logger"]) == ("warning", "rejoin.backend")
    assert first["time"].endswith("Z")
    assert "request_id" not in second
    assert "203.x.x.x" in second["event"]
    assert "ValueError" in third["exception"]
    assert "canary" not in out.getvalue()
    assert "203.0.113.77" not in out.getvalue()
    assert "\x1b" not in out.getvalue()


def test_in_text_audit_lines_are_logged_and_calls_are_not(out: io.StringIO) -> None:
    fields = {"operation": "start", "ms": 1.5, "owner": None}
    set_up_log("text")
    logging.getLogger(LOGGER).info("start 201", extra=fields)
    logging.getLogger(CALLS).info("status 200", extra=fields)
    assert text_of(out) == "INFO rejoin.backend.audit: start 201\n"


def test_calls_are_lines_of_json_too(out: io.StringIO) -> None:
    fields = {"operation": "start", "ms": 1.5, "owner": None}
    set_up_log("json")
    logging.getLogger(LOGGER).info("start 201", extra=fields)
    logging.getLogger(CALLS).info("status 200", extra=fields)
    audited, called = written(out)
    assert audited["logger"] == LOGGER
    assert (called["event"], called["operation"], called["ms"]) == ("status 200", "start", 1.5)
    assert "owner" not in called
