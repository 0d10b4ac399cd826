"""`rejoin demo`: its options reach the demonstration."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.command_line import Rejoin
from rejoin.demo import run as demo_run
from rejoin.demo.options import DemoOptions
from rejoin.emulator.service.faults import FaultKind


def test_the_options_reach_the_demo(
    rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    received = []

    def run(options: DemoOptions, **_: object) -> int:
        received.append(options)
        return 0

    monkeypatch.setattr(demo_run, "run", run)
    assert rejoin("demo", "--headless")[0] == 0
    arguments = ("--out", str(tmp_path), "--fault", "freeze", "--drops", "2", "--decoder", "auto")
    assert rejoin("demo", *arguments, "--notice-silent-client", "1.5")[0] == 0
    assert received[0] == DemoOptions(headless=True, out=Path("demo-out"), decoder="software")
    assert received[1] == DemoOptions(
        out=tmp_path, fault=FaultKind.FREEZE, notice_silent_client_s=1.5, drops=2, decoder="auto"
    )
