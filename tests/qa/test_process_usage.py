"""Memory and waiting of this process, measured."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from rejoin.qa import process_usage
from rejoin.qa.process_usage import own_memory_mb, waited_s


def test_what_is_allocated_is_seen() -> None:
    before = own_memory_mb()
    kept = bytearray(b"x") * 100_000_000  # more than the allocator would take from its own
    after = own_memory_mb()
    assert before is not None
    assert after is not None
    assert after - before > 80.0
    del kept


def test_a_system_that_does_not_say_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        def memory_full_info(self) -> object:
            raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "Process", Silent)
    assert own_memory_mb() is None


@pytest.mark.skipif(not Path("/proc/thread-self/schedstat").exists(), reason="Linux alone has it")
def test_waiting_for_a_processor_only_grows() -> None:
    before = waited_s()
    after = waited_s()
    assert before is not None
    assert after is not None
    assert after >= before >= 0.0


@pytest.mark.parametrize("text", [None, "", "1", "1 x 3"])
def test_a_system_without_that_figure_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    file = tmp_path / "schedstat"
    if text is not None:
        file.write_text(text)
    monkeypatch.setattr(process_usage, "_SCHEDULED", file)
    assert waited_s() is None
