"""Files of results: those in their folder, and no other file of the machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from helpers.qa_results import RECORD
from rejoin.qa.attached import file_of, inside, read


def test_only_files_in_the_folder_of_the_results_are_taken(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    (folder / "traces").mkdir(parents=True)
    kept, secret = folder / "traces" / "a.jsonl", tmp_path / "secret"
    kept.write_text("kept")
    secret.write_text("secret")
    (folder / "link").symlink_to(secret)
    assert inside(folder, "traces/a.jsonl") == kept.resolve()
    for path in ("../secret", str(secret), "link", "traces", "none", "", "a\0b"):
        assert inside(folder, path) is None, path
    record = replace(RECORD, attachments={"trace": "traces/a.jsonl", "clip 1": "../secret"})
    found = file_of(folder, record, "trace")
    assert read(found) == b"kept"
    assert file_of(folder, record, "clip 1") is None
    assert file_of(folder, record, "before 1") is None
    assert file_of(None, record, "trace") is None


def test_files_of_merged_results_are_in_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("all", "shard-1"):
        (tmp_path / name).mkdir()
    (tmp_path / "shard-1" / "a.jsonl").touch()
    assert inside(tmp_path / "all", "../shard-1/a.jsonl") is None
    monkeypatch.chdir(tmp_path)
    assert inside(tmp_path / "all", "../shard-1/a.jsonl") == tmp_path / "shard-1" / "a.jsonl"
    assert inside(Path("all"), "../shard-1/a.jsonl") is not None


def test_a_file_that_is_gone_or_too_large_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read(None) is None
    assert read(tmp_path / "none") is None
    (tmp_path / "large").write_bytes(b"12345")
    monkeypatch.setattr("rejoin.qa.attached.MAX_BYTES", 4)
    assert file_of(tmp_path, replace(RECORD, attachments={"trace": "large"}), "trace") is None
