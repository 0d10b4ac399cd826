"""Putting the demo together; whole demos are played in tests/live/test_demo_headless.py."""

from __future__ import annotations

import builtins
import queue
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from rejoin.core.trace import Record, of_fault
from rejoin.demo import run as demo
from rejoin.demo.options import DemoOptions
from rejoin.errors import BadInputError


def test_the_queue_of_records_is_drained() -> None:
    records: queue.SimpleQueue[Record] = queue.SimpleQueue()
    for at in (1.0, 2.0):
        records.put(of_fault("silence", at))
    assert [record.at for record in demo._drain(records)] == [1.0, 2.0]
    assert records.empty()


@pytest.fixture
def without_libgl(monkeypatch: pytest.MonkeyPatch) -> None:
    """Qt cannot be loaded, as where the system has no libGL."""
    real = builtins.__import__

    def load(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> ModuleType:
        if name.startswith("rejoin.gui"):
            raise ImportError("libGL.so.1: cannot open shared object file: No such file")
        return real(name, globals, locals, fromlist, level)

    monkeypatch.setattr(builtins, "__import__", load)


@pytest.mark.usefixtures("without_libgl")
def test_without_qt_a_headless_demo_says_why_it_has_no_screenshots(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    lines: list[str] = []
    with pytest.raises(BadInputError, match="cannot be written to"):  # so that nothing is started
        demo.run(DemoOptions(headless=True, out=tmp_path / "file"), print_line=lines.append)
    assert lines == [
        "No screenshots: The system library libGL.so.1 is missing. "
        "On Debian or Ubuntu install it with: apt-get install libgl1"
    ]


@pytest.mark.usefixtures("without_libgl")
def test_without_qt_a_demo_in_a_window_cannot_start() -> None:
    with pytest.raises(ImportError, match="libGL"):
        demo.run(DemoOptions())
