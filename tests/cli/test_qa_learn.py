"""`rejoin qa learn`: asks first, and writes what was found."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from helpers.command_line import Rejoin
from rejoin.cli import qa_learn
from rejoin.qa import learn
from rejoin.qa.learn import Learned
from rejoin.qa.learned import Figure, Measured, Word

URL = "http://127.0.0.1:1"
FOUND = Learned(
    (Measured(Figure.NOTICE_SILENT, 7.0, 8.0), Word(Figure.DTLS, "server")), (), started=3
)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Learned]:
    """What the next run finds; one is taken from it for each."""
    found = [FOUND]

    class Fake:
        def __init__(self, *_: Any) -> None:
            pass

        def run(self) -> Learned:
            return found.pop()

    monkeypatch.setattr(learn, "Learning", Fake)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return found


def test_what_was_found_is_written_and_said(
    rejoin: Rejoin, runs: list[Learned], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    code, said, err = rejoin(
        "qa", "learn", "--backend", URL, "--yes", "--out", str(out), token="CANARY"
    )
    assert (code, err, runs) == (0, "", [])
    assert "starts 9 stream sessions at 127.0.0.1:1" in said
    assert "a silent client is noticed: 7.50 s (sessions: 1," in said
    values = tomllib.loads((out / qa_learn.SETTINGS_FILE).read_text("utf-8"))
    assert (values["notice_silent_client_s"], values["dtls_role"]) == (7.5, "server")
    assert "in 3 stream sessions" in (out / qa_learn.REPORT_FILE).read_text("utf-8")
    for file in out.iterdir():
        assert "CANARY" not in file.read_text("utf-8")


def test_a_session_that_was_not_measured_is_inconclusive(
    rejoin: Rejoin, runs: list[Learned], tmp_path: Path
) -> None:
    runs[:] = [Learned((), ("silent client: it ended",), started=1)]
    code, said, _ = rejoin(
        "qa", "learn", "--backend", URL, "--yes", "--out", str(tmp_path), token="t"
    )
    assert code == 13
    assert "not measured to the end: silent client: it ended" in said


def test_nothing_is_started_where_nobody_agrees(rejoin: Rejoin, runs: list[Learned]) -> None:
    code, said, err = rejoin("qa", "learn", "--backend", URL, "--repeat", "2", token="t")
    assert (code, len(runs)) == (2, 1)
    assert "starts 6 stream sessions" in said
    assert "add --yes" in err


def test_a_folder_that_cannot_be_made_is_one_sentence(
    rejoin: Rejoin, runs: list[Learned], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    folder = str(tmp_path / "file" / "out")
    code, _, err = rejoin("qa", "learn", "--backend", URL, "--yes", "--out", folder, token="t")
    assert (code, len(runs)) == (2, 1)
    assert err.count("\n") == 1
