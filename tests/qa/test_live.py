"""Scenarios on real sockets: a drop from each place that can cause one, and its result."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rejoin.core.trace import from_line, timelines, to_line
from rejoin.netem.link import NetworkProfile
from rejoin.netem.network_profile import PLACES, Place
from rejoin.qa import live
from rejoin.qa.live import _API, not_the_same_game, play
from rejoin.qa.trace_schema import check
from rejoin.verify.scenario import Drop, ScenarioCase, Service

pytestmark = pytest.mark.live
SERVICE = Service(connection_timeout_s=30.0, notice_silent_client_s=0.5)


def case(profile: str, *, reconnects: bool, duration_s: float = 12.0) -> ScenarioCase:
    drops = (Drop(profile, 1.0),)
    return ScenarioCase(profile, SERVICE, drops, duration_s, "live", None, reconnects, None)


@pytest.mark.parametrize("profile", ["dtls_close", "http_reset_after_success", "clock_jump"])
def test_after_a_drop_the_same_game_goes_on(profile: str) -> None:
    result = play(case(profile, reconnects=True), 1)
    assert result.wrong == ()
    # A machine that pauses may add a drop of its own.
    [timeline] = [line for line in timelines(result.records) if line.at("fault") is not None]
    assert timeline.outcome == "live"
    statuses = [record.name for record in result.records if record.kind == "service"]
    assert statuses[:3] == ["ACTIVATING", "ACTIVE", "CONNECTED"]
    assert "PENDING_CLIENT_RECONNECTION" in statuses
    for record in result.records:
        check(from_line(to_line(record)))


def test_a_player_in_the_queue_is_back_when_their_turn_comes() -> None:
    result = play(case("http_queue", reconnects=True, duration_s=20.0), 1)
    assert result.wrong == ()
    places = [
        record.data["failure"]["place"]
        for record in result.records
        if record.name == "ReconnectFailed"
    ]
    assert places[:5] == [5, 4, 3, 2, 1], "each ask comes a place nearer"
    # A machine that pauses may add a drop of its own.
    [timeline] = [line for line in timelines(result.records) if line.at("fault") is not None]
    assert timeline.outcome == "live"
    assert timeline.at("queued") is not None
    for record in result.records:
        check(from_line(to_line(record)))


def test_after_a_crash_the_client_returns_with_its_ticket() -> None:
    result = play(case("crash_relaunch", reconnects=True), 1)
    assert result.wrong == ()
    assert "RejoinRequested" in [record.name for record in result.records]


def test_a_second_instance_hands_over_to_the_first() -> None:
    result = play(case("two_instances", reconnects=False, duration_s=4.0), 1)
    assert result.wrong == ()


def test_an_injected_fault_is_marked_as_injected() -> None:
    result = play(case("ip_change", reconnects=True), 1)
    assert result.wrong == ()
    assert "event of a network change" in result.injected


def test_a_case_that_cannot_be_played_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LIVE_PATIENCE_S", 0.0)
    result = play(case("dtls_close", reconnects=True), 1)
    assert result.wrong == ("The game never went live.",)


def test_every_fault_of_the_api_has_an_implementation() -> None:
    assert set(_API) == {name for name, place in PLACES.items() if place is Place.API}


def test_a_different_game_is_not_taken_for_the_same() -> None:
    before = {"started_at": 1.0, "counter": 5}
    assert not_the_same_game(before, {"started_at": 1.0, "counter": 6}) == ()
    assert not_the_same_game(before, {"started_at": 2.0, "counter": 6}) != ()
    assert not_the_same_game(before, {"started_at": 1.0, "counter": 5}) != ()
    assert not_the_same_game(None, None) != ()


def test_a_profile_that_the_emulator_does_not_know_is_not_played() -> None:
    own = replace(
        case("train", reconnects=True), drops=(Drop("train", 1.0, NetworkProfile("train")),)
    )
    result = play(own, 1)
    assert result.wrong == (
        "the emulator does not know train, the scenario's own; play it with --backend",
    )
