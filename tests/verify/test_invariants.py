"""Each invariant, kept and violated: on traces of a few lines, and each check by itself."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from rejoin.core.phases import Phase
from rejoin.core.trace import Record, from_line, of_service, to_line
from rejoin.verify import invariants
from rejoin.verify.environment import Change, World
from rejoin.verify.invariants import Invariant, RecoveryWatch, Violation, violations
from rejoin.verify.simulate import simulate

TESTING = Path(__file__).parent.parent.parent / "docs" / "testing.md"


def command(name: str, at: float = 1.0, **data: Any) -> Record:
    return Record(at, "command", name, data)


def event(name: str, at: float = 1.0, **data: Any) -> Record:
    return Record(at, "event", name, data)


def state(name: str, at: float = 1.0, **data: Any) -> Record:
    return Record(at, "state", name, {"until_at": at + 1, **data})


def requests(connection: int, attempt: int, *, number: int = 1, at: float = 1.0) -> Record:
    return command(
        "Reconnect",
        at,
        connection=connection,
        attempt=attempt,
        try_number=number,
        budget_s=10.0,
    )


def offer(connection: int, sha: str = "") -> Record:
    return event("OfferMade", connection=connection, sha256=sha or f"sha-{connection}")


def answer(attempt: int, number: int = 1, at: float = 1.0) -> Record:
    return event("AnswerArrived", at, attempt=attempt, try_number=number)


def apply(connection: int) -> Record:
    return command("ApplyAnswer", connection=connection)


def rules(*records: Record) -> list[str]:
    return [violation[:2] for violation in violations(records)]


def test_a_whole_reconnect_violates_nothing_from_memory_or_from_a_file() -> None:
    world = World(faults=((3.0, Change.FLOW_DIES),), notice_silent_client_s=0.0)
    records = simulate(world, draw=random.Random(1).random, for_s=20.0).records
    assert violations(records) == ()
    assert violations([from_line(to_line(record)) for record in records]) == ()


def test_i1_an_answer_is_applied_to_its_own_offer() -> None:
    assert rules(offer(2), requests(2, 5), answer(5), apply(2)) == []
    assert rules(offer(2), offer(3), requests(2, 5), answer(5), apply(3)) == ["I1"]
    assert rules(apply(2)) == ["I1"]
    assert rules(event("WakeupDue"), apply(2)) == ["I1"]


def test_i1_a_recovered_answer_is_matched_by_the_digest_of_its_offer() -> None:
    def status_arrived(sha: str | None) -> Record:
        return event("StatusArrived", view={"signal_request_sha256": sha})

    assert rules(offer(2), status_arrived("sha-2"), apply(2)) == []
    assert rules(offer(2), status_arrived(None), apply(2)) == []
    assert rules(offer(2), status_arrived("sha-1"), apply(2)) == ["I1"]


def test_i2_no_request_starts_too_late_and_trying_does_not_end_too_early() -> None:
    assert rules(state("Requesting", last_start_at=9.0), requests(2, 5, at=9.0)) == []
    assert rules(state("Requesting", last_start_at=9.0), requests(2, 5, at=9.1)) == ["I2"]
    unconfirmed = {"fallback": "unconfirmed", "last_start_at": 9.0}
    assert rules(state("ConfirmingEnd", 8.0, **unconfirmed)) == ["I2"]
    assert rules(state("ConfirmingEnd", 9.1, **unconfirmed)) == []
    assert rules(state("ConfirmingEnd", 8.0, fallback="not_found", last_start_at=9.0)) == []


def test_i3_one_offer_one_attempt() -> None:
    again = [
        requests(2, 5),
        event("ReconnectFailed", attempt=5, try_number=1),
        requests(2, 5, number=2, at=2.0),
    ]
    assert rules(offer(2), *again) == []
    assert rules(requests(2, 5), answer(5), requests(2, 6, at=2.0)) == ["I3"]
    assert rules(requests(2, 5), answer(5), requests(3, 5, at=2.0)) == ["I3"]
    both = (offer(2, "x"), offer(3, "x"))
    assert rules(*both, requests(2, 5), answer(5), requests(3, 6, at=2.0)) == ["I3"]


def test_i4_one_create_call_in_flight() -> None:
    assert rules(requests(2, 5), requests(3, 6, at=2.0)) == ["I4"]
    closed = command("CloseConnection", connection=2)
    assert rules(requests(2, 5), closed, requests(3, 6, at=2.0)) == []
    assert rules(requests(2, 5), requests(3, 6, at=11.5)) == [], "a call is over when its budget is"


def refused(at: float, attempt: int = 5, **failure: Any) -> Record:
    return event("ReconnectFailed", at, attempt=attempt, try_number=1, failure=failure)


def test_i2_nobody_is_busy_before_the_retry_after_is_too_long() -> None:
    busy = {"fallback": "busy", "last_start_at": 9.0}
    for kind in ("throttled", "queued"):
        long = refused(5.0, kind=kind, retry_after_s=5.0)
        assert rules(long, state("ConfirmingEnd", 5.0, **busy)) == []
        short = refused(5.0, kind=kind, retry_after_s=1.0, turn_in_s=40.0)
        assert rules(short, state("ConfirmingEnd", 5.0, **busy)) == ["I2"]
        none = refused(5.0, kind=kind, retry_after_s=None)
        assert rules(none, state("ConfirmingEnd", 5.0, **busy)) == ["I2"]


def test_pace_asks_for_a_turn_are_not_too_many() -> None:
    def calls(kind: str, apart_s: float) -> list[Record]:
        records = []
        for number in range(1, 50):
            at = 1.0 + number * apart_s
            records += [requests(number, number, at=at), refused(at, number, kind=kind)]
        return records

    assert "PA" in rules(*calls("throttled", 0.9))
    assert rules(*calls("queued", 0.9)) == []
    assert "PA" in rules(*calls("queued", 0.2)), "but they lie apart as well"


def test_pace_create_calls_lie_apart_and_are_not_too_many() -> None:
    def calls(count: int, apart_s: float) -> list[Record]:
        records = []
        for number in range(1, count + 1):
            at = 1.0 + number * apart_s
            records += [requests(number, number, at=at), answer(number, at=at)]
        return records

    assert rules(*calls(2, 0.25)) == []
    assert rules(*calls(2, 0.24)) == ["PA"]
    assert rules(*calls(40, 1.01)) == []
    assert rules(*calls(31, 0.9)) == ["PA"]
    pressed = event("TryNowRequested", at=20.0)
    assert rules(*calls(22, 0.9), pressed, *calls(33, 0.9)[44:]) == [], "the player's own wish"


def test_hold_an_answer_without_a_packet_moves_no_deadline() -> None:
    active = event("StatusArrived", view={"status": "ACTIVE", "remaining": None})

    def connecting(*between: Record) -> list[str]:
        before = state("Connecting", shown_deadline_at=100.0)
        after = state("Connecting", shown_deadline_at=105.0)
        return rules(requests(2, 5), answer(5), apply(2), before, *between, after)

    assert connecting(active) == ["HO"]
    assert connecting(event("ConnectionOpened"), active) == []
    assert connecting(event("FirstPacketArrived"), active) == []
    seen = {"status": "ACTIVE", "remaining": {"at_least_s": 5.0, "age_s": 0.0}}
    assert connecting(event("StatusArrived", view=seen)) == [], "the backend knows of more time"


def test_i5_every_state_has_a_timer() -> None:
    assert rules(state("Backoff", until_at=None)) == ["I5"]
    assert rules(state("Idle", until_at=None), state("Live")) == []


def test_i6_the_end_has_a_reason() -> None:
    assert rules(state("Ended", ending="game_ended")) == []
    assert rules(state("Ended")) == ["I6"]
    assert rules(command("Finish", ending={"kind": ""})) == ["I6"]


def shown(at: float, **data: Any) -> Record:
    return state("Lost", episode=1, shown_deadline_at=at, **data)


def test_i8_the_shown_deadline_is_not_later_than_the_true_one() -> None:
    window = of_service("PENDING_CLIENT_RECONNECTION", 1.0, 100.0)
    assert rules(window, shown(100.0)) == []
    assert rules(window, shown(100.1)) == ["I8"]
    assert rules(window, shown(100.1, deadline_checking=True)) == []
    assert rules(of_service("CONNECTED", 1.0, None), shown(100.1)) == []
    assert rules(shown(100.1)) == [], "a trace without the service's own state"


def test_i9_nothing_stays_open() -> None:
    finish = command("Finish", ending={"kind": "cancelled"})
    opened = command("MakeOffer", connection=2)
    assert rules(opened, command("CloseConnection", connection=2), finish) == []
    assert rules(opened, finish) == ["I9"]


def test_a_violation_names_its_time() -> None:
    [sentence] = violations([apply(2)])
    assert sentence.startswith("I1 at 1.000: ")


def test_after_a_crash_connections_are_numbered_from_one_again_and_attempts_are_not() -> None:
    before = [command("MakeOffer", connection=1), offer(1, "a"), requests(1, 1)]
    again = [event("RejoinRequested"), offer(1, "b"), requests(1, 2)]
    assert rules(*before, *again) == []
    assert rules(*before, event("RejoinRequested"), offer(1, "a"), requests(1, 2)) == ["I3"]
    assert rules(*before, event("RejoinRequested"), offer(2, "b"), requests(2, 1)) == ["I3"]


def test_the_names_of_states_are_those_of_the_engine() -> None:
    """The checks depend on them: a state that is not known by its name would not be checked."""
    names = {phase.__name__ for phase in Phase.__args__}
    assert {"Idle", "Live", "ConfirmingEnd", "Ended"} <= names


def test_the_page_on_testing_states_every_invariant_as_the_code_does() -> None:
    page = TESTING.read_text(encoding="utf-8")
    lacking = [each.name for each in Invariant if f"| {each.name} | {each.value} |" not in page]
    assert lacking == []


# --- each check by itself -------------------------------------------------------------------------


def name(violation: Violation | None) -> str | None:
    return None if violation is None else violation.invariant.name


@pytest.mark.parametrize(
    ("kept", "broken", "expected"),
    [
        (
            invariants.answer_applied("2", "2", 2),
            invariants.answer_applied("1", "2", 2),
            "I1",
        ),
        (
            invariants.create_started(9.0, 9.0, 0.0),
            invariants.create_started(9.1, 9.0, 0.0),
            "I2",
        ),
        (invariants.create_started(9.1, None, 0.0), invariants.tries_ended(8.9, 9.0, 0.0), "I2"),
        (invariants.tries_ended(8.9, None, 0.0), invariants.tries_ended(8.0, 9.0, 0.9), "I2"),
        (
            invariants.offer_sent([(1, 1), (2, 2)], 2, 2),
            invariants.offer_sent([(1, 1), (2, 2)], 2, 3),
            "I3",
        ),
        (
            invariants.offer_sent([(1, 1), (2, 2)], 3, 3),
            invariants.offer_sent([(1, 1), (2, 2)], 3, 2),
            "I3",
        ),
        (invariants.call_started(5.0, None), invariants.call_started(5.0, 5.1), "I4"),
        (invariants.timer_set("Lost", 1.0, 2.0), invariants.timer_set("Lost", 1.0, None), "I5"),
        (invariants.timer_set("Lost", 1.0, 1e5), invariants.timer_set("Lost", 1.0, 2e5), "I5"),
        (invariants.reason_given("not_found"), invariants.reason_given(""), "I6"),
        (invariants.end_confirmed(True), invariants.end_confirmed(False), "I6"),
        (invariants.deadline_shown(9.0, 9.0), invariants.deadline_shown(9.1, 9.0), "I8"),
        (invariants.deadline_shown(9.1, None), invariants.deadline_shown(9.1, 9.09), "I8"),
        (invariants.all_closed([]), invariants.all_closed([2]), "I9"),
        (invariants.in_order(3, 3), invariants.in_order(2, 3), "FENCE"),
        (
            invariants.healed(1, create_under_way=False),
            invariants.healed(1, create_under_way=True),
            "HEAL",
        ),
        (None, invariants.closed_early(1), "KEEP"),
        (None, invariants.not_saved("nobody gets back"), "I7"),
        (invariants.calls_apart(1.25, (1.0,)), invariants.calls_apart(1.2, (1.0,)), "PACE"),
        (
            invariants.place_lapsed(9.0, 9.0, 50.0),
            invariants.place_lapsed(9.1, 9.0, 50.0),
            "TURN",
        ),
        (
            invariants.place_lapsed(9.1, 9.0, 8.0),
            invariants.place_lapsed(9.1, 9.0, None),
            "TURN",
        ),
        (invariants.deadline_held(9.0, 9.0), invariants.deadline_held(9.0, 9.1), "HOLD"),
        (invariants.deadline_held(None, 9.0), invariants.asked_after_the_end(2.0, 1.0), "OVER"),
    ],
)
def test_every_check_can_pass_and_fail(
    kept: Violation | None, broken: Violation | None, expected: str
) -> None:
    assert kept is None
    assert name(broken) == expected


def test_i7_needs_enough_time_until_every_deadline() -> None:
    assert invariants.enough_time(1.0, (None, 8.0))
    assert not invariants.enough_time(1.1, (None, 8.0))
    assert not invariants.enough_time(1.0, (7.9, 8.0))


def test_i7_applies_once_everything_worked_for_seven_seconds() -> None:
    watch = RecoveryWatch(0.0)
    watch.update(10.0, working=False, accepting=True)
    watch.update(15.0, working=True, accepting=True)
    assert watch.savable
    assert name(watch.violation(15.0, over=True)) is None
    watch.update(17.0, working=True, accepting=True)
    assert name(watch.violation(17.0, over=True)) == "I7"
    assert name(watch.violation(17.0, over=False)) is None, "the client still tries"
    assert name(watch.violation(30.0, over=False)) == "I7", "but in vain for 20 s"


def test_i7_a_service_that_stops_accepting_starts_the_count_again() -> None:
    watch = RecoveryWatch(0.0)
    watch.update(4.0, working=True, accepting=True)
    watch.update(6.0, working=True, accepting=False)
    watch.update(7.0, working=True, accepting=True)
    watch.update(11.0, working=True, accepting=True)
    assert not watch.savable
    watch.update(12.0, working=True, accepting=True)
    assert watch.savable
