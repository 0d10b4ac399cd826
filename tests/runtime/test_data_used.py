"""The data that games use is counted over connections, games and crashes, and costs no game."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from rejoin.core.model import ConnectionNumber
from rejoin.media.statistics import StreamStatistics
from rejoin.runtime import data_used
from rejoin.runtime.data_used import (
    SAVE_EVERY_S,
    DataTotal,
    DataUsed,
    data_used_path,
    forget_total,
    read_total,
)
from rejoin.runtime.state_folder import keep_file

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


def seen(connection: int, picture: int, sound: int = 0) -> StreamStatistics:
    return StreamStatistics(
        ConnectionNumber(connection), bytes_received=picture, audio_bytes_received=sound
    )


def finish(used: DataUsed) -> None:
    """Close it, and wait longer than a game would."""
    writing = used._writing
    used.close()
    for thread in (writing, used._writing):
        if thread is not None:
            thread.join(30)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "not" / "yet" / "data_used.json"


def test_it_is_among_the_users_state_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("platformdirs.user_state_path", lambda *_, **__: tmp_path / "rejoin")
    assert data_used_path() == tmp_path / "rejoin" / "data_used.json"


def test_picture_and_sound_of_every_connection_and_game_add_up(path: Path) -> None:
    first = DataUsed(path, wall=lambda: 1000.0)
    first.count(10.0, seen(1, 500, 50))
    first.count(11.0, seen(1, 900, 100))
    first.count(12.0, seen(2, 300))
    first.count(13.0, seen(2, 300))
    finish(first)
    assert read_total(path) == DataTotal(1300, 3.0, 1000.0)
    second = DataUsed(path, wall=lambda: 2000.0)
    second.count(99.0, seen(1, 1_000_000))
    finish(second)
    assert read_total(path) == DataTotal(1_001_300, 3.0, 1000.0)


def test_games_that_write_at_the_same_time_all_count(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_used, "_TURN_WITHIN_S", 60.0)
    games = [DataUsed(path) for _ in range(8)]
    for game in games:
        game.count(0.0, seen(1, 1000))
        game._save()
    for game in games:
        finish(game)
    assert read_total(path).received_bytes == 8000
    assert list(path.parent.iterdir()) == [path]


def test_a_pause_is_no_play(path: Path) -> None:
    used = DataUsed(path)
    for at in (0.0, 1.0, 61.0, 62.0):
        used.count(at, seen(1, round(10 + at)))
    finish(used)
    assert read_total(path).played_s == 2.0


def test_what_is_counted_while_it_is_written_is_written_too(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, free = threading.Event(), threading.Event()
    keep = keep_file

    def slow(to: Path, text: str) -> None:
        entered.set()
        assert free.wait(30)
        keep(to, text)

    monkeypatch.setattr(data_used, "keep_file", slow)
    used = DataUsed(path)
    used.count(0.0, seen(1, 100))
    used.count(SAVE_EVERY_S, seen(1, 200))
    assert entered.wait(30)
    used.count(SAVE_EVERY_S + 1, seen(1, 300))
    free.set()
    finish(used)
    assert read_total(path).received_bytes == 300


def test_it_is_saved_while_one_plays(path: Path) -> None:
    used = DataUsed(path)
    used.count(0.0, seen(1, 100))
    used.count(SAVE_EVERY_S - 1, seen(1, 200))
    assert not path.exists()
    used.count(SAVE_EVERY_S, seen(1, 300))
    writing = used._writing
    if writing is not None:
        writing.join(30)
    assert read_total(path).received_bytes == 300
    finish(used)
    assert read_total(path).received_bytes == 300


def test_nothing_received_writes_nothing(path: Path) -> None:
    used = DataUsed(path)
    used.count(0.0, seen(1, 0))
    finish(used)
    assert not path.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b"{}",
        b'{"received_bytes": -1, "played_s": 0, "since_unix_s": 0}',
        b'{"received_bytes": true, "played_s": 0, "since_unix_s": 0}',
        b'{"received_bytes": 1, "played_s": 1e999, "since_unix_s": 0}',
        b'{"received_bytes": 1, "played_s": "x", "since_unix_s": 0}',
        b'{"received_bytes": 1, "played_s": NaN, "since_unix_s": 0}',
        b"[" * 4000,
    ],
)
def test_a_damaged_file_counts_as_nothing_and_is_replaced(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert read_total(path) == DataTotal()
    used = DataUsed(path)
    used.count(0.0, seen(1, 7))
    finish(used)
    assert read_total(path).received_bytes == 7


def test_a_full_disk_loses_nothing_that_can_be_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    used = DataUsed(path)
    used.count(0.0, seen(1, 100))
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        finish(used)
    assert not path.exists()
    finish(used)
    assert read_total(path).received_bytes == 100


def test_it_is_an_hour_by_what_was_played(path: Path) -> None:
    assert DataTotal(10**9, 59.0, 0.0).bytes_per_hour is None
    assert DataTotal(10**9, 1800.0, 0.0).bytes_per_hour == pytest.approx(2e9)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"received_bytes": 5, "played_s": 1, "since_unix_s": 2}))
    assert read_total(path) == DataTotal(5, 1.0, 2.0)
    forget_total(path)
    forget_total(path)
    assert read_total(path) == DataTotal()
