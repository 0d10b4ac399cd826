"""Scenarios as text, and what of an expectation was not met."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin import assets
from rejoin.errors import BadInputError
from rejoin.netem.network_profile import PLACES
from rejoin.verify.scenario import (
    Case,
    Drop,
    Happened,
    Scenario,
    Service,
    parse_scenario,
    unmet,
)

FOLDER = Path(__file__).parents[2] / "resources" / "scenarios"
SHIPPED = tuple(sorted(file.stem for file in FOLDER.iterdir()))

ONE = """
about = "One."
[[cases]]
name = "a"
drops = [{ profile = "cut_3s", at_s = 3 }]
for_s = 20
"""
CASE = Case("a", Service(), (Drop("cut_3s", 3.0),), 20.0, "live", None, None, None)


def read(text: str) -> Scenario:
    return parse_scenario("x", text)


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_can_be_read(name: str) -> None:
    scenario = parse_scenario(name, assets.text(f"scenarios/{name}.toml"))
    assert scenario.about.endswith(".")


def test_every_profile_is_in_every_profile() -> None:
    scenario = parse_scenario("every-profile", assets.text("scenarios/every-profile.toml"))
    played = {drop.profile for case in scenario.cases for drop in case.drops}
    assert played == set(PLACES)


def test_a_case_is_as_it_stands_there() -> None:
    assert read(ONE) == Scenario("x", "One.", (CASE,))


def test_a_case_may_change_the_service_for_itself() -> None:
    service = "[service]\nnotice_silent_s = 2\ncreate_s = 1\n"
    text = ONE.replace("[[cases]]", service + "[[cases]]")
    [case] = read(text + "[cases.service]\nconnection_timeout_s = 10\n").cases
    assert case.service == Service(10.0, 2.0, 0.0, 1.0)


def test_everything_may_be_expected() -> None:
    more = 'ends = "game_ended"\nreason = "idleTimeout"\nreconnects = true\nfreeze_at_most_s = 2\n'
    [case] = read(ONE + more).cases
    assert (case.ends, case.reason) == ("game_ended", "idleTimeout")
    assert (case.reconnects, case.freeze_at_most_s) == (True, 2.0)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("about = 'x'", "cases are 1 to"),
        (ONE + ONE.split("\n", 2)[2], "no two the same"),
        (ONE.replace("cut_3s", "cut_4s"), "profile is one of"),
        (ONE.replace("at_s = 3", "at_s = 30"), "happen before for_s"),
        (ONE + 'ends = "well"', "ends is one of live, trying"),
        (ONE + 'reason = "x"', "only goes with"),
        (ONE + "reconnects = 1", "true or false"),
        (ONE + "more = 1", "'more' is not known"),
        (ONE.replace("for_s = 20", ""), "for_s is missing"),
    ],
)
def test_what_cannot_be_used_is_named(text: str, sentence: str) -> None:
    with pytest.raises(BadInputError, match=sentence):
        read(text)


@given(st.text(max_size=300))
def test_any_text_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(BadInputError, match=r"x\.toml"):
        read(text)


LIVED = Happened("live", None, 0, ())


def test_what_was_expected_is_met() -> None:
    assert unmet(CASE, LIVED, timed=True) == ()
    ended = replace(CASE, ends="game_ended", reason="idleTimeout")
    assert unmet(ended, Happened("game_ended", "idleTimeout", 0, ()), timed=True) == ()


@pytest.mark.parametrize(
    ("case", "happened", "sentence"),
    [
        (CASE, Happened("trying", None, 3, ()), "it ended trying and not live"),
        (
            replace(CASE, ends="game_ended", reason="idleTimeout"),
            Happened("game_ended", "applicationExit", 0, ()),
            "the reason was applicationExit and not idleTimeout",
        ),
        (
            replace(CASE, reconnects=True),
            LIVED,
            "a fresh connection was expected, and there were 0",
        ),
        (
            replace(CASE, reconnects=False),
            Happened("live", None, 2, (1.0, 1.0)),
            "no fresh connection was expected, and there were 2",
        ),
        (
            replace(CASE, freeze_at_most_s=2.0),
            Happened("live", None, 1, (1.0, 2.5)),
            "it froze for 2.500 s, more than 2 s",
        ),
    ],
)
def test_what_was_not_met_is_said(case: Case, happened: Happened, sentence: str) -> None:
    assert unmet(case, happened, timed=True) == (sentence,)


def test_only_a_virtual_clock_is_held_to_times() -> None:
    slow = Happened("live", None, 1, (9.0,))
    assert unmet(replace(CASE, freeze_at_most_s=2.0), slow, timed=False) == ()
