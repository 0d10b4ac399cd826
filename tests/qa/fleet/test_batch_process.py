"""Signals of a batch's process, and its memory."""

from __future__ import annotations

import os

from rejoin.qa.fleet.batch_process import LineSignals, memory


def test_signals_are_lines_and_the_end_is_stop(nothing_left_behind: None) -> None:
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as source:
        signals = LineSignals(source)
        assert not signals.wait("start", 0.0)
        os.write(writing, b"start\nnonsense\n")
        assert signals.wait("start", 60)
        assert not signals.wait("begin", 0.0)
        os.write(writing, b"begin\n")
        assert signals.wait("begin", 60)
        assert not signals.wait("stop", 0.0)
        os.close(writing)
        assert signals.wait("stop", 60)


def test_a_process_has_memory() -> None:
    assert memory()() > 1_000_000
