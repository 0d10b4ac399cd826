"""Tests for how programs of our own are started."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from rejoin.child_program import CHILD, PROGRAMS, child_command, end_child, run_as_child


def test_every_program_has_a_main() -> None:
    for module in PROGRAMS.values():
        assert callable(importlib.import_module(module).main)


def test_a_program_is_run_by_this_python() -> None:
    assert child_command("hardware-probe", "vaapi") == (
        *(sys.executable, "-P", "-m", "rejoin.media.video.hardware_probe", "vaapi"),
    )


def test_a_frozen_rejoin_runs_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    command = child_command("input-sandbox")
    assert command == (sys.executable, CHILD, "input-sandbox")


def test_the_frozen_command_line_runs_the_program() -> None:
    """What a frozen Rejoin does with its own arguments, by `python -m rejoin`."""
    arguments = [sys.executable, "-m", "rejoin", CHILD, "input-sandbox"]
    ended = subprocess.run(
        arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=240, check=False
    )
    assert (ended.returncode, ended.stdout[:1]) == (0, b"H")


def test_any_other_command_line_is_not_a_programs() -> None:
    for arguments in ([], ["play"], [CHILD], [CHILD, "rejoin.cli.main"], ["play", CHILD, "x"]):
        assert run_as_child(arguments) is None


def test_a_program_gets_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    class Program:
        @staticmethod
        def main(arguments: list[str]) -> int:
            return len(arguments)

    monkeypatch.setattr(importlib, "import_module", lambda name: Program)
    assert run_as_child([CHILD, "hardware-probe", "a", "b"]) == 2


def started(program: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)


def test_a_child_ends_when_its_input_does() -> None:
    child = started("import sys; sys.stdin.read(); sys.exit(5)")
    end_child(child, 60.0)
    assert child.returncode == 5


def test_a_child_that_does_not_end_is_killed() -> None:
    child = started("import time; time.sleep(600)")
    end_child(child, 0.1)
    assert child.returncode not in (None, 0)
