"""What gamepads cost, and how soon a button's bytes are there: SDL's own pads, no hardware.

CPU is counted of the three that work: the thread that reads the pads, the event loop, the sandbox.
Between them is what the client has there (`ModuleInput`), up to the connection: its data channels
take the bytes and are asked for their states, but nothing is sent. The thread that moves the pads
is not counted. A virtual pad has no device that could be waited for, so SDL is asked every 8 ms;
"waited for" has a pipe in the place of the kernel's device, into which the bench writes whenever it
moves the pad. What the kernel itself takes is not in it.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import cast

from bench.measure import Measurement, percentile
from bench.process_usage import cpu_s
from helpers.fake_module import SCRIPT_URL
from helpers.virtual_pads import LEFT_X, LEFT_Y, A, VirtualPad
from helpers.waiting import eventually
from rejoin.core import events
from rejoin.core.model import ConnectionNumber
from rejoin.emulator.service.protocol_script import protocol_script
from rejoin.gamepads import sdl_library
from rejoin.gamepads.choices import PadChoices
from rejoin.gamepads.device_watch import DeviceWatch
from rejoin.gamepads.reader import Gamepads
from rejoin.gamepads.sdl_source import SdlSource
from rejoin.input_events.events import PadState
from rejoin.input_module.port import Reports
from rejoin.input_module.sandbox import Sandbox
from rejoin.interpreter import loop_factory
from rejoin.media.statistics import StreamStatistics
from rejoin.rtc.channels import ChannelState
from rejoin.runtime.connections import Connections
from rejoin.runtime.module_input import ModuleInput
from rejoin.runtime.module_states import InputParts
from rejoin.runtime.ports import PeerPort

MOVE_EVERY_S = 0.004
"""As a pad of 250 reports a second."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Percent of a core."""

    reader: float
    loop: float
    sandbox: float

    @property
    def whole(self) -> float:
        return self.reader + self.loop + self.sandbox


@dataclass
class Connection:
    """Takes what the module sends, in the place of a peer."""

    times: list[float] = field(default_factory=list)
    """When bytes came."""

    def send(self, _label: str, _data: bytes | str) -> bool:
        self.times.append(time.perf_counter())
        return True

    def channel_state(self, _label: str) -> ChannelState:
        return ChannelState("open", 0)

    def statistics(self) -> StreamStatistics:
        return StreamStatistics(_ONE)

    async def close(self) -> None: ...


class Script:
    """Our own module, which need not be fetched."""

    async def prepare(self) -> None: ...

    async def fetch(self, url: str, *, within_s: float) -> str:
        del url, within_s
        return protocol_script()


_ONE = ConnectionNumber(1)


@asynccontextmanager
async def game() -> AsyncIterator[tuple[ModuleInput, Sandbox, Connection]]:
    """A game that takes input, as the client joins it to its module."""
    connections, connection, posted = Connections(), Connection(), list[events.Event]()
    connections.add(_ONE, cast(PeerPort, connection))
    sandboxes: list[Sandbox] = []

    def make_sandbox(reports: Reports) -> Sandbox:
        sandboxes.append(Sandbox(reports))
        return sandboxes[-1]

    module = ModuleInput(connections, InputParts(Script(), make_sandbox), posted.append)
    module.begin()
    answer = {"type": "answer", "sdp": "v=0", "webSdkProtocolUrl": SCRIPT_URL}
    module.answered(_ONE, json.dumps(answer))
    module.attach(_ONE)
    await eventually(lambda: events.InputModuleKnown(_ONE, None) in posted)
    (sandbox,) = sandboxes
    await sandbox.settle()
    pid = sandbox.pid
    try:
        yield module, sandbox, connection
        assert sandbox.pid == pid, "it was replaced, so its CPU time is not known"
    finally:
        await module.close()
        connections.close(_ONE)
        await asyncio.gather(*connections.closing)


def clock_of(thread: threading.Thread | None) -> float:
    if thread is None or thread.ident is None:
        return 0.0
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))


async def usage(pads: Gamepads | None, sandbox: Sandbox, seconds: float) -> Usage:
    pid = sandbox.pid
    assert pid is not None
    thread = None if pads is None else pads._thread
    before = (clock_of(thread), time.thread_time(), cpu_s(pid), time.perf_counter())
    await asyncio.sleep(seconds)
    after = (clock_of(thread), time.thread_time(), cpu_s(pid), time.perf_counter())
    took_s = after[3] - before[3]
    return Usage(*((after[at] - before[at]) / took_s * 100 for at in range(3)))


class Devices:
    """A pipe in the place of a pad's device, without and with a mask."""

    def __init__(self) -> None:
        self._pipes = {masked: os.pipe() for masked in (False, True)}

    def watch(self) -> DeviceWatch:
        return DeviceWatch(lambda _path, masked: os.dup(self._pipes[masked][0]))

    def moved(self) -> None:
        os.write(self._pipes[False][1], b"x")

    def pressed(self) -> None:
        self.moved()
        os.write(self._pipes[True][1], b"x")

    def close(self) -> None:
        for ends in self._pipes.values():
            for end in ends:
                os.close(end)


class WatchedSource(SdlSource):
    """Virtual pads that have a device."""

    def _device(self, controller: int) -> str:
        return "a pipe"


@contextmanager
def moving(pads: list[VirtualPad], devices: Devices | None = None) -> Iterator[None]:
    """Both axes of every left stick, all the time."""
    ended = threading.Event()

    def move() -> None:
        turn = 0
        while not ended.wait(MOVE_EVERY_S):
            turn += 1
            for pad in pads:
                pad.move(LEFT_X, turn * 7919 % 32000)
                pad.move(LEFT_Y, -(turn * 6151 % 32000))
            if devices is not None:
                devices.moved()

    thread = threading.Thread(target=move)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


async def latencies_ms(
    pad: VirtualPad,
    sent: list[tuple[float, PadState]],
    connection: Connection,
    count: int,
    devices: Devices | None = None,
) -> tuple[list[float], list[float]]:
    """From a press or release of the device to its state, and to the module's bytes."""
    to_state, to_bytes = [], []
    for number in range(count):
        await asyncio.sleep(0.25 + 0.0137 * (number % 7))  # the module is silent again
        sent.clear()
        connection.times.clear()
        began = time.perf_counter()
        (pad.press if number % 2 == 0 else pad.release)(A)
        if devices is not None:
            devices.pressed()
        await eventually(lambda: bool(sent and connection.times))
        to_state.append((sent[0][0] - began) * 1000)
        to_bytes.append((connection.times[0] - began) * 1000)
    pad.release(A)
    return to_state, to_bytes


Sent = tuple[list[tuple[float, PadState]], Callable[[PadState], None]]
"""The states that were sent, and what sends them."""


async def watched(
    sandbox: Sandbox,
    connection: Connection,
    sent: Sent,
    found: list[tuple[str, Usage]],
    size: tuple[int, float],
) -> tuple[list[float], list[float]]:
    """One pad whose device can be waited for; as `latencies_ms`."""
    (states, send), (count, seconds) = sent, size
    devices = Devices()
    gamepads = Gamepads(PadChoices(), make_source=WatchedSource, make_watch=devices.watch)
    gamepads.connect(send)
    gamepads.focus(True)
    gamepads.open()
    await eventually(lambda: gamepads._watch is not None)
    pad = VirtualPad()
    try:
        await eventually(lambda: bool(states))
        await asyncio.sleep(0.3)
        found.append(("1 pad that is waited for, at rest", await usage(gamepads, sandbox, seconds)))
        with moving([pad], devices):
            name = "1 pad that is waited for, sticks moving"
            found.append((name, await usage(gamepads, sandbox, seconds)))
        for axis in (LEFT_X, LEFT_Y):
            pad.move(axis, 0)
        devices.moved()
        return await latencies_ms(pad, states, connection, count, devices)
    finally:
        gamepads.stop()
        pad.unplug()
        devices.close()


async def measure(quick: bool) -> list[Measurement]:
    count, seconds = (6, 1.0) if quick else (100, 10.0)
    loop = asyncio.get_running_loop()
    sent: list[tuple[float, PadState]] = []
    found: list[tuple[str, Usage]] = []
    async with game() as (module, sandbox, connection):

        def send(state: PadState) -> None:
            sent.append((time.perf_counter(), state))
            if not module.lay_down(state):
                loop.call_soon_threadsafe(module.send_input, state)

        found.append(("before there are gamepads", await usage(None, sandbox, seconds)))
        gamepads = Gamepads(PadChoices())
        gamepads.connect(send)
        gamepads.focus(True)
        gamepads.open()
        sdl = sdl_library.load()
        await eventually(lambda: bool(sdl.SDL_WasInit(sdl_library.INIT_GAMECONTROLLER)))
        await asyncio.sleep(0.5)
        pads: list[VirtualPad] = []
        try:
            found.append(("no pad", await usage(gamepads, sandbox, seconds)))
            for number in (1, 4):
                while len(pads) < number:
                    pads.append(VirtualPad())
                await eventually(lambda: len({pad.index for _, pad in sent}) >= len(pads))
                await asyncio.sleep(0.3)
                name = "1 pad" if number == 1 else f"{number} pads"
                found.append((f"{name} at rest", await usage(gamepads, sandbox, seconds)))
                with moving(pads):
                    found.append(
                        (f"{name}, sticks moving", await usage(gamepads, sandbox, seconds))
                    )
            for pad in pads[1:]:
                pad.unplug()
            for axis in (LEFT_X, LEFT_Y):
                pads[0].move(axis, 0)
            to_state, to_bytes = await latencies_ms(pads[0], sent, connection, count)
            gamepads.close()
            found.append(("1 pad, input closed", await usage(gamepads, sandbox, seconds)))
        finally:
            gamepads.stop()
            for pad in pads:
                pad.unplug()
        sent.clear()
        watched_to_state, watched_to_bytes = await watched(
            sandbox, connection, (sent, send), found, (count, seconds)
        )
    lines = []
    for name, used in found:
        note = f"reader {used.reader:.1f}, loop {used.loop:.1f}, sandbox {used.sandbox:.1f}"
        lines.append(Measurement(f"{name}: all three", used.whole, "% of a core", note))
    presses = f"{count} presses and releases"
    return [
        *lines,
        Measurement("button to state, median", percentile(to_state, 50), "ms", presses),
        Measurement("button to state, p95", percentile(to_state, 95), "ms", presses),
        Measurement("button to bytes, median", percentile(to_bytes, 50), "ms", presses),
        Measurement("button to bytes, p95", percentile(to_bytes, 95), "ms", presses),
        Measurement(
            "waited for: button to state, median", percentile(watched_to_state, 50), "ms", presses
        ),
        Measurement(
            "waited for: button to state, p95", percentile(watched_to_state, 95), "ms", presses
        ),
        Measurement(
            "waited for: button to bytes, median", percentile(watched_to_bytes, 50), "ms", presses
        ),
        Measurement(
            "waited for: button to bytes, p95", percentile(watched_to_bytes, 95), "ms", presses
        ),
    ]


def run(quick: bool) -> Iterator[Measurement]:
    factory = loop_factory()
    with asyncio.Runner(loop_factory=factory) as runner:
        yield from runner.run(measure(quick))


if __name__ == "__main__":
    for each in run(bool(os.environ.get("QUICK"))):
        print(f"{each.name}: {each.value:.3f} {each.unit} {each.conditions}")
