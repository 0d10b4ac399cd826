"""The memory of this process, measured."""

from __future__ import annotations

import psutil
import pytest

from rejoin.qa import memory
from rejoin.qa.memory import own_memory_mb


def test_what_is_allocated_is_seen() -> None:
    before = own_memory_mb()
    kept = bytearray(b"x" * 20_000_000)
    after = own_memory_mb()
    assert before is not None
    assert after is not None
    assert after - before > 15.0
    del kept


def test_a_system_that_does_not_say_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        def memory_full_info(self) -> object:
            raise psutil.AccessDenied

    monkeypatch.setattr(memory.psutil, "Process", Silent)
    assert own_memory_mb() is None
