"""Input: from an event of the player to the bytes of the module, through its sandbox

The emulator's module in a real sandbox process, without window and connection. "Event to bytes" is
the time from `Sandbox.dispatch` until the bytes are reported, one event at a time. The mouse moves
a thousand times a second; CPU time is that of both processes, in percent of one core.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bench.measure import Measurement, percentile
from bench.process_usage import cpu_s, rss_mb
from rejoin.emulator.service.protocol_script import protocol_script
from rejoin.input_events.events import Button, InputEvent, KeyEvent, PointerButton, PointerMove
from rejoin.input_events.wishes import VibrationWish
from rejoin.input_module.port import Channel, ChannelState, ModuleOptions, ModuleProblem
from rejoin.input_module.sandbox import Sandbox
from rejoin.interpreter import loop_factory

MOUSE_HZ = 1000


@dataclass
class Reported:
    """When bytes came, and how many messages."""

    times: list[float] = field(default_factory=list)
    problems: list[ModuleProblem] = field(default_factory=list)

    def send(self, _instance: int, channel: Channel, _data: bytes | str) -> None:
        if channel is Channel.INPUT:
            self.times.append(time.perf_counter())

    def server_disconnected(self, instance: int, reason: str) -> None: ...
    def application_message(self, instance: int, data: bytes) -> None: ...
    def performance(self, instance: int, statistics: Mapping[str, object]) -> None: ...
    def pointer_lock(self, instance: int, wanted: bool) -> None: ...
    def full_screen(self, instance: int, wanted: bool) -> None: ...
    def cursor(self, instance: int, keyword: str) -> None: ...
    def vibration(self, instance: int, wish: VibrationWish) -> None: ...

    def failed(self, problem: ModuleProblem) -> None:
        self.problems.append(problem)


@asynccontextmanager
async def attached() -> AsyncIterator[tuple[Sandbox, Reported, float]]:
    """A sandbox whose module is attached, what it reports, and the seconds until it was ready."""
    reported = Reported()
    began = time.perf_counter()
    sandbox = Sandbox(reported)
    await sandbox.prepare(protocol_script())
    ready_s = time.perf_counter() - began
    sandbox.make_instance(1, ModuleOptions("{}"))
    for channel in Channel:
        sandbox.channel_state(channel, ChannelState("open"))
    sandbox.attach()
    await sandbox.settle()
    try:
        yield sandbox, reported, ready_s
    finally:
        await sandbox.close()


async def latency_ms(sandbox: Sandbox, reported: Reported, count: int) -> list[float]:
    """Milliseconds from each of `count` events to its first bytes."""
    found = []
    for number in range(count):
        pressed = number % 2 == 0
        event: InputEvent = KeyEvent("KeyW", "w", pressed)
        if number % 4 >= 2:
            event = PointerButton(Button.LEFT, pressed, 5, 5, buttons=int(pressed))
        reported.times.clear()
        began = time.perf_counter()
        sandbox.dispatch(event)
        await sandbox.settle()
        found.append((reported.times[0] - began) * 1000)
        # The module repeats its state for a while; the next event comes in between.
        await asyncio.sleep(0.007)
    return found


async def mouse(sandbox: Sandbox, reported: Reported, seconds: float) -> tuple[float, float, float]:
    """CPU percent of parent and sandbox, and milliseconds that the last events took to settle."""
    pid = sandbox.pid
    assert pid is not None
    own, child, began = time.process_time(), cpu_s(pid), time.perf_counter()
    reported.times.clear()
    for number in range(round(seconds * MOUSE_HZ)):
        sandbox.dispatch(PointerMove(1, -1, 5, 5))
        ahead_s = began + (number + 1) / MOUSE_HZ - time.perf_counter()
        if ahead_s > 0:
            await asyncio.sleep(ahead_s)
        elif number % 8 == 0:
            await asyncio.sleep(0)
    took_s = time.perf_counter() - began
    own, child = time.process_time() - own, cpu_s(pid) - child
    before = time.perf_counter()
    await sandbox.settle()
    queued_ms = (time.perf_counter() - before) * 1000
    return own / took_s * 100, child / took_s * 100, queued_ms


async def idle(seconds: float) -> float:
    """CPU percent that the loop of `mouse` itself takes, without a sandbox."""
    own, began = time.process_time(), time.perf_counter()
    for number in range(round(seconds * MOUSE_HZ)):
        PointerMove(1, -1, 5, 5)
        ahead_s = began + (number + 1) / MOUSE_HZ - time.perf_counter()
        if ahead_s > 0:
            await asyncio.sleep(ahead_s)
        elif number % 8 == 0:
            await asyncio.sleep(0)
    return (time.process_time() - own) / (time.perf_counter() - began) * 100


async def measure(quick: bool) -> list[Measurement]:
    count, seconds = (40, 1.0) if quick else (1000, 10.0)
    async with attached() as (sandbox, reported, ready_s):
        latencies = await latency_ms(sandbox, reported, count)
        parent, child, queued_ms = await mouse(sandbox, reported, seconds)
        memory = rss_mb(sandbox.pid)
        assert reported.problems == []
    base = await idle(seconds)
    events = f"{count} keys and buttons"
    moves = f"{MOUSE_HZ} movements a second for {seconds:.0f} s"
    return [
        Measurement("start until the script is evaluated", ready_s * 1000, "ms"),
        Measurement("event to bytes, median", percentile(latencies, 50), "ms", events),
        Measurement("event to bytes, p95", percentile(latencies, 95), "ms", events),
        Measurement("event to bytes, p99", percentile(latencies, 99), "ms", events),
        Measurement("mouse: this process", parent, "% of a core", moves),
        Measurement("mouse: of it the loop of this bench", base, "% of a core", moves),
        Measurement("mouse: sandbox", child, "% of a core", moves),
        Measurement("mouse: both, without the bench", parent - base + child, "% of a core", moves),
        Measurement("mouse: what was queued at the end", queued_ms, "ms", moves),
        Measurement("memory of the sandbox", memory, "MB"),
    ]


def run(quick: bool) -> Iterator[Measurement]:
    factory = loop_factory()
    with asyncio.Runner(loop_factory=factory) as runner:
        yield from runner.run(measure(quick))


if __name__ == "__main__":
    for each in run(bool(os.environ.get("QUICK"))):
        print(f"{each.name}: {each.value:.3f} {each.unit}")
