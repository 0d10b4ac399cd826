"""The ledger: what may still run is in it, whatever happened to the run."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from rejoin.errors import BadInputError, RejoinError
from rejoin.qa.ledger import Entry, Ledger


def entry(key: str = "run-1", run: str = "run", at: float = 1.0) -> Entry:
    return Entry(key, run, "a case", "http://127.0.0.1:1", "ours", at)


def test_an_entry_is_there_until_its_session_is_over(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "qa")
    assert ledger.entries() == ()
    ledger.note(entry())
    known = ledger.session_known(entry(), "session")
    assert known.session_id == "session"
    assert ledger.entries() == (known,)
    ledger.over("run-1")
    ledger.over("run-1")
    assert ledger.entries() == ()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_this_user_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "qa"
    Ledger(folder).note(entry())
    [file] = folder.glob("*.session.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    file.chmod(0o644)
    assert Ledger(folder).entries() == (), "what others can write is not believed"


def test_entries_of_a_run_that_goes_on_are_not_left_over(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.note(entry("a-1", "a", 2.0))
    ledger.note(entry("b-1", "b", 1.0))
    with ledger.run("a"):
        assert [each.key for each in Ledger(tmp_path).left_over()] == ["b-1"]
        with pytest.raises(RejoinError, match="another run"), Ledger(tmp_path).run("a"):
            pass
    assert [each.key for each in ledger.left_over()] == ["b-1", "a-1"], "the oldest first"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "\x00",
        json.dumps({"key": "x"}),
        json.dumps(
            {
                "key": "other",
                "run": "r",
                "case": "c",
                "backend_url": "u",
                "dialect": "d",
                "started_unix_s": 1.0,
                "session_id": None,
            }
        ),
        json.dumps(
            {
                "key": "x",
                "run": "../r",
                "case": "c",
                "backend_url": "u",
                "dialect": "d",
                "started_unix_s": 1.0,
                "session_id": None,
            }
        ),
        json.dumps(
            {
                "key": "x",
                "run": "r",
                "case": 1,
                "backend_url": "u",
                "dialect": "d",
                "started_unix_s": 1.0,
                "session_id": None,
            }
        ),
    ],
)
def test_a_file_that_is_no_entry_is_passed_over(tmp_path: Path, text: str) -> None:
    ledger = Ledger(tmp_path)
    ledger.note(entry())
    bad = tmp_path / "x.session.json"
    bad.write_text(text, encoding="utf-8")
    bad.chmod(0o600)
    assert ledger.entries() == (entry(),)


def test_without_a_ledger_no_session_is_started(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RejoinError, match="no session is started"):
        Ledger(tmp_path / "file").note(entry())
    with pytest.raises(RejoinError), Ledger(tmp_path / "file").run("a"):
        pass
    with pytest.raises(RejoinError):
        Ledger(tmp_path).note(entry("../x"))


def test_a_ledger_that_cannot_be_read_is_no_empty_one(tmp_path: Path) -> None:
    assert Ledger(tmp_path / "new").unreadable() == ()
    (tmp_path / "file").touch()
    with pytest.raises(BadInputError, match="cannot be read"):
        Ledger(tmp_path / "file").unreadable()
    with pytest.raises(BadInputError, match=r"file, cannot be used \(file is not a folder"):
        Ledger(tmp_path / "file").prepare()


def test_an_entry_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "qa")
    ledger.prepare()
    assert list((tmp_path / "qa").iterdir()) == []
    ledger.note(entry())
    (tmp_path / "qa" / "cut.session.json").write_text("{cut")
    assert ledger.unreadable() == ("cut.session.json",)


def test_two_runs_do_not_write_into_one_folder(tmp_path: Path) -> None:
    ledger, other = Ledger(tmp_path / "qa"), Ledger(tmp_path / "qa")
    out = tmp_path / "out"
    with ledger.results(out):
        for same in (out, tmp_path / "x" / ".." / "out"):
            with pytest.raises(BadInputError, match="Another run writes"), other.results(same):
                pass
        with other.results(tmp_path / "another"), other.results(None), ledger.results(None):
            pass
    with other.results(out):
        pass
