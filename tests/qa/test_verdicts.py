"""Verdicts: what Rejoin fails, and what was not there to be tested."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rejoin.core.model import Ending, EndingKind, Snapshot, Stage
from rejoin.core.trace import Record
from rejoin.injector.http_faults import Outcome
from rejoin.netem.network_profile import PLACES, Place
from rejoin.qa import verdicts
from rejoin.qa.game_proof import DropProof, Rests, Says
from rejoin.qa.verdicts import Traffic, Verdict, Why
from rejoin.service_model.status import ACTIVATING, ERROR, PLACEMENT_TIMEOUT, StatusReason
from rejoin.verify import invariants
from rejoin.verify.scenario import Drop, Observed, ScenarioCase, Service

LIVE = Observed("live", None, 1, ())
STARTING = Snapshot(Stage.STARTING)


def a_case(profile: str = "cut_3s", **changes: object) -> ScenarioCase:
    service = Service(connection_timeout_s=60.0)
    case = ScenarioCase("a case", service, (Drop(profile, 1.0),), 10.0, "live", None, True, None)
    return replace(case, **changes)  # type: ignore[arg-type]


def ended(kind: EndingKind, reason: str | None = None) -> Snapshot:
    found = None if reason is None else StatusReason(reason)
    return Snapshot(Stage.ENDED, ending=Ending(kind, found, ERROR))


def test_faults_of_a_host_are_skipped_and_the_reason_says_so() -> None:
    for name, place in PLACES.items():
        judgement = verdicts.before_play(a_case(name), ours=True)
        if place is Place.HOST:
            assert judgement is not None
            assert (judgement.verdict, judgement.why) == (Verdict.SKIPPED, Why.HOST_FAULT)
            assert "emulated host" in judgement.sentences[0]
        else:
            assert judgement is None


def test_the_queue_is_skipped_where_the_dialect_has_none() -> None:
    judgement = verdicts.before_play(a_case("http_queue"), ours=False)
    assert judgement is not None
    assert judgement.why is Why.DIALECT


@pytest.mark.parametrize(
    ("profile", "changes", "timeout_s", "played"),
    [
        ("cut_3s", {}, 60.0, True),
        ("cut_3s", {}, 120.0, True),
        ("cut_3s", {}, 30.0, False),
        ("cut_3s", {}, None, True),
        ("cut_until_window", {}, 60.0, True),
        ("cut_until_window", {}, 120.0, False),
        ("cut_until_window", {}, None, False),
        ("sleep_past_window", {}, 120.0, False),
        ("cut_3s", {"ends": "game_ended"}, 120.0, False),
        ("cut_forever", {"ends": "trying"}, 120.0, True),
    ],
)
def test_a_case_for_another_service_is_skipped(
    profile: str, changes: dict[str, object], timeout_s: float | None, played: bool
) -> None:
    judgement = verdicts.before_faults(a_case(profile, **changes), timeout_s)
    assert (judgement is None) is played
    if judgement is not None:
        assert (judgement.verdict, judgement.why) == (Verdict.SKIPPED, Why.SERVICE_DIFFERS)


@pytest.mark.parametrize(
    ("snapshot", "verdict", "why"),
    [
        (ended(EndingKind.SIGN_IN_NEEDED), Verdict.INCONCLUSIVE, Why.SIGN_IN),
        (ended(EndingKind.NOT_ALLOWED), Verdict.INCONCLUSIVE, Why.SIGN_IN),
        (ended(EndingKind.BUSY), Verdict.INCONCLUSIVE, Why.QUOTA),
        (ended(EndingKind.BACKEND_UNREACHABLE), Verdict.INCONCLUSIVE, Why.NETWORK),
        (ended(EndingKind.BACKEND_UNUSABLE), Verdict.INCONCLUSIVE, Why.NETWORK),
        (ended(EndingKind.BACKEND_FAILED), Verdict.INCONCLUSIVE, Why.BACKEND),
        (ended(EndingKind.GAME_ENDED, PLACEMENT_TIMEOUT), Verdict.INCONCLUSIVE, Why.CAPACITY),
        (ended(EndingKind.GAME_ENDED, "applicationExit"), Verdict.INCONCLUSIVE, Why.BACKEND),
        (ended(EndingKind.COULD_NOT_CONNECT), Verdict.INCONCLUSIVE, Why.NETWORK),
        (ended(EndingKind.INTERNAL), Verdict.FAILED, Why.CLIENT),
        (ended(EndingKind.BAD_ANSWER), Verdict.FAILED, Why.CLIENT),
        (replace(STARTING, status=ACTIVATING), Verdict.INCONCLUSIVE, Why.CAPACITY),
        (STARTING, Verdict.INCONCLUSIVE, Why.NETWORK),
    ],
)
def test_a_game_that_did_not_start_tested_nothing(
    snapshot: Snapshot, verdict: Verdict, why: Why
) -> None:
    judgement = verdicts.of_start(snapshot, ())
    assert (judgement.verdict, judgement.why) == (verdict, why)
    assert judgement.sentences


@pytest.mark.parametrize(("status", "verdict"), [(404, "inconclusive"), (400, "failed")])
def test_a_url_that_has_no_such_call_says_nothing_about_the_client(
    status: int, verdict: str
) -> None:
    refused = replace(STARTING, ending=Ending(EndingKind.OFFER_REFUSED))
    failure = {"kind": "invalid", "http_status": status}
    trace = [Record(1.0, "event", "StartFailed", {"attempt": 1, "failure": failure})]
    judgement = verdicts.of_start(refused, trace)
    assert judgement.verdict.value == verdict


def test_packets_without_a_picture_are_the_clients_failure() -> None:
    arrived = Record(1.0, "event", "FirstPacketArrived", {"connection": 1})
    assert verdicts.of_start(STARTING, [arrived]).verdict is Verdict.FAILED


def test_what_is_as_expected_has_passed_whatever_the_network_did() -> None:
    assert verdicts.of_play(a_case(), LIVE, (), ()).verdict is Verdict.PASSED
    unreached = [Outcome(1.0, None, reconnect=True)]
    assert verdicts.of_play(a_case(), LIVE, (), unreached).verdict is Verdict.PASSED


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (None, Why.NETWORK),
        (401, Why.SIGN_IN),
        (403, Why.SIGN_IN),
        (429, Why.QUOTA),
        (511, Why.NETWORK),
    ],
)
def test_what_was_not_met_while_something_else_failed_is_inconclusive(
    status: int | None, why: Why
) -> None:
    missed = replace(LIVE, ended="unconfirmed")
    judgement = verdicts.of_play(a_case(), missed, (), [Outcome(1.0, status, reconnect=True)])
    assert (judgement.verdict, judgement.why) == (Verdict.INCONCLUSIVE, why)
    assert "it ended unconfirmed, not live" in judgement.sentences


def test_what_was_not_met_while_all_else_worked_has_failed() -> None:
    missed = replace(LIVE, reconnects=0)
    for status in (200, 500, 404):
        outcomes = [Outcome(1.0, status, reconnect=True)]
        judgement = verdicts.of_play(a_case(), missed, (), outcomes)
        assert (judgement.verdict, judgement.why) == (Verdict.FAILED, Why.EXPECTATION)


def test_a_broken_invariant_is_never_excused() -> None:
    trace = [Record(1.0, "command", "ApplyAnswer", {"connection": 1})]
    judgement = verdicts.of_play(a_case(), LIVE, trace, [Outcome(1.0, None, reconnect=True)])
    assert (judgement.verdict, judgement.why) == (Verdict.FAILED, Why.INVARIANT)


@pytest.mark.parametrize(
    ("traffic", "verdict"),
    [
        (Traffic(9.0, 13.5), Verdict.INCONCLUSIVE),
        (Traffic(None, 13.5), Verdict.INCONCLUSIVE),
        (Traffic(10.5, 13.5), Verdict.FAILED),
        (Traffic(9.0, 12.0), Verdict.FAILED),
        (Traffic(9.0, None), Verdict.FAILED),
    ],
)
def test_a_host_whose_packets_do_not_come_any_more_is_a_dead_network(
    monkeypatch: pytest.MonkeyPatch, traffic: Traffic, verdict: Verdict
) -> None:
    monkeypatch.setattr(invariants, "violations", lambda records: ())  # a trace of one record
    trace = [Record(10.0, "event", "AnswerArrived", {"connection": 1, "attempt": 1})]
    missed = replace(LIVE, ended="trying")
    assert verdicts.of_play(a_case(), missed, trace, (), traffic).verdict is verdict
    assert verdicts.of_play(a_case(), missed, (), (), traffic).verdict is Verdict.FAILED


@pytest.mark.parametrize("rests_on", [Rests.STRIP, Rests.HEARTBEAT])
def test_a_game_that_began_anew_fails_a_play_that_would_pass_or_say_nothing(
    rests_on: Rests,
) -> None:
    passed = verdicts.Judgement(Verdict.PASSED, Why.AS_EXPECTED)
    anew = DropProof(rests_on, Says.BEGAN_ANEW, detail="tick 900 before, 60 after 5.00 s")
    found = verdicts.of_game(passed, [None, DropProof(rests_on, Says.WENT_ON), anew])
    assert (found.verdict, found.why) == (Verdict.FAILED, Why.OTHER_GAME)
    assert found.sentences == ("the game began anew: tick 900 before, 60 after 5.00 s",)
    throttled = verdicts.Judgement(Verdict.INCONCLUSIVE, Why.QUOTA, ("calls were throttled",))
    assert verdicts.of_game(throttled, [anew]) == found
    failed = verdicts.Judgement(Verdict.FAILED, Why.EXPECTATION, ("it was trying",))
    assert verdicts.of_game(failed, [anew]) is failed


@pytest.mark.parametrize(
    "says", [Says.SAME_SCENE, Says.DIFFERENT, Says.BLACK, Says.NOT_KNOWN, Says.WENT_ON]
)
def test_no_picture_fails_a_play(says: Says) -> None:
    passed = verdicts.Judgement(Verdict.PASSED, Why.AS_EXPECTED)
    assert verdicts.of_game(passed, [DropProof(Rests.PICTURE, says)]) is passed
