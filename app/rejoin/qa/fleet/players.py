"""The players of one batch, in one event loop: started one after another, dropped together.

Rule 1: no player starts before all batches are placed, and no fault begins before every player of
        the fleet is live or has failed.
Rule 2: every player has a result, even one that raises, hangs or never starts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Literal, Protocol

from rejoin.qa import client_case
from rejoin.qa.client_case import Job
from rejoin.qa.fleet.messages import AllLive, Batch, Cost, FromBatch, Placed, Result
from rejoin.qa.ledger import default_folder
from rejoin.qa.results import CaseRecord
from rejoin.qa.session_guard import Guarded, SessionGuard
from rejoin.qa.verdicts import Judgement, Verdict, Why
from rejoin.tasks import cancel, spawn

Signal = Literal["start", "begin", "stop"]
"""All batches are placed; all players are live; the run was interrupted."""
ASK_EVERY_S: Final = 1.0


class Signals(Protocol):
    """Of the whole run."""

    def wait(self, signal: Signal, timeout_s: float) -> bool:
        """Block until it was given; False when the time is up. May be called on any thread."""


class Gate:
    """Opens once every player has come to it or has gone."""

    def __init__(self, players: int, on_all: Callable[[int], None]) -> None:
        self._missing = players
        self._live = 0
        self._on_all = on_all
        self._opened = asyncio.Event()

    def gone(self) -> None:
        """A player will not come."""
        self._missing -= 1
        if self._missing == 0:
            self._on_all(self._live)

    async def passed(self) -> None:
        """A player has come, and waits."""
        self._live += 1
        self.gone()
        await self._opened.wait()

    def open(self) -> None:
        """Let all pass."""
        self._opened.set()


async def play_batch(
    batch: Batch,
    say: Callable[[FromBatch], None],
    signals: Signals,
    memory: Callable[[], int | None],
) -> None:
    """Play every job. `memory`: bytes that this process uses now."""
    say(Placed(batch.number))
    while not await asyncio.to_thread(signals.wait, "start", ASK_EVERY_S):
        if await asyncio.to_thread(signals.wait, "stop", 0.0):
            return
    guard = None
    if batch.guarded:
        guard = SessionGuard(batch.jobs[0].profile, default_folder())
    try:
        await _Players(batch, say, signals, guard, memory).play()
    finally:
        if guard is not None:
            await asyncio.to_thread(guard.close)


class _Players:
    def __init__(
        self,
        batch: Batch,
        say: Callable[[FromBatch], None],
        signals: Signals,
        guard: SessionGuard | None,
        memory: Callable[[], int | None],
    ) -> None:
        self._batch = batch
        self._say = say
        self._signals = signals
        self._guard = guard
        self._memory = memory
        self._gate = Gate(len(batch.jobs), lambda live: say(AllLive(batch.number, live)))

    async def play(self) -> None:
        before, most = self._memory(), 0
        began_at, cpu_s = time.monotonic(), time.process_time()
        players = [
            spawn(self._player(job, after_s), name=f"player {job.index}")
            for job, after_s in zip(self._batch.jobs, self._batch.starts_after_s, strict=True)
        ]
        stopping = spawn(self._until_stopped(players), name="stop")
        opening = spawn(self._until_all_live(), name="begin")
        waiting = set(players)
        while waiting:
            _, waiting = await asyncio.wait(waiting, timeout=ASK_EVERY_S)
            most = max(most, self._memory() or 0)
        await cancel(stopping, opening)
        grew = None if before is None else max(0, most - before)
        took_s, used_s = time.monotonic() - began_at, time.process_time() - cpu_s
        self._say(Cost(self._batch.number, len(players), took_s, used_s, grew))

    async def _player(self, job: Job, after_s: float) -> None:
        started_at, began_at = client_case.utc_now(), time.monotonic()
        came = False

        async def pass_gate() -> None:
            nonlocal came
            came = True
            await self._gate.passed()

        def failed(verdict: Verdict, why: Why, sentence: str) -> CaseRecord:
            judgement = Judgement(verdict, why, (sentence,))
            return job.record(judgement, started_at, time.monotonic() - began_at)

        try:
            await asyncio.sleep(after_s)
            async with asyncio.timeout(self._batch.limit_s):
                record = await self._play(job, pass_gate)
        except TimeoutError:
            sentence = f"it was not over after {self._batch.limit_s:g} s"
            record = failed(Verdict.FAILED, Why.TIMEOUT, sentence)
        except asyncio.CancelledError:
            record = failed(Verdict.INCONCLUSIVE, Why.INTERRUPTED, "it was interrupted")
        except Exception as error:  # a player that dies is a result
            record = failed(Verdict.FAILED, Why.CLIENT, f"{type(error).__name__}: {error}")
        finally:
            if not came:
                self._gate.gone()
        self._say(Result(self._batch.number, job.index, record))

    async def _play(self, job: Job, may_begin: Callable[[], Awaitable[None]]) -> CaseRecord:
        guarded: Guarded | None = None
        known: list[str] = []
        writing: list[asyncio.Task[None]] = []
        if self._guard is not None:
            # On a thread: the ledger waits for the disk, and other players would wait with it.
            guarded = await asyncio.to_thread(self._guard.begin, job.case.name)

        def on_session(session_id: str) -> None:
            if guarded is not None and session_id not in known:
                note = asyncio.to_thread(guarded.known, session_id)
                writing.append(spawn(note, name="ledger"))
            known.append(session_id)

        try:
            record, _ = await client_case.play(job, on_session, may_begin)
        finally:
            if writing:
                await asyncio.wait(writing)
        over = record.played is not None and record.played.session_ended
        if guarded is not None and (over or not known):
            await asyncio.to_thread(guarded.over)
        return record

    async def _until_all_live(self) -> None:
        while not await asyncio.to_thread(self._signals.wait, "begin", ASK_EVERY_S):
            pass
        self._gate.open()

    async def _until_stopped(self, players: list[asyncio.Task[None]]) -> None:
        while not await asyncio.to_thread(self._signals.wait, "stop", ASK_EVERY_S):
            pass
        for player in players:
            player.cancel()  # which ends its game
