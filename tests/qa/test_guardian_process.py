"""The guardian ends what runs when its standard input ends, and nothing else."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import pytest

from rejoin.errors import BadInputError
from rejoin.qa import sweep
from rejoin.qa.guardian_process import end_all, read
from rejoin.qa.ledger import Entry, Ledger
from rejoin.qa.messages import Began, Charge, Over
from rejoin.runtime.studio_profile import StudioProfile

PROFILE = StudioProfile("http://127.0.0.1:1", "token")


def said(*messages: object, cut_off: int = 0) -> io.BytesIO:
    data = b"".join(pickle.dumps(message) for message in messages)
    return io.BytesIO(data[: len(data) - cut_off])


def test_what_is_not_over_runs(tmp_path: Path) -> None:
    charge = Charge(PROFILE, tmp_path)
    source = said(charge, Began("a", "1"), Began("b", "2"), Over("a"), Over("never"), "nonsense")
    assert read(source) == (charge, {"b": "2"})


def test_a_message_that_was_cut_off_is_passed_over(tmp_path: Path) -> None:
    charge = Charge(PROFILE, tmp_path)
    assert read(said(charge, Began("a", "1"), Began("b", "2"), cut_off=3)) == (charge, {"a": "1"})
    assert read(said()) == (None, {})


async def test_a_session_that_was_ended_leaves_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(tmp_path)
    for key in ("a", "b"):
        ledger.note(Entry(key, "run", "case", PROFILE.backend_url, "ours", 1.0, key))

    async def terminate(profile: StudioProfile, session_id: str) -> None:
        assert profile is PROFILE
        if session_id != "1":
            raise BadInputError("It cannot be.")

    monkeypatch.setattr(sweep, "_terminate", terminate)
    await end_all(Charge(PROFILE, tmp_path), {"a": "1", "b": "2"})
    assert [entry.key for entry in ledger.entries()] == ["b"]
