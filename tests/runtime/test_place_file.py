"""The window's place is kept between two runs, for this user alone, and never costs the game."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from pathlib import Path

import pytest

from rejoin.runtime.place_file import Place, PlaceFile, place_path

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

PLACE = Place("DP-1", 100, -20, 1280, 720, maximised=True)


def test_it_is_among_the_users_state_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("platformdirs.user_state_path", lambda *_, **__: tmp_path / "rejoin")
    assert place_path() == tmp_path / "rejoin" / "window.json"


def test_the_next_run_reads_the_newest_place(tmp_path: Path) -> None:
    path = tmp_path / "not" / "yet" / "window.json"
    file = PlaceFile(path)
    assert file.read() is None
    for x in range(50):
        file.keep(Place("DP-1", x, 0, 640, 400))
    file.keep(PLACE)
    file.close()
    assert PlaceFile(path).read() == PLACE
    assert [each.name for each in path.parent.iterdir()] == ["window.json"]
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        json.dumps({**asdict(PLACE), "width": 0}),
        json.dumps({**asdict(PLACE), "height": 32_768}),
        json.dumps({**asdict(PLACE), "x": 1e9}),
        json.dumps({**asdict(PLACE), "x": 10**400}),
        json.dumps({**asdict(PLACE), "y": -40_000}),
        json.dumps({**asdict(PLACE), "y": True}),
        json.dumps({**asdict(PLACE), "screen": None}),
        json.dumps({**asdict(PLACE), "screen": "D\u0007"}),
        json.dumps({**asdict(PLACE), "screen": "D" * 201}),
        json.dumps({**asdict(PLACE), "maximised": 1}),
        json.dumps({**asdict(PLACE), "more": "x" * 5000}),
        "[" * 4096,
    ],
)
def test_a_damaged_file_counts_as_missing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "window.json"
    path.write_text(content)
    assert PlaceFile(path).read() is None
    file = PlaceFile(path)
    file.keep(PLACE)
    file.close()
    assert file.read() == PLACE


def test_a_place_that_cannot_be_written_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    file = PlaceFile(tmp_path / "file" / "window.json")
    file.keep(PLACE)
    file.close()
    assert file.read() is None
    assert not [each for each in threading.enumerate() if each.name == "rejoin-place-file"]
