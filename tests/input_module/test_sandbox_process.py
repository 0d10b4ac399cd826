"""Tests for the sandbox's program: with an engine of the test's, and as a real process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from rejoin.child_program import child_command
from rejoin.errors import InputModuleError
from rejoin.input_events.events import PadState
from rejoin.input_module import frames, lockdown, outbox, sandbox_process
from rejoin.input_module.engine import ScriptFailedError
from rejoin.input_module.frames import Kind
from rejoin.input_module.pad_mailbox import Receiver, Sender
from rejoin.input_module.sandbox_process import (
    BROKEN,
    MAX_STATES,
    PollReader,
    Reader,
    Sandbox,
    ThreadReader,
    serve,
    write_all,
)


class Scripted:
    """An engine that gives what it is told to, and writes down what it was asked."""

    def __init__(self, *answers: str | float, jobs: int = 0) -> None:
        """`jobs`: how often there are any, from now on."""
        self.answers = list(answers)
        self.jobs = jobs
        self.asked: list[str] = []

    def evaluate(self, script: str) -> None:
        self.asked.append(f"evaluate {script}")
        if script == "bad":
            raise ScriptFailedError

    def call(self, text: str, *numbers: float) -> str | float:
        self.asked.append(" ".join(["call", text, *(f"{number:g}" for number in numbers)]))
        if not self.answers:
            raise ScriptFailedError
        return self.answers.pop(0)

    def run_jobs(self) -> bool:
        self.asked.append("jobs")
        ran, self.jobs = self.jobs > 0, max(0, self.jobs - 1)
        return ran


def text_of(frame: bytes) -> str:
    [(_, payload)] = frames.Decoder(10_000).feed(frame)
    return frames.decode_answer(payload)[1]


def test_jobs_run_between_all_steps_of_a_command() -> None:
    engine = Scripted("1", "1", "ok\n-1\n0\n")
    assert text_of(Sandbox(engine).take(Kind.COMMAND, b'["k"]')) == "ok\n-1\n0\n"
    assert engine.asked == ['call ["k"]', "jobs", "call +", "jobs", "call +", "jobs"]


def test_after_the_jobs_of_the_last_step_the_answer_is_asked_for_again() -> None:
    engine = Scripted("ok\n-1\n0\n", 3, "ok\n-1\n0\nv 1", jobs=2)
    assert text_of(Sandbox(engine).take(Kind.COMMAND, b'["k"]')).endswith("v 1")
    assert engine.asked == ['call ["k"]', "jobs", "call +", "jobs", "call +", "jobs"]


def test_a_number_says_nothing_but_when_something_is_due() -> None:
    sandbox = Sandbox(Scripted(60_000, -1, 60_000))
    assert text_of(sandbox.take(Kind.COMMAND, b'["k"]')) == "ok\n-1\n0\n"
    assert 0 < (sandbox.wait_s() or 0) <= 60
    assert sandbox.wake() == b""
    assert sandbox.wait_s() is None


def test_a_script_is_evaluated_and_then_asked_for_its_module() -> None:
    engine = Scripted("1", "no module\n-1\n0\n")
    assert text_of(Sandbox(engine).take(Kind.SCRIPT, b"good")).startswith("no module")
    assert engine.asked[:3] == ["evaluate good", "jobs", 'call ["e"]']
    answer = outbox.parse(text_of(Sandbox(Scripted()).take(Kind.SCRIPT, b"bad")))
    assert answer.status is outbox.Status.THREW


def test_a_ping_asks_nothing_of_the_engine() -> None:
    engine = Scripted()
    assert text_of(Sandbox(engine).take(Kind.PING, b"")) == "ok\n-1\n0\n"
    assert engine.asked == []


def test_a_broken_realm_is_said() -> None:
    assert text_of(Sandbox(Scripted()).take(Kind.COMMAND, b"[]")) == BROKEN
    outbox.parse(BROKEN)


@pytest.mark.parametrize("due", ["12", "0", "1e3"])
def test_it_wakes_up_when_something_is_due(due: str) -> None:
    sandbox = Sandbox(Scripted(f"ok\n{due}\n0\n"))
    sandbox.take(Kind.COMMAND, b"[]")
    wait_s = sandbox.wait_s()
    assert wait_s is not None
    assert 0 <= wait_s <= float(due) / 1000


@pytest.mark.parametrize("due", ["-1", "nan", "inf", "", "1e99", "soon", "-inf"])
def test_any_other_time_is_never(due: str) -> None:
    sandbox = Sandbox(Scripted(f"ok\n{due}\n0\n", "", "x"))
    for _ in range(3):
        sandbox.take(Kind.COMMAND, b"[]")
        assert sandbox.wait_s() is None


def test_waking_up_says_something_or_nothing() -> None:
    assert Sandbox(Scripted(-1)).wake() == b""
    assert text_of(Sandbox(Scripted("ok\n-1\n1\n")).wake()) == "ok\n-1\n1\n"
    assert text_of(Sandbox(Scripted("ok\n-1\n0\nv 1")).wake()).endswith("v 1")


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    for descriptor in (read, write):
        with contextlib.suppress(OSError):
            os.close(descriptor)


@pytest.mark.parametrize("kind", [PollReader, ThreadReader])
def test_a_reader_gives_what_comes_nothing_and_the_end(
    pipe: tuple[int, int], kind: type[PollReader] | type[ThreadReader]
) -> None:
    read, write = pipe
    reader: Reader = kind(read)
    assert reader.read(0.01) is None
    os.write(write, b"abc")
    assert reader.read(30) == b"abc"
    os.close(write)
    assert reader.read(None) == b""


def test_frames_are_served_until_the_end(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lockdown, "still_there", lambda: None)
    read, write = pipe
    taken, given = os.pipe()
    write_all(write, frames.encode(Kind.PING) + frames.encode(Kind.COMMAND, b"[]"))
    os.close(write)
    serve(Sandbox(Scripted("ok\n-1\n0\nv 1")), PollReader(read), given)
    os.close(given)
    with os.fdopen(taken, "rb") as output:
        answers = [
            frames.decode_answer(payload)[1]
            for _, payload in frames.Decoder(999).feed(output.read())
        ]
    assert answers == ["ok\n-1\n0\n", "ok\n-1\n0\nv 1"]


def test_states_of_gamepads_are_told_before_what_runs_next(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lockdown, "still_there", lambda: None)
    read, write = pipe
    sender = Sender()
    pads = Receiver(os.dup(sender.descriptor))
    sender.started()
    sender.put(0, PadState(1, True, "pad", (0.5,), (0.25, -1.0)))
    write_all(write, frames.encode(Kind.COMMAND, b"k1") + frames.encode(Kind.COMMAND, b"k2"))
    sender.put(2, PadState(1, True, "pad", (0.0,), (0.0, 0.0)))
    sender.put(2, PadState(1, True, "pad", (1.0,), (0.0, 0.0)))
    sender.put(2, PadState(2, True, "pad", (), (1.0,)))
    engine = Scripted(*["ok\n-1\n0\n", "ok\n0\n0\n", "ok\n-1\n0\ni1 aa"])
    chunks = PollReader(read)

    class Chunks:
        """What was written, a timer that is due, and the end."""

        def read(self, timeout_s: float | None, *, for_pads: bool = False) -> bytes | None:
            data = chunks.read(timeout_s, for_pads=for_pads)
            if data is None:
                os.close(write)
            return data

    taken, given = os.pipe()
    serve(Sandbox(engine), Chunks(), given, pads)
    sender.close()
    os.close(given)
    assert [each for each in engine.asked if each != "jobs"] == [
        "call k1 1 1 2 0.5 0.25 -1",
        "call k2",
        "call  1 1 2 0 0 0 1 1 2 1 0 0 2 0 1 1",
    ]
    with os.fdopen(taken, "rb") as output:
        kinds = [kind for kind, _ in frames.Decoder(999).feed(output.read())]
    assert kinds == [Kind.ANSWER, Kind.ANSWER, Kind.UNASKED], "a state is not answered"


def test_states_wait_where_the_module_does_not_run() -> None:
    engine = Scripted("ok\n-1\n0\n")
    sandbox = Sandbox(engine)
    sandbox.take_pad((0, 1, 1, 0.5, 0.1))
    sandbox.take(Kind.PING, b"")
    sandbox.take_pad((0, 0, 1, 0.2))
    sandbox.take_pad((0, 1, 1, 0.75, 0.2))
    assert engine.asked == []
    sandbox.take(Kind.COMMAND, b"k")
    assert engine.asked[0] == "call k 0 1 1 0.5 0.2 0 1 1 0.75 0.2", "sticks alone are joined"


def test_states_that_nobody_looks_at_do_not_pile_up() -> None:
    engine = Scripted("ok\n-1\n0\n")
    sandbox = Sandbox(engine)
    for number in range(1000):
        sandbox.take_pad((0, 1, 0, number / 1000))
    sandbox.take(Kind.COMMAND, b"k")
    told = engine.asked[0].split()[2:]
    assert len(told) == 4 * MAX_STATES
    assert told[-1] == "0.999", "the newest is kept"


def test_a_pause_ends_with_a_state_where_a_timer_waits_for_it(pipe: tuple[int, int]) -> None:
    read, _ = pipe
    sender = Sender()
    mine = os.dup(sender.descriptor)
    sender.started()
    reader = PollReader(read, mine)
    sandbox = Sandbox(Scripted(-2 - 60_000.0, 60_000.0))
    sandbox.wake()
    before = sandbox.waits_for_pads
    assert 50 < (sandbox.wait_s() or 0) <= 60
    sender.put(0, PadState(1, True, "pad", (0.5,), ()))
    assert reader.read(sandbox.wait_s(), for_pads=True) is None, "it would be 60 s"
    sandbox.wake()
    assert (before, sandbox.waits_for_pads) == (True, False)
    assert 50 < (sandbox.wait_s() or 0) <= 60
    assert reader.read(0.01) is None
    sender.close()
    os.close(mine)


def test_much_is_written_in_pieces(pipe: tuple[int, int]) -> None:
    read, write = pipe
    got = bytearray()

    def read_all() -> None:
        with os.fdopen(os.dup(read), "rb") as source:
            got.extend(source.read())

    reading = threading.Thread(target=read_all)
    reading.start()
    write_all(write, bytes(1_000_000))
    os.close(write)
    reading.join()
    assert len(got) == 1_000_000


def test_where_it_cannot_be_closed_in_nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise InputModuleError("no")

    monkeypatch.setattr(lockdown, "close_in", refuse)
    assert sandbox_process.main([]) == sandbox_process.EXIT_NOT_CLOSED_IN


def test_the_program_answers_and_ends_with_its_input() -> None:
    sent = frames.encode(Kind.PING) + frames.encode(Kind.SCRIPT, b"1 + 1")
    ended = subprocess.run(
        child_command("input-sandbox"),
        input=sent,
        capture_output=True,
        timeout=240,
        check=False,
        env={},
    )
    answers = list(frames.Decoder(999).feed(ended.stdout))
    assert [kind for kind, _ in answers] == [Kind.HELLO, Kind.ANSWER, Kind.ANSWER]
    assert frames.decode_answer(answers[2][1])[1].startswith("no module\n")
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="there threads are read with")
def test_frames_without_sense_end_the_program() -> None:
    ended = subprocess.run(
        child_command("input-sandbox"),
        input=b"nonsense",
        capture_output=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0
