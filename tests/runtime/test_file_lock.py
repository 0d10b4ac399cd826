"""One holder at a time, between threads and processes, and none of them waits for ever."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rejoin.runtime.file_lock import FileLock, turn_at

PATIENCE_S = 60.0

HOLDER = """
import sys
from pathlib import Path
from rejoin.runtime.file_lock import turn_at
with turn_at(Path(sys.argv[1]), 60.0):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_lock_has_one_holder_and_leaves_no_file(tmp_path: Path) -> None:
    file = tmp_path / "a.lock"
    first = FileLock.acquire(file)
    assert first is not None
    assert FileLock.acquire(file) is None
    first.release()
    first.release()
    assert not first.held
    assert list(tmp_path.iterdir()) == []


def test_a_turn_waits_for_that_of_another_process(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    began = threading.Event()

    def take() -> None:
        with turn_at(file, PATIENCE_S):
            began.set()

    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(TimeoutError), turn_at(file, 0.05):
            began.set()
        waiting = threading.Thread(target=take)
        waiting.start()
        assert not began.is_set()
        process.stdin.write("\n")
        process.stdin.flush()
        waiting.join(PATIENCE_S)
        assert began.is_set()
    assert list(tmp_path.iterdir()) == []


def test_where_no_lock_can_be_the_turn_is_had_without(tmp_path: Path) -> None:
    with turn_at(tmp_path / "missing" / "settings.toml", 0.0):
        pass
    (tmp_path / ".settings.toml.lock").mkdir()
    with turn_at(tmp_path / "settings.toml", 0.0):
        pass


def test_a_turn_ends_with_what_is_raised_in_it(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(KeyError), turn_at(tmp_path / "a", 0.0):
            raise KeyError
