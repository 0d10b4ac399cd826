"""Scenarios in a simulated world: loaded, played, and summed up in a line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rejoin.core.trace import Record
from rejoin.errors import BadInputError
from rejoin.qa.runner import SHIPPED, CaseResult, checked, load, play_all, play_simulated
from rejoin.verify.scenario import Drop, Observed, ScenarioCase, Service

CASE = ScenarioCase("a", Service(), (Drop("dtls_close", 3.0),), 20.0, "live", None, True, 1.0)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_scenario_passes_in_a_simulated_world(name: str) -> None:
    reported: list[CaseResult] = []
    results = play_all(load(name), lambda case: play_simulated(case, 1), reported.append)
    assert [(result.case.name, result.wrong) for result in results if not result.passed] == []
    assert reported == list(results)


def test_a_file_is_loaded_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('description = "x"\n[[cases]]\nname = "a"\nduration_s = 3\n')
    assert load(str(file)).name == "mine"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(BadInputError, match="not text"):
        load(str(file))
    with pytest.raises(BadInputError, match="These ship with Rejoin: every-profile"):
        load(str(tmp_path / "none.toml"))


def test_the_line_of_a_case_that_passed() -> None:
    result = play_simulated(CASE, 1)
    assert result.passed
    assert result.observed is not None
    assert result.observed.reconnects == 1
    assert result.records
    assert result.line().startswith("passed  a ")
    assert "live, 1 reconnects, frozen 0." in result.line()


def test_an_expectation_that_is_not_met_fails() -> None:
    result = play_simulated(replace(CASE, max_freeze_s=0.01), 1)
    assert not result.passed
    assert result.line().startswith("FAILED  a ")


def test_a_client_that_is_not_back_is_trying() -> None:
    result = play_simulated(replace(CASE, drops=(Drop("cut_forever", 3.0),)), 1)
    assert result.observed is not None
    assert result.observed.ended == "trying"


def test_a_fault_that_cannot_be_simulated_is_named() -> None:
    result = play_simulated(replace(CASE, drops=(Drop("nonsense", 3.0),)), 1)
    assert result.wrong == ("nonsense cannot be simulated; play it with --live",)
    assert result.line().startswith("FAILED")


def test_a_trace_with_a_violation_fails_the_case() -> None:
    wrong = (Record(1.0, "command", "ApplyAnswer", {"connection": 1}),)
    observed = Observed("live", None, 1, (0.5,))
    result = checked(CASE, observed, wrong, timed=True, more=("and this",), injected="a nap")
    assert [sentence[:2] for sentence in result.wrong] == ["I1", "an"]
    assert result.line().endswith("[injected: a nap]")
