"""Tests for one process from the outside: programs that answer well, badly or never."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import textwrap
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from helpers.leaves_nothing import leaves_nothing
from helpers.waiting import eventually
from rejoin.input_events.events import PadState
from rejoin.input_module import frames
from rejoin.input_module.frames import Kind
from rejoin.input_module.limits import Limits
from rejoin.input_module.outbox import Answer
from rejoin.input_module.worker import Ended, Sort, Worker, environment
from rejoin.tasks import spawn

PATIENT = Limits(patience_s=20, start_s=60)
QUICK = Limits(patience_s=0.2, start_s=60, tick_s=0.05)

HEAD = """
    import os, sys, struct
    from rejoin.input_module import frames
    from rejoin.input_module.frames import Kind
    def say(kind, text="ok\\n-1\\n0\\n", cpu_s=0.0):
        os.write(1, frames.encode_answer(kind, cpu_s, text))
    decoder = frames.Decoder(1 << 20)
    def commands():
        while data := os.read(0, 65536):
            yield from decoder.feed(data)
    os.write(1, frames.encode(Kind.HELLO))
"""


@dataclass
class Listening:
    answers: list[tuple[Sort | None, Answer]] = field(default_factory=list)
    ends: list[Ended] = field(default_factory=list)

    def answered(self, sort: Sort | None, answer: Answer) -> None:
        self.answers.append((sort, answer))

    def ended(self, why: Ended) -> None:
        self.ends.append(why)


@contextlib.asynccontextmanager
async def running(
    program: str, limits: Limits = PATIENT
) -> AsyncIterator[tuple[Worker, Listening]]:
    listening = Listening()
    worker = Worker(listening, limits)
    script = textwrap.dedent(HEAD) + textwrap.dedent(program)
    spawn(worker.start([sys.executable, "-c", script]), name="test-worker")
    try:
        yield worker, listening
    finally:
        worker.end(None)
        await asyncio.wait_for(worker.gone(), 30)


ANSWER_ALL = """
    for kind, payload in commands():
        say(Kind.ANSWER, 'ok\\n-1\\n0\\nd1 "' + payload.decode() + '"')
"""


@leaves_nothing
async def test_answers_come_in_the_order_of_the_frames() -> None:
    async with running(ANSWER_ALL) as (worker, listening):
        sorts = [Sort.SCRIPT, Sort.EVENT, Sort.ATTACH, Sort.OTHER]
        for number, sort in enumerate(sorts):
            worker.send(Kind.COMMAND, str(number).encode(), sort)
        await worker.settled()
        assert [sort for sort, _ in listening.answers] == [*sorts, Sort.OTHER]
        reasons = [getattr(answer.said[0], "reason", None) for _, answer in listening.answers]
        assert reasons[:4] == ["0", "1", "2", "3"]
        await worker.settled()


LYING = """
    import json
    from rejoin.input_module.pad_mailbox import Receiver
    pads = Receiver()
    for taken, _ in enumerate(commands()):
        pads.fetch()
        lying = json.dumps([state[3] for state in pads.due(taken)])
        say(Kind.ANSWER, 'ok\\n-1\\n0\\nd1 ' + json.dumps(lying))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="nothing lies there")
@leaves_nothing
async def test_what_is_laid_down_lies_until_the_next_frame_and_is_not_answered() -> None:
    pads = [PadState(0, True, "pad", (value,)) for value in (0.25, 0.5)]
    async with running(LYING) as (worker, listening):
        assert not worker.lay_down(pads[0]), "the process has not started"
        worker.send(Kind.COMMAND, b"[]", Sort.OTHER)
        await worker.settled()
        assert worker.lay_down(pads[0])
        assert worker.lay_down(pads[1])
        await asyncio.sleep(0.05)
        count = len(listening.answers)
        worker.send(Kind.COMMAND, b"[]", Sort.OTHER)
        await worker.settled()
        found = [getattr(answer.said[0], "reason", None) for _, answer in listening.answers[count:]]
        assert found == ["[0.25, 0.5]", "[]"]
        worker.end(None)
        assert not worker.lay_down(pads[0])


@leaves_nothing
async def test_what_nobody_asked_for_is_heard_too() -> None:
    async with running("say(Kind.UNASKED, 'ok\\n-1\\n2\\n'); list(commands())") as (_, listening):
        await eventually(lambda: listening.answers != [])
        assert listening.answers == [(None, Answer(listening.answers[0][1].status, 2))]


@pytest.mark.parametrize(
    "program",
    [
        "list(zip(commands(), range(1))); import time; time.sleep(600)",
        "for _ in commands():\n    while True: pass",
    ],
)
@leaves_nothing
async def test_a_command_that_stays_unanswered_ends_the_process(program: str) -> None:
    async with running(program, QUICK) as (worker, listening):
        worker.send(Kind.COMMAND, b"[]", Sort.EVENT)
        settled = worker.settled()
        await eventually(lambda: listening.ends != [])
        assert listening.ends == [Ended.HUNG]
        await settled
        worker.send(Kind.COMMAND, b"[]", Sort.EVENT)
        assert worker.is_over()


@leaves_nothing
async def test_a_process_that_is_asked_nothing_is_pinged() -> None:
    limits = Limits(patience_s=0.2, start_s=60, tick_s=0.02, ping_s=0.04)
    async with running("import time; time.sleep(600)", limits) as (_, listening):
        await eventually(lambda: listening.ends != [])
        assert listening.ends == [Ended.HUNG]


@leaves_nothing
async def test_a_loop_that_stood_still_itself_blames_nobody() -> None:
    """Answers that came meanwhile are read before the next tick counts."""
    async with running(ANSWER_ALL, Limits(patience_s=0.3, start_s=60, tick_s=0.1)) as (
        worker,
        listening,
    ):
        await worker.settled()
        for _ in range(3):
            worker.send(Kind.COMMAND, b"x", Sort.EVENT)
            await asyncio.sleep(0.01)
            import time

            time.sleep(0.5)
            await worker.settled()
        assert listening.ends == []


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("say(Kind.ANSWER); list(commands())", Ended.NO_SENSE),
        ("say(Kind.HELLO); list(commands())", Ended.NO_SENSE),
        ("os.write(1, b'nonsense'); list(commands())", Ended.NO_SENSE),
        ("say(Kind.UNASKED, 'nonsense'); list(commands())", Ended.NO_SENSE),
        ("say(Kind.UNASKED, 'broken\\n-1\\n1\\n'); list(commands())", Ended.NO_SENSE),
        ("os.write(1, frames.encode(Kind.UNASKED, b'')); list(commands())", Ended.NO_SENSE),
        ("os.write(1, struct.pack('<cI', b'A', 1 << 30)); list(commands())", Ended.NO_SENSE),
        ("say(Kind.UNASKED, cpu_s=1000); list(commands())", Ended.TOO_MUCH),
        ("for _ in range(5000): say(Kind.UNASKED)", Ended.TOO_MUCH),
        (
            "for _ in range(50): say(Kind.UNASKED, 'ok\\n-1\\n0\\n' + '\\n'.join(['i1 00'] * 100))",
            Ended.TOO_MUCH,
        ),
        (
            "for _ in range(50): say(Kind.UNASKED, 'ok\\n-1\\n0\\ni1 ' + '00' * 100_000)",
            Ended.TOO_MUCH,
        ),
        ("sys.exit(0)", Ended.DIED),
        ("os.kill(os.getpid(), 9)", Ended.DIED),
    ],
)
@leaves_nothing
async def test_whatever_makes_no_sense_ends_the_process(program: str, why: Ended) -> None:
    async with running(program) as (_, listening):
        await eventually(lambda: listening.ends != [])
        assert listening.ends == [why]


@leaves_nothing
async def test_what_it_said_last_counts_although_its_end_is_heard_of_first() -> None:
    listening = Listening()
    worker = Worker(listening, PATIENT)
    worker.process_exited()
    worker.pipe_data_received(1, frames.encode(Kind.HELLO))
    worker.pipe_data_received(1, frames.encode_answer(Kind.UNASKED, 0.0, "ok\n-1\n0\n"))
    assert listening.ends == []
    worker.pipe_connection_lost(1, None)
    assert len(listening.answers) == 1
    assert listening.ends == [Ended.DIED]


@leaves_nothing
async def test_without_hello_it_was_not_started() -> None:
    for command in (["/no/such/program"], [sys.executable, "-c", ""]):
        listening = Listening()
        worker = Worker(listening, PATIENT)
        await worker.start(command)
        await worker.gone()
        assert listening.ends == [Ended.NOT_STARTED]


@leaves_nothing
async def test_anything_before_hello_makes_no_sense() -> None:
    listening = Listening()
    worker = Worker(listening, PATIENT)
    await worker.start(
        [sys.executable, "-c", "import os; os.write(1, b'A\\0\\0\\0\\0'); os.read(0, 1)"]
    )
    await eventually(lambda: listening.ends != [])
    assert listening.ends == [Ended.NO_SENSE]
    await worker.gone()


@leaves_nothing
async def test_a_process_that_does_not_read_is_behind() -> None:
    limits = Limits(patience_s=60, start_s=60, unsent_bytes=100_000)
    async with running("import time; time.sleep(600)", limits) as (worker, _):
        assert not worker.is_behind()
        for _ in range(8):
            worker.send(Kind.COMMAND, bytes(50_000), Sort.OTHER)
        assert worker.is_behind()


@leaves_nothing
async def test_ended_before_it_ran_it_is_killed() -> None:
    listening = Listening()
    worker = Worker(listening, PATIENT)
    starting = asyncio.ensure_future(
        worker.start([sys.executable, "-c", "import time; time.sleep(600)"])
    )
    await asyncio.sleep(0)
    worker.end(None)
    await starting
    await asyncio.wait_for(worker.gone(), 30)
    assert worker.is_gone()
    assert listening.ends == []


def test_the_environment_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSTEMROOT", "C:\\Windows")
    assert environment() == ({} if sys.platform != "win32" else {"SYSTEMROOT": "C:\\Windows"})
    monkeypatch.setattr(sys, "platform", "win32")
    assert environment() == {"SYSTEMROOT": "C:\\Windows"}
