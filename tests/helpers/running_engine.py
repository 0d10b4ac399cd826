"""Runs an engine loop with fake peers and a fake backend, together with a test's script."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from helpers.fake_world import FakeWorld
from rejoin.core import events
from rejoin.core.model import Ending, Snapshot, Stage
from rejoin.core.trace import Record
from rejoin.core.trace_names import COMMANDS, EVENTS
from rejoin.runtime.engine_loop import EngineLoop
from rejoin.runtime.module_states import InputParts
from rejoin.runtime.ports import EngineOptions, EnginePorts, MakeProbes, TicketStore


class FakeWatch:
    """A network watch; the test posts its events."""

    def __init__(self) -> None:
        self.actions: list[str] = []
        self.post: Callable[[events.Event], None] = lambda event: None

    def made(self, post: Callable[[events.Event], None]) -> FakeWatch:
        self.post = post
        return self

    def start(self) -> None:
        self.actions.append("start")

    def close(self) -> None:
        self.actions.append("close")


class RunningEngine:
    """An engine loop, and all around it that a test controls or reads."""

    def __init__(
        self,
        tickets: TicketStore | None = None,
        parts: Callable[[], InputParts] | None = None,
        answers_url: str | None = None,
        probes: MakeProbes | None = None,
    ) -> None:
        """`parts`: makes those of an input module. `answers_url`: of its script, in answers."""
        self.slept_s = 0.0
        """How long the machine has slept so far; boot time includes it."""
        self.world = FakeWorld(self.clock)
        self.world.script_url = answers_url
        self.records: list[Record] = []
        self.refreshed = 0
        self.addresses = {"127.0.0.1"}
        """The addresses that this machine has."""
        self.watch = FakeWatch()
        self.engine = EngineLoop(
            EnginePorts(
                backend=self.world,
                make_peer=self.world.make_peer,
                watch=self.watch.made,
                tickets=tickets,
                refresh_sign_in=self._refresh,
                make_probes=probes,
            ),
            EngineOptions(
                clock=self.clock,
                awake_clock=time.monotonic,
                has_address=lambda address: address in self.addresses,
                draw=lambda: 0.0,
                on_record=self.records.append,
            ),
            None if parts is None else parts(),
        )

    def clock(self) -> float:
        return time.monotonic() + self.slept_s

    async def _refresh(self) -> None:
        self.refreshed += 1

    @property
    def snapshot(self) -> Snapshot:
        return self.engine.snapshots.current

    def events(self, name: str) -> list[Record]:
        """The trace records with this name, which must be one of an event or a command."""
        assert name in EVENTS.values() or name in COMMANDS.values(), name
        return [record for record in self.records if record.name == name]

    async def until(self, true: Callable[[], bool]) -> None:
        for _ in range(6000):
            if true():
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"timed out: {self.snapshot}")

    async def stage(self, stage: Stage, episode: int = 0) -> None:
        def reached() -> bool:
            return self.snapshot.stage is stage and self.snapshot.episode >= episode

        await self.until(reached)


def play(
    script: Callable[[RunningEngine], Awaitable[None]],
    tickets: TicketStore | None = None,
    first: events.Event | None = None,
    parts: Callable[[], InputParts] | None = None,
    answers_url: str | None = None,
    probes: MakeProbes | None = None,
) -> tuple[RunningEngine, Ending]:
    """Run an engine from its first event (StartRequested) to its end, along with a script."""

    async def main() -> tuple[RunningEngine, Ending]:
        it = RunningEngine(tickets, parts, answers_url, probes)
        it.engine.post(first or events.StartRequested())
        running = asyncio.ensure_future(it.engine.run())
        try:
            await script(it)
            return it, await asyncio.wait_for(running, 60)
        finally:
            running.cancel()

    return asyncio.run(main())
