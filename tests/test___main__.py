"""`python -m rejoin` is the command line."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

import rejoin
from rejoin.version import VERSION


def test_the_module_runs_the_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["rejoin", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(Path(rejoin.__file__).with_name("__main__.py")), run_name="__main__")
    assert ended.value.code == 0
    assert VERSION in capsys.readouterr().out
