"""Scenarios in a modelled world: loaded, played, and told in a line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rejoin.core.trace import Record
from rejoin.errors import BadInputError
from rejoin.qa.runner import SHIPPED, Result, judged, load, play_all, play_simulated
from rejoin.verify.scenario import Case, Drop, Happened, Service

CASE = Case("a", Service(), (Drop("dtls_close", 3.0),), 20.0, "live", None, True, 1.0)


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_passes_in_the_modelled_world(name: str) -> None:
    told: list[Result] = []
    results = play_all(load(name), lambda case: play_simulated(case, 1), told.append)
    assert [(result.case.name, result.wrong) for result in results if not result.passed] == []
    assert told == list(results)


def test_a_file_is_loaded_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('about = "x"\n[[cases]]\nname = "a"\nfor_s = 3\n')
    assert load(str(file)).name == "mine"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(BadInputError, match="not text"):
        load(str(file))
    with pytest.raises(BadInputError, match="Shipped with Rejoin are every-profile"):
        load(str(tmp_path / "none.toml"))


def test_a_case_is_played_and_told() -> None:
    result = play_simulated(CASE, 1)
    assert result.passed
    assert result.happened is not None
    assert result.happened.reconnects == 1
    assert result.records
    assert result.line().startswith("passed  a ")
    assert "live, 1 reconnects, frozen 0." in result.line()


def test_an_expectation_that_is_not_met_fails() -> None:
    result = play_simulated(replace(CASE, freeze_at_most_s=0.01), 1)
    assert not result.passed
    assert result.line().startswith("FAILED  a ")


def test_who_does_not_come_back_is_trying() -> None:
    result = play_simulated(replace(CASE, drops=(Drop("cut_forever", 3.0),)), 1)
    assert result.happened is not None
    assert result.happened.ended == "trying"


def test_what_cannot_be_modelled_says_so() -> None:
    result = play_simulated(replace(CASE, drops=(Drop("nonsense", 3.0),)), 1)
    assert result.wrong == ("nonsense can only be played live",)
    assert result.line().startswith("FAILED")


def test_a_trace_that_breaks_an_invariant_fails_the_case() -> None:
    wrong = (Record(1.0, "command", "ApplyAnswer", {"connection": 1}),)
    happened = Happened("live", None, 1, (0.5,))
    result = judged(CASE, happened, wrong, timed=True, more=("and this",), injected="a nap")
    assert [sentence[:2] for sentence in result.wrong] == ["I1", "an"]
    assert result.line().endswith("[injected: a nap]")
