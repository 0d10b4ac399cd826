"""The log on the disk: redacted, for its user alone, bounded, and waited for by nobody."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rejoin.runtime import log_file
from rejoin.runtime.log_file import LogFile


def test_lines_are_appended_redacted_and_for_this_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "log"
    for text in ("first", "Bearer abcdefghijklmnop to 203.0.113.77\x1b[2J /home/erika/x"):
        log = LogFile(folder)
        log.add(text)
        log.close()
    file = folder / "rejoin.log"
    written = file.read_text(encoding="utf-8")
    lines = written.splitlines()
    assert lines[0].startswith("Rejoin ")
    assert lines[1] == "first"
    assert lines[2] == lines[0], "each program says what it is"
    assert "\\x1b[2J ~/x" in lines[3]
    for secret in ("abcdefghijklmnop", "203.0.113.77", "erika", "\x1b"):
        assert secret not in written
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_large_file_is_renamed_and_one_older_one_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_file, "MAX_BYTES", 1000)
    log = LogFile(tmp_path / "log")
    for number in range(60):
        log.add(f"{number} {'x' * 90}")
        log.flush()
    log.close()
    names = sorted(path.name for path in (tmp_path / "log").iterdir())
    assert names == ["rejoin.1.log", "rejoin.log"] or names == ["rejoin.1.log"]
    sizes = [path.stat().st_size for path in (tmp_path / "log").iterdir()]
    assert max(sizes) < 1300
    kept = "".join(path.read_text() for path in sorted((tmp_path / "log").iterdir()))
    assert "59 x" in kept
    assert "0 xx" not in kept.splitlines()[0]


class Disk:
    """Hangs in its first write until it goes on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hangs, self.goes_on = threading.Event(), threading.Event()
        self._write = os.write
        monkeypatch.setattr("os.write", self._slow)

    def _slow(self, descriptor: int, content: bytes) -> int:
        self.hangs.set()
        self.goes_on.wait(60.0)
        return self._write(descriptor, content)


@pytest.fixture(name="disk")
def _disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    disk = Disk(monkeypatch)
    yield disk
    disk.goes_on.set()


def test_a_disk_that_hangs_is_waited_for_by_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: Disk
) -> None:
    monkeypatch.setattr(log_file, "_CLOSE_S", 0.01)
    log = LogFile(tmp_path)
    log.add("first")
    assert disk.hangs.wait(60.0)
    for number in range(log_file.MAX_WAITING + 10):
        log.add(str(number))
    log.flush()
    log.close()
    log.close()
    log.add("too late")
    disk.goes_on.set()
    monkeypatch.setattr(log_file, "_CLOSE_S", 60.0)
    log.flush()
    log.close()
    lines = (tmp_path / "rejoin.log").read_text().splitlines()
    assert lines[1] == "first"
    assert lines[-1] == str(log_file.MAX_WAITING + 9), "of those that waited the newest are kept"
    assert len(lines) == 2 + log_file.MAX_WAITING


def test_a_disk_that_hung_through_a_flush_is_not_waited_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: Disk
) -> None:
    """`logging` flushes and closes its handlers at the end of a program."""
    log = LogFile(tmp_path)
    log.add("first")
    assert disk.hangs.wait(60.0)
    monkeypatch.setattr(log_file, "_CLOSE_S", 0.01)
    log.flush()
    monkeypatch.setattr(log_file, "_CLOSE_S", 600.0)
    log.close()
    assert (tmp_path / "rejoin.log").read_text() == "", "it hangs still"
    disk.goes_on.set()
    log.flush()
    assert "first" in (tmp_path / "rejoin.log").read_text()


def test_a_disk_that_goes_on_after_a_flush_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: Disk
) -> None:
    log = LogFile(tmp_path)
    log.add("first")
    assert disk.hangs.wait(60.0)
    monkeypatch.setattr(log_file, "_CLOSE_S", 0.01)
    log.flush()
    monkeypatch.setattr(log_file, "_CLOSE_S", 60.0)
    disk.goes_on.set()
    log.flush()
    log.add("last")
    log.close()
    assert (tmp_path / "rejoin.log").read_text().endswith("\nlast\n")


def test_where_nothing_can_be_written_nothing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "log").write_text("no folder")
    log = LogFile(tmp_path / "log")
    log.add("x")
    log.close()
    assert (tmp_path / "log").read_text() == "no folder"

    def homeless(*_: object, **__: object) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("platformdirs.user_log_path", homeless)
    nowhere = LogFile()
    nowhere.add("x")
    nowhere.close()
