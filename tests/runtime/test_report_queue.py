"""Reports on disk: private, bounded, forgotten after a week, and for their own backend alone."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rejoin.core.reconnect_report import ReconnectReport
from rejoin.runtime import private_files
from rejoin.runtime.report_queue import MOST, ReportQueue, reports_folder

URL = "https://games.example/rejoin"
REPORT = ReconnectReport(
    cause="silence",
    verdict=None,
    outcome="rejoined",
    ending=None,
    lost_s=1.23456,
    noticed_after_s=0.9,
    requested_after_s=None,
    answered_after_s=None,
    attempts=1,
    tries=1,
    failures=("throttled",),
)
DAY_S = 86400.0


class Now:
    """Unix time, also of the files that are written now."""

    def __init__(self) -> None:
        self.unix_s = 1_790_000_000.0

    def __call__(self) -> float:
        return self.unix_s

    def stamp(self, folder: Path) -> None:
        """The files without an earlier time were written now."""
        for file in folder.iterdir():
            if file.stat().st_mtime > self.unix_s - 0.5 * DAY_S:
                os.utime(file, (self.unix_s, self.unix_s))


@pytest.fixture(name="now")
def _now() -> Now:
    return Now()


def queue(tmp_path: Path, now: Now, url: str = URL) -> ReportQueue:
    return ReportQueue(url, tmp_path / "reports", now)


def test_a_report_waits_until_it_is_removed_and_knows_its_age(tmp_path: Path, now: Now) -> None:
    queue(tmp_path, now).add(REPORT)
    now.unix_s += 3600.0
    [body] = queue(tmp_path, now).waiting()
    assert (body.cause, body.lost_s, body.failures) == ("silence", 1.235, ["throttled"])
    assert body.ended_ago_s == 3600.0
    now.unix_s -= 7200.0
    assert queue(tmp_path, now).waiting()[0].ended_ago_s == 0.0, "a clock that was set back"
    queue(tmp_path, now).remove(body.record_id)
    queue(tmp_path, now).remove(body.record_id)
    assert queue(tmp_path, now).waiting() == []


@pytest.mark.skipif(sys.platform == "win32", reason="modes of files")
def test_only_this_user_can_read_it_and_its_name_says_nothing(tmp_path: Path, now: Now) -> None:
    queue(tmp_path, now).add(REPORT)
    folder = tmp_path / "reports"
    [file] = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "games.example" not in file.name + file.read_text()


def test_another_studio_gets_none_of_them(tmp_path: Path, now: Now) -> None:
    queue(tmp_path, now).add(REPORT)
    queue(tmp_path, now, "https://other.example").add(replace(REPORT, cause="rtcp_bye"))
    assert [body.cause for body in queue(tmp_path, now).waiting()] == ["silence"]
    [theirs] = queue(tmp_path, now, "https://other.example").waiting()
    assert theirs.cause == "rtcp_bye"


def test_it_is_forgotten_after_a_week(tmp_path: Path, now: Now) -> None:
    queue(tmp_path, now).add(REPORT)
    now.stamp(tmp_path / "reports")
    now.unix_s += 7 * DAY_S - 60
    [body] = queue(tmp_path, now).waiting()
    assert body.ended_ago_s == 7 * DAY_S - 60
    now.unix_s += 120
    assert queue(tmp_path, now).waiting() == []
    assert list((tmp_path / "reports").iterdir()) == []


def test_the_oldest_go_first_when_there_are_too_many(tmp_path: Path, now: Now) -> None:
    waiting = queue(tmp_path, now)
    for number in range(MOST + 3):
        now.unix_s += 1
        waiting.add(replace(REPORT, attempts=number))
        for file in (tmp_path / "reports").iterdir():
            if file.stat().st_mtime > now.unix_s + 1:
                os.utime(file, (now.unix_s, now.unix_s))
    found = [body.attempts for body in waiting.waiting()]
    assert found == list(range(3, MOST + 3))


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"ended_unix_s": "x", "body": {}}', '{"ended_unix_s": 1, "body": {}}'],
)
def test_a_damaged_file_is_removed(tmp_path: Path, now: Now, text: str) -> None:
    queue(tmp_path, now).add(REPORT)
    [file] = (tmp_path / "reports").iterdir()
    file.write_text(text)
    assert queue(tmp_path, now).waiting() == []
    assert not file.exists()


def test_a_write_that_fails_leaves_nothing(
    tmp_path: Path, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: Path, _content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(private_files, "write_new", full)
    with pytest.raises(OSError, match="No space"):
        queue(tmp_path, now).add(REPORT)
    assert list((tmp_path / "reports").iterdir()) == []
    assert queue(tmp_path, now).waiting() == []


def test_without_a_folder_nothing_waits(tmp_path: Path, now: Now) -> None:
    assert queue(tmp_path, now).waiting() == []
    assert not (tmp_path / "reports").exists()


def test_reports_are_among_the_users_state_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    if sys.platform.startswith("linux"):
        assert reports_folder() == tmp_path / "rejoin" / "reports"
