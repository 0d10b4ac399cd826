"""What is remembered of updates: for this user alone; a file that is wrong counts as missing."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from helpers.signed_feeds import NOTES, NOW
from rejoin.runtime.updates.feed import Newer
from rejoin.runtime.updates.memory import Remembered, UpdateMemory, memory_path

ALL = Remembered(NOW, "0.2.0", Newer("0.2.0", NOTES, NOW + 1.0))


def test_it_is_among_the_users_state_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("platformdirs.user_state_path", lambda *_, **__: tmp_path / "rejoin")
    assert memory_path() == tmp_path / "rejoin" / "updates.json"


def test_what_was_kept_is_read(tmp_path: Path) -> None:
    memory = UpdateMemory(tmp_path / "new" / "updates.json")
    assert memory.read() == Remembered()
    for each in (ALL, Remembered(NOW), Remembered(None, "0.2.0")):
        assert memory.keep(each)
        assert memory.read() == each
    assert (tmp_path / "new" / "updates.json").stat().st_mode & 0o077 == 0


def changed(**changes: Any) -> str:
    return json.dumps({**asdict(ALL), **changes})


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        changed(asked_at="now"),
        changed(asked_at=float("nan")),
        changed(asked_at=10**400),
        changed(highest="new"),
        changed(highest=2),
        changed(newer=[]),
        changed(newer={"version": "0.2.0", "notes": "file:///etc", "expires_at": NOW}),
        changed(newer={"version": "0.2.0", "notes": NOTES, "expires_at": None}),
        changed() + " " * 5000 + "x",
    ],
)
def test_a_file_that_is_wrong_counts_as_missing(tmp_path: Path, content: str) -> None:
    (tmp_path / "updates.json").write_text(content)
    found = UpdateMemory(tmp_path / "updates.json").read()
    assert found == (ALL if content.endswith("x") else Remembered())


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not UpdateMemory(tmp_path / "file" / "updates.json").keep(ALL)
