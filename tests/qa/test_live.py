"""Scenarios on real sockets: one drop of each making, and what came of it."""

from __future__ import annotations

import pytest

from rejoin.core.trace import from_line, timelines, to_line
from rejoin.netem.network_profile import PLACES, Place
from rejoin.qa import live
from rejoin.qa.live import _API, _same_game, play
from rejoin.qa.trace_schema import check
from rejoin.verify.scenario import Case, Drop, Service

pytestmark = pytest.mark.live
SERVICE = Service(connection_timeout_s=30.0, notice_silent_s=0.5)


def case(profile: str, *, reconnects: bool, at_s: float = 1.0, for_s: float = 12.0) -> Case:
    return Case(profile, SERVICE, (Drop(profile, at_s),), for_s, "live", None, reconnects, None)


@pytest.mark.parametrize("profile", ["dtls_close", "http_reset_after_success"])
def test_a_drop_is_played_and_the_same_game_goes_on(profile: str) -> None:
    result = play(case(profile, reconnects=True), 1)
    assert result.wrong == ()
    [line] = timelines(result.records)
    assert line.outcome == "live"
    assert line.at("fault") is not None
    truth = [record.name for record in result.records if record.kind == "service"]
    assert truth[:3] == ["ACTIVATING", "ACTIVE", "CONNECTED"]
    assert "PENDING_CLIENT_RECONNECTION" in truth
    for record in result.records:
        check(from_line(to_line(record)))


def test_a_crash_is_come_back_from_with_the_ticket() -> None:
    result = play(case("crash_relaunch", reconnects=True), 1)
    assert result.wrong == ()
    assert "RejoinRequested" in [record.name for record in result.records]


def test_a_second_instance_hands_over_to_the_first() -> None:
    result = play(case("two_instances", reconnects=False, for_s=4.0), 1)
    assert result.wrong == ()


def test_what_is_put_in_at_the_port_says_so() -> None:
    result = play(case("ip_change", reconnects=True), 1)
    assert result.wrong == ()
    assert "told of another network" in result.injected


def test_a_case_that_cannot_be_played_is_a_failed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LIVE_PATIENCE_S", 0.0)
    result = play(case("dtls_close", reconnects=True), 1)
    assert result.wrong == ("The game never went live.",)


def test_every_fault_of_the_api_is_made() -> None:
    assert set(_API) == {name for name, place in PLACES.items() if place is Place.API}


def test_another_game_is_told_from_the_same() -> None:
    before = {"started_at": 1.0, "counter": 5}
    assert _same_game(before, {"started_at": 1.0, "counter": 6}) == ()
    assert _same_game(before, {"started_at": 2.0, "counter": 6}) != ()
    assert _same_game(before, {"started_at": 1.0, "counter": 5}) != ()
    assert _same_game(None, None) != ()
