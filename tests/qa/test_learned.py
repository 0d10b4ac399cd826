"""Findings as a spread with its error, as settings, and as a report."""

from __future__ import annotations

import tomllib

import pytest

from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.qa.learned import (
    Figure,
    Finding,
    Measured,
    Origin,
    Word,
    settings_of,
    spread_of,
    text_of,
    to_markdown,
    to_toml,
)
from rejoin.signaling.dialects import DIALECTS

ORIGIN = Origin("play.studio.example", "ours", "eu-west-1", "2026-11-30 12:00 UTC", "1.2.3")
FINDINGS: tuple[Finding, ...] = (
    Measured(Figure.NOTICE_SILENT, 7.8, 8.2),
    Measured(Figure.NOTICE_SILENT, 8.0, 9.0),
    Measured(Figure.NOTICE_SILENT, 7.6, 8.0),
    Measured(Figure.NOTICE_GOODBYE, 0.0, 0.4),
    Measured(Figure.NOTICE_KILLED, 8.0, 8.2),
    Measured(Figure.CONNECTION_TIMEOUT, 45.0, 45.0),
    Word(Figure.DTLS, "server"),
    Word(Figure.DTLS, "server"),
    Word(Figure.NEW_PORT, "followed"),
    Word(Figure.NEW_PORT, "not followed"),
    Word(Figure.TOO_EARLY, "accepted"),
    Word(Figure.SHOWN_ANSWER, "the first answer"),
)


def test_a_delay_has_its_spread_and_its_error() -> None:
    spread = spread_of(Figure.NOTICE_SILENT, FINDINGS)
    assert spread is not None
    assert spread.sessions == 3
    seconds = (spread.least_s, spread.median_s, spread.most_s, spread.error_s)
    assert seconds == pytest.approx((7.8, 8.0, 8.5, 0.5))
    assert spread_of(Figure.CREATE, FINDINGS) is None


def test_settings_are_what_was_measured_and_nothing_else() -> None:
    found = settings_of(FINDINGS)
    assert found == {
        "notice_silent_client_s": 8.0,
        "notice_silent_client_min_s": 3.0,
        "notice_graceful_close_s": 0.2,
        "connection_timeout_s": 45,
        "dtls_role": "server",
        "get_shows_connection": "first",
    }
    EmulatorSettings().changed(found)
    assert settings_of(()) == {}


def test_a_service_that_notices_sooner_than_the_emulator_would_is_learned_too() -> None:
    found = settings_of((Measured(Figure.NOTICE_SILENT, 1.0, 1.4),))
    assert found == {"notice_silent_client_s": 1.2, "notice_silent_client_min_s": 1.2}


def test_a_create_call_is_learned_without_what_the_emulator_adds() -> None:
    assert settings_of((Measured(Figure.CREATE, 0.4, 0.63),)) == {"create_latency_s": 0.5}
    assert settings_of((Measured(Figure.CREATE, 0.0, 0.01),)) == {"create_latency_s": 0.0}


def test_the_file_says_where_and_when_and_how_sure() -> None:
    text = to_toml(FINDINGS, ORIGIN)
    assert tomllib.loads(text) == settings_of(FINDINGS)
    assert text.startswith(
        "# What `rejoin qa learn` measured at play.studio.example (ours, eu-west-1)\n"
        "# on 2026-11-30 12:00 UTC with Rejoin 1.2.3. What is not here was not measured.\n"
    )
    assert "# 8.00 s (sessions: 3, from 7.80 to 8.50 s, error 0.50 s)\nnotice_silent" in text


def test_the_report_has_every_figure_and_what_went_wrong() -> None:
    text = to_markdown(FINDINGS, ORIGIN, ["silent client: it ended"], sessions=4)
    assert "in 4 stream sessions with Rejoin 1.2.3 (dialect ours, Region eu-west-1)" in text
    for figure in Figure:
        assert f"| {figure.value} | " in text
    assert "| client at a new port | followed (seen: 1), not followed (seen: 1) |" in text
    assert "| create call | not measured |" in text
    assert "- silent client: it ended" in text
    text = to_markdown((), ORIGIN, ["killed client: no way to 203.0.113.7"], sessions=1)
    assert "- killed client: no way to " in text
    assert "203.0.113.7" not in text


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_a_backend_cannot_show_is_said_with_the_reason(dialect: str) -> None:
    invisible = {
        figure
        for figure in Figure
        if text_of(figure, (), dialect).startswith("not visible through this backend: it ")
    }
    assert Figure.OLD_TOKEN in invisible
    assert (Figure.NOTICE_SILENT in invisible) is not DIALECTS[dialect].reports_status
    assert (Figure.TOO_EARLY in invisible) is not DIALECTS[dialect].forwards_token
    assert not invisible & {Figure.DTLS, Figure.CHANNELS, Figure.NEW_PORT, Figure.PLACEMENT}
