"""Records and timelines: complete, readable, and without secrets."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.playbook import ONE, SESSION
from rejoin.core import commands, events
from rejoin.core.model import AttemptNumber, ConnectionSample, HardEvidence, Policy, SessionView
from rejoin.core.phases import State
from rejoin.core.retry import Failure, FailureKind
from rejoin.core.trace import (
    OtherVersionError,
    Record,
    Recorder,
    from_line,
    of_command,
    of_event,
    of_fault,
    of_state,
    sample_of,
    timelines,
    to_line,
)
from rejoin.service_model.status import Status

SECRET = "v=0 a=ice-pwd:this-must-not-leak"


def test_no_signal_string_ever_enters_a_record() -> None:
    view = SessionView(SESSION, Status("ACTIVE"), signal_response=SECRET)
    attempt = AttemptNumber(1)
    records = [
        of_event(events.OfferMade(ONE, "sha", SECRET), 1.0),
        of_event(events.AnswerArrived(attempt, 1, 1.0, SECRET), 1.0),
        of_event(events.StatusArrived(1.0, view), 1.0),
        of_event(events.SessionStarted(attempt, 1.0, view), 1.0),
        of_command(commands.StartSession(attempt, ONE, SECRET, 1.0, SECRET), 1.0),
        of_command(
            commands.Reconnect(SESSION, attempt, 1, ONE, SECRET, 1.0, 2.0, 3.0, SECRET), 1.0
        ),
        of_command(commands.ApplyAnswer(ONE, SECRET), 1.0),
    ]
    assert SECRET not in "\n".join(to_line(record) for record in records)


def test_a_record_survives_its_line() -> None:
    record = of_event(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED, "why"), 12.5)
    assert from_line(to_line(record)) == record
    assert json.loads(to_line(record))["v"] == 4


@given(st.text(max_size=200) | st.builds(json.dumps, st.recursive(st.integers(), st.lists)))
def test_anything_else_is_refused_with_one_exception(line: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        from_line(line)


@pytest.mark.parametrize(
    "at", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 4000, "true", '"1"', "null", "1e12"]
)
def test_a_wrong_time_is_refused_with_the_same_exception(at: str) -> None:
    with pytest.raises(ValueError, match="trace"):
        from_line(f'{{"v":4,"at":{at},"kind":"fault","name":"cut"}}')


@pytest.mark.parametrize("nested", ["[" * 100_000, '{"v":4,"data":' + "[" * 100_000])
def test_a_line_that_is_nested_too_deeply_is_refused_with_the_same_exception(nested: str) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        from_line(nested)


@pytest.mark.parametrize("version", [0, 1, 2, 3, 5])
def test_a_record_of_another_version_is_refused_as_such(version: int) -> None:
    with pytest.raises(OtherVersionError, match=f"version {version}, not 4"):
        from_line(f'{{"v":{version},"at":1,"kind":"state","name":"Live"}}')


def test_the_recorder_keeps_changes_and_leaves_wakeups_out() -> None:
    kept: list[Record] = []
    recorder = Recorder(kept.append, Policy())
    recorder.event(events.WakeupDue(), 1.0)
    recorder.state(State(), 1.0)
    recorder.state(State(), 2.0)
    assert [record.name for record in kept] == ["Idle"]


def state(name: str, at: float, *, episode: int = 0, health: str | None = None) -> Record:
    data: dict[str, object] = {"episode": episode}
    if health is not None:
        data["health"] = health
    return Record(at, "state", name, data)


def test_a_drop_that_heals_is_no_reconnect() -> None:
    records = [
        of_fault("cut", 10.0),
        state("Live", 10.4, health="stalled"),
        state("Lost", 11.0, episode=1),
        state("Live", 12.0, episode=1, health="healthy"),
    ]
    (timeline,) = timelines(records)
    assert timeline.outcome == "healed"
    assert [step.name for step in timeline.steps] == ["fault", "stalled", "lost", "live again"]


REJOINED = Record(0.0, "event", "RejoinRequested", {})


def test_the_client_after_a_crash_counts_its_episodes_on() -> None:
    records = [
        state("Lost", 11.0, episode=1),
        state("Live", 12.0, episode=1, health="healthy"),
        of_fault("crash", 20.0),
        REJOINED,
        state("AwaitingService", 20.1, episode=1),
        state("Live", 21.0, episode=1, health="healthy"),
        state("Lost", 31.0, episode=2),
    ]
    found = timelines(records)
    assert [(each.episode, each.began_at, each.outcome) for each in found] == [
        (1, 11.0, "healed"),
        (2, 20.0, "healed"),
        (3, 31.0, "open"),
    ]


def test_a_crash_while_reconnecting_is_part_of_its_episode() -> None:
    records = [
        *(state("Lost", 11.0, episode=1), state("Live", 12.0, episode=1, health="healthy")),
        state("Lost", 21.0, episode=2),
        REJOINED,
        state("AwaitingService", 22.0, episode=1),
        state("Live", 23.0, episode=1, health="healthy"),
        state("Lost", 31.0, episode=2),
    ]
    found = timelines(records)
    assert [(each.episode, each.began_at) for each in found] == [(1, 11.0), (2, 21.0), (3, 31.0)]


def test_only_the_successful_attempt_is_on_the_timeline() -> None:
    sent = of_event(events.RequestWritten(AttemptNumber(2), 1), 12.0)
    records = [
        state("Lost", 11.0, episode=1),
        of_event(events.OfferMade(ONE, "a", "x"), 11.5),
        sent,
        of_event(events.OfferMade(ONE, "b", "y"), 14.0),
        of_event(events.RequestWritten(AttemptNumber(3), 1), 14.1),
        state("Live", 15.0, episode=1, health="healthy"),
    ]
    (timeline,) = timelines(records)
    assert timeline.outcome == "live"
    assert timeline.at("offer made") == 14.0
    assert timeline.at("request sent") == 14.1


def test_a_place_in_the_queue_is_a_step_of_the_attempt_that_had_it() -> None:
    failure = Failure(FailureKind.QUEUED, 429, "THROTTLED", retry_after_s=1.0, place=3)
    records = [state("Lost", 11.0, episode=1)]
    for at, number in ((11.5, 2), (14.0, 3)):
        attempt = AttemptNumber(number)
        records += [
            of_event(events.OfferMade(ONE, f"{number}", "x"), at),
            of_event(events.RequestWritten(attempt, 1), at + 0.1),
            of_event(events.ReconnectFailed(attempt, 1, at, failure), at + 0.2),
            of_event(events.ReconnectFailed(attempt, 2, at, failure), at + 1.4),
        ]
    (timeline,) = timelines(records)
    names = [step.name for step in timeline.steps]
    assert names == ["lost", "offer made", "request sent", "queued"]
    assert timeline.at("queued") == 14.2
    assert from_line(to_line(records[-1])).data["failure"]["place"] == 3


def test_the_lines_count_from_the_fault() -> None:
    records = [of_fault("cut", 10.0), state("Lost", 10.9, episode=1)]
    (timeline,) = timelines(records)
    assert timeline.outcome == "open"
    first, second = timeline.lines()
    assert first.split() == ["0.0", "ms", "+0.0", "fault"]
    assert second.split() == ["900.0", "ms", "+900.0", "lost"]


def test_an_idle_state_has_no_deadlines() -> None:
    assert of_state(State(), 1.0, Policy()).data == {"episode": 0}


def sampled(**changed: object) -> Record:
    sample = ConnectionSample(1.0, 1.0, 1.0, 1, 0.017, None, 0.0)
    record = of_event(events.Sampled(ONE, sample), 1.0)
    record.data["sample"].update(changed)
    return record


def test_a_sample_survives_its_record() -> None:
    sample = ConnectionSample(1.0, 1.5, 2.0, 3, 0.017, 0.04, 0.5, loop_lag_s=0.25)
    record = from_line(to_line(of_event(events.Sampled(ONE, sample), 1.0)))
    assert sample_of(record) == sample


def test_unknown_fields_of_a_sample_are_ignored_and_missing_ones_have_defaults() -> None:
    record = sampled(of_the_future=1)
    del record.data["sample"]["loop_lag_s"]
    assert sample_of(record).loop_lag_s == 0.0


@pytest.mark.parametrize(
    "changed", [{"loss": "x"}, {"loss": None}, {"loss": True}, {"last_rtp_at": float("inf")}]
)
def test_a_sample_with_wrong_values_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"sample"):
        sample_of(sampled(**changed))


def test_a_record_without_a_sample_is_refused() -> None:
    record = sampled()
    del record.data["sample"]["loss"]
    for other in (record, of_fault("cut", 1.0), of_event(events.WakeupDue(), 1.0)):
        with pytest.raises(ValueError, match=r"sample"):
            sample_of(other)
