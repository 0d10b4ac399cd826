"""One client's injector: starts faults by value, lifts them, and reports their effect.

    injector = Injector(seed=1)
    player = Player(profile, PlayerOptions(hooks=injector.hooks))
    injector.attach(player.post)
    running = injector.start(*plan.faults)      # on the player's event loop
    injector.lift(running)

With the same seed, faults and packets the same packets are lost and delayed, by the rules of
`netem/link`. The first fault of a client draws from the seed itself, as the emulator's relay does,
each later one from the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import assert_never

from rejoin.core.events import Event, NetworkFound, NetworkLost
from rejoin.injector.clocks import Clocks
from rejoin.injector.faults import (
    ClockJump,
    Fault,
    HttpFault,
    NetworkEvent,
    PathFault,
    Rebind,
    Sleep,
)
from rejoin.injector.http_faults import HttpFaults
from rejoin.injector.paths import Paths
from rejoin.rtc.socket_filter import SocketEnds, SocketFilter
from rejoin.runtime.client_hooks import ClientHooks
from rejoin.tasks import cancel, spawn


@dataclass(frozen=True, slots=True)
class Figures:
    """What the injector did. `packets`: those that a link decided about. `dropped`: by the reason.
    Lateness: how many milliseconds later than its link said a delayed packet was passed on; None
    while none was delayed. `calls`: those that met a fault, by its kind."""

    packets: int
    delayed: int
    dropped: dict[str, int]
    rebound: int
    calls: dict[str, int]
    lateness_p50_ms: float | None
    lateness_p95_ms: float | None
    lateness_max_ms: float | None


@dataclass(slots=True, eq=False)
class Running:
    """Faults that were started together."""

    faults: tuple[Fault, ...]
    timers: list[asyncio.TimerHandle] = field(default_factory=list)
    undo: list[Callable[[], None]] = field(default_factory=list)
    """What ends those of them that have begun."""


class Injector:
    """The faults of one client. All methods are for the event loop of its player."""

    def __init__(self, seed: int = 1) -> None:
        self.paths = Paths()
        self.http = HttpFaults()
        self._clocks = Clocks()
        self.next_seed = seed
        """Which packets the next path fault meets."""
        self._post: Callable[[Event], None] = lambda event: None
        self._running: list[Running] = []
        self._rebinding: set[asyncio.Task[None]] = set()

    @property
    def hooks(self) -> ClientHooks:
        """What the player is made with."""
        return ClientHooks(self._open_filter, self.http.around, self._clocks.awake_s)

    def attach(self, post: Callable[[Event], None]) -> None:
        """`post`: passes network events to the player's engine, in place of the system's."""
        self._post = post

    def start(self, *faults: Fault) -> Running:
        """Begin these faults, each after its time. Raises ValueError for a profile that depends on
        a window and has none; nothing is begun then."""
        running = Running(faults)
        for fault in faults:
            _check(fault)
        self._running.append(running)
        loop = asyncio.get_running_loop()
        for fault in faults:
            if fault.after_s:
                timer = loop.call_later(fault.after_s, self._begin, fault, running)
                running.timers.append(timer)
            else:
                self._begin(fault, running)
        return running

    def lift(self, running: Running | None = None) -> None:
        """End these faults, or all. What has not begun does not begin."""
        for each in [running] if running is not None else list(self._running):
            if each in self._running:
                self._running.remove(each)
            for timer in each.timers:
                timer.cancel()
            for undo in reversed(each.undo):
                undo()
            each.undo.clear()

    @property
    def active(self) -> tuple[Fault, ...]:
        """What was started and not lifted."""
        return tuple(fault for running in self._running for fault in running.faults)

    def figures(self) -> Figures:
        counters, late = self.paths.counters, sorted(self.paths.lateness)
        return Figures(
            counters.packets,
            counters.delayed,
            dict(counters.dropped),
            counters.rebound,
            dict(self.http.met),
            _milliseconds(late, 0.50),
            _milliseconds(late, 0.95),
            _milliseconds(late, 1.0),
        )

    async def close(self) -> None:
        """Lift everything, and drop what is delayed."""
        self.lift()
        await cancel(*self._rebinding)
        self.http.close()
        self.paths.close()

    def _open_filter(self, ends: SocketEnds) -> SocketFilter:
        return self.paths.open_filter(ends)

    def _begin(self, fault: Fault, running: Running) -> None:
        match fault:
            case PathFault():
                path = self.paths.begin(fault, self.next_seed)
                self.next_seed += 1
                running.undo.append(lambda: self.paths.end(path))
            case HttpFault():
                active = self.http.begin(fault)
                running.undo.append(lambda: self.http.end(active))
            case Rebind():
                task = spawn(self.paths.rebind(), name="rebind")
                self._rebinding.add(task)
                task.add_done_callback(self._rebinding.discard)
                return
            case NetworkEvent(found=found):
                self._post(NetworkFound() if found else NetworkLost())
                return
            case Sleep(duration_s=asleep_s):
                assert asleep_s is not None
                self._clocks.sleep(asleep_s)
                self.paths.drain()
                return
            case ClockJump(by_s=by_s):
                self._clocks.jump(by_s)
                running.undo.append(self._clocks.set_right)
            case _:
                assert_never(fault)
        if fault.duration_s is not None:
            undo = running.undo[-1]
            timer = asyncio.get_running_loop().call_later(
                fault.duration_s, self._end, undo, running
            )
            running.timers.append(timer)

    @staticmethod
    def _end(undo: Callable[[], None], running: Running) -> None:
        if undo in running.undo:
            running.undo.remove(undo)
            undo()


def _check(fault: Fault) -> None:
    if isinstance(fault, PathFault) and fault.profile.cut is not None:
        fault.profile.cut.length_s(fault.window_s)


def _milliseconds(late_s: list[float], share: float) -> float | None:
    """The value below which this share of the sorted values lies."""
    if not late_s:
        return None
    return late_s[min(len(late_s) - 1, int(share * len(late_s)))] * 1000
