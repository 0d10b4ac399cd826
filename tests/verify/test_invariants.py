"""Each invariant, kept and broken, on traces of a few lines."""

from __future__ import annotations

import random
from typing import Any

from rejoin.core.trace import Record, from_line, of_service, to_line
from rejoin.verify.environment import Change, World
from rejoin.verify.invariants import violations
from rejoin.verify.simulate import simulate


def command(name: str, at: float = 1.0, **data: Any) -> Record:
    return Record(at, "command", name, data)


def event(name: str, at: float = 1.0, **data: Any) -> Record:
    return Record(at, "event", name, data)


def state(name: str, at: float = 1.0, **data: Any) -> Record:
    return Record(at, "state", name, {"until_at": at + 1, **data})


def asks(connection: int, attempt: int, *, number: int = 1, at: float = 1.0) -> Record:
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


def test_a_whole_reconnect_breaks_nothing_from_memory_or_from_file() -> None:
    world = World(faults=((3.0, Change.FLOW_DIES),), notice_silent_s=0.0)
    records = simulate(world, draw=random.Random(1).random, for_s=20.0).records
    assert violations(records) == ()
    assert violations([from_line(to_line(record)) for record in records]) == ()


def test_i1_an_answer_is_applied_to_its_own_offer() -> None:
    assert rules(offer(2), asks(2, 5), answer(5), apply(2)) == []
    assert rules(offer(2), offer(3), asks(2, 5), answer(5), apply(3)) == ["I1"]
    assert rules(apply(2)) == ["I1"]
    assert rules(event("WakeupDue"), apply(2)) == ["I1"]


def test_i1_a_recovered_answer_is_told_by_its_sum() -> None:
    def looked(sha: str | None) -> Record:
        return event("StatusArrived", view={"signal_request_sha256": sha})

    assert rules(offer(2), looked("sha-2"), apply(2)) == []
    assert rules(offer(2), looked(None), apply(2)) == []
    assert rules(offer(2), looked("sha-1"), apply(2)) == ["I1"]


def test_i2_no_request_starts_too_late_and_none_is_given_up_too_early() -> None:
    assert rules(state("Requesting", last_start_at=9.0), asks(2, 5, at=9.0)) == []
    assert rules(state("Requesting", last_start_at=9.0), asks(2, 5, at=9.1)) == ["I2"]
    given_up = {"fallback": "unconfirmed", "last_start_at": 9.0}
    assert rules(state("ConfirmingEnd", 8.0, **given_up)) == ["I2"]
    assert rules(state("ConfirmingEnd", 9.1, **given_up)) == []
    assert rules(state("ConfirmingEnd", 8.0, fallback="not_found", last_start_at=9.0)) == []


def test_i3_one_offer_one_attempt() -> None:
    again = [asks(2, 5), event("ReconnectFailed", attempt=5, try_number=1), asks(2, 5, number=2)]
    assert rules(offer(2), *again) == []
    assert rules(asks(2, 5), answer(5), asks(2, 6)) == ["I3"]
    assert rules(asks(2, 5), answer(5), asks(3, 5)) == ["I3"]
    assert rules(offer(2, "x"), offer(3, "x"), asks(2, 5), answer(5), asks(3, 6)) == ["I3"]


def test_i4_one_create_call_in_flight() -> None:
    assert rules(asks(2, 5), asks(3, 6)) == ["I4"]
    assert rules(asks(2, 5), command("CloseConnection", connection=2), asks(3, 6)) == []
    assert rules(asks(2, 5), asks(3, 6, at=11.5)) == [], "a call outlives its budget by nothing"


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
    truth = of_service("PENDING_CLIENT_RECONNECTION", 1.0, 100.0)
    assert rules(truth, shown(100.0)) == []
    assert rules(truth, shown(100.1)) == ["I8"]
    assert rules(truth, shown(100.1, deadline_checking=True)) == []
    assert rules(of_service("CONNECTED", 1.0, None), shown(100.1)) == []
    assert rules(shown(100.1)) == [], "a trace that knows no truth"


def test_i9_nothing_stays_open() -> None:
    finish = command("Finish", ending={"kind": "cancelled"})
    opened = command("MakeOffer", connection=2)
    assert rules(opened, command("CloseConnection", connection=2), finish) == []
    assert rules(opened, finish) == ["I9"]


def test_a_violation_names_its_time() -> None:
    [sentence] = violations([apply(2)])
    assert sentence.startswith("I1 at 1.000: ")


def test_another_life_begins_its_connections_anew_and_its_attempts_not() -> None:
    before = [command("MakeOffer", connection=1), offer(1, "a"), asks(1, 1)]
    again = [event("RejoinRequested"), offer(1, "b"), asks(1, 2)]
    assert rules(*before, *again) == []
    assert rules(*before, event("RejoinRequested"), offer(1, "a"), asks(1, 2)) == ["I3"]
    assert rules(*before, event("RejoinRequested"), offer(2, "b"), asks(2, 1)) == ["I3"]
