"""The audit log: what is left out is counted and said, and one source hides no other."""

from __future__ import annotations

import logging

import pytest

from rejoin.backend import audit
from rejoin.backend.audit import BURST, LOGGER, Audit


@pytest.fixture(name="lines")
def _lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, LOGGER)
    return caplog


def messages(lines: pytest.LogCaptureFixture) -> list[str]:
    found = [record.getMessage() for record in lines.records]
    lines.clear()
    return found


async def test_a_flood_of_one_source_is_counted_and_said_with_its_next_line(
    lines: pytest.LogCaptureFixture,
) -> None:
    now = 0.0
    log = Audit(lambda: now)
    for _ in range(int(BURST) + 25):
        log.note("loud", "start 201", {})
    log.note("quiet", "terminate 204", {})
    assert messages(lines) == ["start 201"] * int(BURST) + ["terminate 204"]
    now = 1.0
    log.note("loud", "start 201", {})
    assert messages(lines) == ["25 audit lines of one source are left out", "start 201"]
    log.close()
    assert messages(lines) == []


async def test_what_is_left_out_is_said_without_a_next_line(
    lines: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Audit(lambda: 0.0)
    for _ in range(int(BURST) + 2):
        log.note("loud", "start 201", {})
    lines.clear()
    log.close()
    [record] = lines.records
    assert (record.__dict__["source"], record.__dict__["left_out"]) == ("loud", 2)
    lines.clear()
    monkeypatch.setattr(audit, "_MOST_SOURCES", 1)
    log.note("loud", "start 201", {})
    log.note("another", "start 201", {})
    assert messages(lines) == ["1 audit lines of one source are left out", "start 201"]
    assert list(log._sources) == ["another"]
