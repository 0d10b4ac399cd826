"""Sessions that were left are ended, by the dialect's own call."""

from __future__ import annotations

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

    async def end(profile: StudioProfile, session_id: str) -> tuple[End, str]:
        return (End.ENDED, "") if session_id == "1" else (End.STILL_OPEN, "no answer")

    monkeypatch.setattr(sweeping, "end_session", end)
    swept = await sweep(ledger, ledger.left_over(), PROFILE)
    assert {each.entry.key: each.end for each in swept} == {
        "ended": End.ENDED,
        "unknown": End.BY_ITSELF,
        "open": End.STILL_OPEN,
    }
    assert {entry.key for entry in ledger.entries()} == {"open", "elsewhere"}
