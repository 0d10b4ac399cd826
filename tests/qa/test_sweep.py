"""Sessions that were left are ended, by the dialect's own call."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rejoin.core.retry import Failure, FailureKind
from rejoin.errors import BadInputError
from rejoin.qa import sweep as sweeping
from rejoin.qa.ledger import Entry, Ledger
from rejoin.qa.sweep import End, end_session, sweep
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling.aws_samples import StreamChoice
from rejoin.signaling.dialects import AWS_REACT
from rejoin.signaling.exchange import CallFailedError

PROFILE = StudioProfile("http://127.0.0.1:1", "token")


class Calls:
    """What became of each terminate call; the last stands for all that follow."""

    def __init__(self, *outcomes: FailureKind | Exception | None) -> None:
        self.outcomes = list(outcomes)
        self.ended: list[str] = []

    async def terminate(self, profile: StudioProfile, session_id: str) -> None:
        self.ended.append(session_id)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        if outcome is not None:
            raise CallFailedError(Failure(outcome, detail="It failed."))


@pytest.mark.parametrize(
    ("outcomes", "end", "calls"),
    [
        ((None,), End.ENDED, 1),
        ((FailureKind.NOT_FOUND,), End.ENDED, 1),
        ((FailureKind.OUTCOME_UNKNOWN, None), End.ENDED, 2),
        ((FailureKind.NOT_SENT,), End.STILL_OPEN, sweeping.TRIES),
        ((BadInputError("It cannot be."),), End.STILL_OPEN, 1),
    ],
)
async def test_ending_is_tried_a_few_times(
    monkeypatch: pytest.MonkeyPatch,
    outcomes: tuple[FailureKind | Exception | None, ...],
    end: End,
    calls: int,
) -> None:
    made = Calls(*outcomes)
    monkeypatch.setattr(sweeping, "_terminate", made.terminate)
    monkeypatch.setattr(sweeping, "PAUSE_S", 0.0)
    found, why = await end_session(PROFILE, "session")
    assert found is end
    assert bool(why) == (end is End.STILL_OPEN)
    assert made.ended == ["session"] * calls


async def test_a_throttled_call_is_no_try(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Calls(*[FailureKind.THROTTLED] * 5, None)
    monkeypatch.setattr(sweeping, "_terminate", made.terminate)
    monkeypatch.setattr(sweeping, "PAUSE_S", 0.0)
    assert (await end_session(PROFILE, "session"))[0] is End.ENDED
    assert len(made.ended) == 6
    monkeypatch.setattr(sweeping, "THROTTLED_FOR_S", -1.0)
    made = Calls(FailureKind.THROTTLED)
    monkeypatch.setattr(sweeping, "_terminate", made.terminate)
    assert (await end_session(PROFILE, "session"))[0] is End.STILL_OPEN


async def test_many_sessions_are_ended_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = most = 0

    async def terminate(profile: StudioProfile, session_id: str) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1

    monkeypatch.setattr(sweeping, "_terminate", terminate)
    ended: list[str] = []
    sessions = {str(number): "session" for number in range(50)}
    await sweeping.end_each(PROFILE, sessions, lambda key, end, why: ended.append(key))
    assert sorted(ended, key=int) == list(sessions)
    assert most == sweeping.AT_ONCE


async def test_a_backend_that_answers_nobody_is_not_asked_for_every_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = Calls(FailureKind.NOT_SENT)
    monkeypatch.setattr(sweeping, "_terminate", made.terminate)
    monkeypatch.setattr(sweeping, "PAUSE_S", 0.0)
    ends: list[End] = []
    sessions = {str(number): "session" for number in range(100)}
    await sweeping.end_each(PROFILE, sessions, lambda key, end, why: ends.append(end))
    assert ends == [End.STILL_OPEN] * 100
    assert len(made.ended) <= 2 * sweeping.AT_ONCE * sweeping.TRIES


async def test_where_there_is_no_call_a_game_ends_by_itself() -> None:
    react = StudioProfile(
        "http://127.0.0.1:1", "token", dialect=AWS_REACT, choice=StreamChoice("sg-1")
    )
    assert (await end_session(react, "session"))[0] is End.BY_ITSELF


async def test_entries_of_this_backend_are_swept_and_those_that_are_open_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(tmp_path)

    def note(key: str, url: str, session_id: str | None) -> None:
        ledger.note(Entry(key, key, "case", url, "ours", 1.0, session_id))

    note("ended", PROFILE.backend_url, "1")
    note("unknown", PROFILE.backend_url, None)
    note("open", PROFILE.backend_url, "2")
    note("elsewhere", "http://127.0.0.1:2", "3")

    async def terminate(profile: StudioProfile, session_id: str) -> None:
        if session_id != "1":
            raise BadInputError("no answer")

    monkeypatch.setattr(sweeping, "_terminate", terminate)
    done: list[tuple[int, int]] = []
    swept = await sweep(ledger, ledger.left_over(), PROFILE, lambda *so_far: done.append(so_far))
    assert done == [(1, 3), (2, 3), (3, 3)]
    assert {each.entry.key: each.end for each in swept} == {
        "ended": End.ENDED,
        "unknown": End.BY_ITSELF,
        "open": End.STILL_OPEN,
    }
    assert {entry.key for entry in ledger.entries()} == {"open", "elsewhere"}
