"""The guardian's process hears of each session, and ends with the run."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rejoin import child_program
from rejoin.qa import guardian
from rejoin.qa.guardian import Guardian
from rejoin.qa.messages import Charge
from rejoin.runtime.studio_profile import StudioProfile

PROFILE = StudioProfile("http://127.0.0.1:1", "secret-token")
ECHO = "import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read())"


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A file with all that was said to the process, once it has ended."""
    file = tmp_path / "heard"
    command = (sys.executable, "-c", ECHO, str(file))
    monkeypatch.setattr(guardian, "child_command", lambda name: command)
    return file


def test_sessions_are_reported_to_its_standard_input(heard: Path, tmp_path: Path) -> None:
    made = Guardian(Charge(PROFILE, tmp_path))
    made.session_began("a", "1")
    made.session_over("a")
    made.close()
    with heard.open("rb") as file:
        said = [pickle.load(file) for _ in range(3)]
    assert said[0] == Charge(PROFILE, tmp_path)
    assert [(type(each).__name__, each.key) for each in said[1:]] == [("Began", "a"), ("Over", "a")]


def test_it_has_more_time_for_more_sessions(
    heard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []
    ends = child_program.end_child

    def end(process: subprocess.Popen[bytes], within_s: float) -> None:
        given.append(within_s)
        ends(process, within_s)

    monkeypatch.setattr(guardian, "end_child", end)
    made = Guardian(Charge(PROFILE, tmp_path))
    for number in range(101):
        made.session_began(str(number), "1")
    made.session_over("5")
    made.close()
    assert given == [guardian.END_WITHIN_S + 100 * guardian.EACH_WITHIN_S]


def test_a_run_goes_on_without_a_guardian(heard: Path, tmp_path: Path) -> None:
    made = Guardian(Charge(PROFILE, tmp_path))
    os.kill(made.process_id, signal.SIGTERM)
    made._process.wait(60)
    for number in range(3):
        made.session_began(str(number), "1")
    made.close()
