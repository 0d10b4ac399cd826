"""Whether the sandbox of the input module starts."""

from __future__ import annotations

import sys

import pytest

from rejoin.input_module import sandbox
from rejoin.runtime.doctor.sandbox_check import sandbox_problem

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


async def test_it_starts_here() -> None:
    assert await sandbox_problem() is None


@pytest.mark.usefixtures("expected_logs")
async def test_one_that_does_not_start_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sandbox, "child_command", lambda name: (sys.executable, "-c", "raise SystemExit(12)")
    )
    assert await sandbox_problem() in ("cannot start", "too much")


@pytest.mark.usefixtures("expected_logs")
async def test_a_missing_engine_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "engine_is_installed", lambda: False)
    assert await sandbox_problem() == "no engine"
