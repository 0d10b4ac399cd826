"""Scenario files, and the expectations that were not met."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin import assets
from rejoin.errors import BadInputError
from rejoin.netem.link import Cut, Direction
from rejoin.netem.network_profile import PLACES
from rejoin.verify.scenario import (
    Drop,
    Observed,
    Scenario,
    ScenarioCase,
    Service,
    parse_scenario,
    unmet,
)

FOLDER = Path(__file__).parents[2] / "resources" / "scenarios"
SHIPPED = tuple(sorted(file.stem for file in FOLDER.iterdir()))

ONE = """
description = "One."
[[cases]]
name = "a"
drops = [{ profile = "cut_3s", at_s = 3 }]
duration_s = 20
"""
CASE = ScenarioCase("a", Service(), (Drop("cut_3s", 3.0),), 20.0, "live", None, None, None)


def read(text: str) -> Scenario:
    return parse_scenario("x", text)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_scenario_can_be_read(name: str) -> None:
    scenario = parse_scenario(name, assets.text(f"scenarios/{name}.toml"))
    assert scenario.description.endswith(".")


def test_the_scenario_every_profile_has_every_profile() -> None:
    scenario = parse_scenario("every-profile", assets.text("scenarios/every-profile.toml"))
    played = {drop.profile for case in scenario.cases for drop in case.drops}
    assert played == set(PLACES)


def test_a_case_with_its_defaults() -> None:
    assert read(ONE) == Scenario("x", "One.", (CASE,))


def test_a_case_may_change_the_service_for_itself() -> None:
    service = "[service]\nnotice_silent_client_s = 2\ncreate_latency_s = 1\n"
    text = ONE.replace("[[cases]]", service + "[[cases]]")
    [case] = read(text + "[cases.service]\nconnection_timeout_s = 10\n").cases
    assert case.service == Service(10.0, 2.0, 0.0, 1.0)


OWN = """
[profiles.train]
description = "A tunnel."
nat_rebind_after_s = 5
both = { delay_ms = 60, jitter_ms = 20, reorder = true, loss_percent = 2, bandwidth_kbps = 4000 }
up = { copies = 1 }
cut = { after_s = 4, duration_s = 2, direction = "down" }
"""


def test_a_scenario_may_have_network_profiles_of_its_own() -> None:
    [case] = read(ONE.replace("cut_3s", "train") + OWN).cases
    [drop] = case.drops
    assert drop.own is not None
    assert drop.own.name == drop.profile == "train"
    lane = drop.own.stages[0].up
    assert (lane.delay_s, lane.loss, lane.copies, lane.reorder) == (0.06, 0.02, 1, True)
    assert drop.own.rebind_after_s == 5.0
    assert drop.own.cut == Cut(4.0, 2.0, directions=frozenset({Direction.DOWN}))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (OWN.replace("train", "cut_3s"), "profiles must have names"),
        (OWN.replace("train", '"a b"'), "profiles must have names"),
        (OWN.replace("loss_percent = 2", "loss_percent = 200"), "loss_percent must be 0 to 100"),
        (OWN.replace("jitter_ms", "jiter_ms"), "jiter_ms"),
        ("profiles = 3\n", "profiles must be a table of tables"),
    ],
)
def test_a_profile_of_its_own_that_cannot_be_used_is_an_error(text: str, sentence: str) -> None:
    before, after = (text, ONE) if text.startswith("profiles") else (ONE, text)
    with pytest.raises(BadInputError, match=sentence):
        read(before + after)


def test_every_expectation() -> None:
    more = 'ends = "game_ended"\nreason = "idleTimeout"\nreconnects = true\nmax_freeze_s = 2\n'
    [case] = read(ONE + more).cases
    assert (case.ends, case.reason) == ("game_ended", "idleTimeout")
    assert (case.reconnects, case.max_freeze_s) == (True, 2.0)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("description = 'x'", "cases must be 1 to"),
        (ONE + ONE.split("\n", 2)[2], "must have different names"),
        (ONE.replace("cut_3s", "cut_4s"), "profile must be one of"),
        (ONE.replace("at_s = 3", "at_s = 30"), "must all happen before duration_s"),
        (ONE + 'ends = "well"', "ends must be one of live, trying"),
        (ONE + 'reason = "x"', "needs ends"),
        (ONE + "reconnects = 1", "true or false"),
        (ONE + "more = 1", "'more' is not known"),
        (ONE + "for_s = 3", "is of an older version: for_s is called duration_s now"),
        (ONE.replace("duration_s = 20", ""), "duration_s is missing"),
    ],
)
def test_an_error_names_the_key(text: str, sentence: str) -> None:
    with pytest.raises(BadInputError, match=sentence):
        read(text)


@given(st.text(max_size=300))
def test_any_other_text_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(BadInputError, match=r"x\.toml"):
        read(text)


PLAYED = Observed("live", None, 0, ())


def test_expectations_that_are_met() -> None:
    assert unmet(CASE, PLAYED, timed=True) == ()
    ended = replace(CASE, ends="game_ended", reason="idleTimeout")
    assert unmet(ended, Observed("game_ended", "idleTimeout", 0, ()), timed=True) == ()


@pytest.mark.parametrize(
    ("case", "observed", "sentence"),
    [
        (CASE, Observed("trying", None, 3, ()), "it ended trying, not live"),
        (
            replace(CASE, ends="game_ended", reason="idleTimeout"),
            Observed("game_ended", "applicationExit", 0, ()),
            "the reason was applicationExit, not idleTimeout",
        ),
        (
            replace(CASE, reconnects=True),
            PLAYED,
            "a new connection was expected, but there were 0",
        ),
        (
            replace(CASE, reconnects=False),
            Observed("live", None, 2, (1.0, 1.0)),
            "no new connection was expected, but there were 2",
        ),
        (
            replace(CASE, max_freeze_s=2.0),
            Observed("live", None, 1, (1.0, 2.5)),
            "it froze for 2.500 s, more than 2 s",
        ),
    ],
)
def test_an_expectation_that_is_not_met_is_a_sentence(
    case: ScenarioCase, observed: Observed, sentence: str
) -> None:
    assert unmet(case, observed, timed=True) == (sentence,)


def test_durations_are_checked_only_in_a_simulated_world() -> None:
    slow = Observed("live", None, 1, (9.0,))
    assert unmet(replace(CASE, max_freeze_s=2.0), slow, timed=False) == ()
