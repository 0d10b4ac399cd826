"""A learned service in simulated worlds and scenarios."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rejoin.errors import BadInputError
from rejoin.qa import known_service, runner, simulation
from rejoin.service_model.lifecycle import RefusalKind
from rejoin.verify.scenario import NOTHING_KNOWN, KnownService, Service

LEARNED = (
    "notice_silent_client_s = 9.5\nconnection_timeout_s = 45\n"
    'wrong_status_error = "validation"\ndtls_role = "server"\n'
)
KNOWN = KnownService(45.0, 9.5, None, None, RefusalKind.VALIDATION)


def learned(folder: Path, text: str = LEARNED) -> Path:
    file = folder / "learned.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_what_was_not_measured_is_not_known(tmp_path: Path) -> None:
    assert known_service.read(learned(tmp_path)) == KNOWN
    assert known_service.read(learned(tmp_path, "")) == NOTHING_KNOWN
    with pytest.raises(BadInputError, match="no setting named what"):
        known_service.read(learned(tmp_path, "what = 1"))


def test_a_scenario_is_played_with_the_learned_service() -> None:
    scenario = runner.load("outage-ladder")
    case = known_service.applied(scenario, KNOWN).cases[0]
    before = scenario.cases[0].service
    assert case.service == replace(
        before,
        connection_timeout_s=45.0,
        notice_silent_client_s=9.5,
        wrong_status=RefusalKind.VALIDATION,
    )
    assert NOTHING_KNOWN.in_place_of(before) == before
    assert Service().wrong_status is RefusalKind.CONFLICT


def test_simulated_worlds_have_the_learned_service_and_else_stay_as_they_are() -> None:
    for seed in range(50):
        plain, known = simulation.case_of(seed), simulation.case_of(seed, KNOWN)
        assert known.world.rules.connection_timeout_s == 45.0
        assert known.world.rules.wrong_status is RefusalKind.VALIDATION
        assert known.world.notice_silent_client_s == 9.5
        assert (known.about, known.world.rtt_s) == (plain.about, plain.world.rtt_s)
        assert known.world.create_s == plain.world.create_s
        assert known.policy.reports_status == plain.policy.reports_status
    both = KnownService(create_latency_s=2.0, notice_graceful_close_s=3.0)
    world = simulation.case_of(1, both).world
    assert world.create_s == pytest.approx(2.015)
    assert world.notice_graceful_close_s == 3.0


def test_a_learned_service_breaks_no_invariant() -> None:
    total = simulation.tally_all(0, 300, 2, lambda _: None, KNOWN)
    assert (total.runs, total.found) == (300, [])
    assert total.saved == simulation.tally(0, 300, KNOWN).saved
