"""A batch's process: what it says is passed on, signals reach it, and it ends."""

from __future__ import annotations

import sys
import threading

import pytest

from rejoin.qa.fleet import batch as task
from rejoin.qa.fleet.batch import play_in_process
from rejoin.qa.fleet.messages import Batch

BATCH = Batch("run", 0, (), (), 60.0, False)
ECHO = """
import pickle, sys
source = open(0, "rb", buffering=0)
batch = pickle.load(source)
print("batch", batch.run, flush=True)
for line in source:
    print(line.decode().strip(), flush=True)
    if line == b"begin\\n" and "leaves" in sys.argv:
        sys.exit(7)
print("end", flush=True)
"""


class Given:
    def __init__(self, given: bool = False) -> None:
        self.event = threading.Event()
        if given:
            self.event.set()

    def wait(self, timeout_s: float) -> bool:
        return self.event.wait(timeout_s)


def program(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    command = (sys.executable, "-c", ECHO, *arguments)
    monkeypatch.setattr(task, "child_command", lambda name: command)
    monkeypatch.setattr(task, "ASK_EVERY_S", 0.02)


def test_signals_reach_it_in_order_and_its_end_is_seen(
    monkeypatch: pytest.MonkeyPatch, nothing_left_behind: None
) -> None:
    program(monkeypatch, "leaves")
    said: list[str] = []
    code = play_in_process(
        BATCH, said.append, {"start": Given(True), "begin": Given(True), "stop": Given()}
    )
    assert said == ["batch run", "start", "begin"]
    assert code == 7


def test_stop_closes_its_input_even_before_the_start(
    monkeypatch: pytest.MonkeyPatch, nothing_left_behind: None
) -> None:
    program(monkeypatch)
    said: list[str] = []
    code = play_in_process(
        BATCH, said.append, {"start": Given(), "begin": Given(), "stop": Given(True)}
    )
    assert (said, code) == (["batch run", "end"], 0)


def test_names_are_of_the_run() -> None:
    assert task.topic_of("a") != task.topic_of("b")
    assert len({task.event_of("a", name) for name in task.SIGNALS}) == 3
