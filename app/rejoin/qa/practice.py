"""Practice drops in a window: the injector behind the menu of `rejoin practice`, and its trace."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, assert_never

from rejoin.clock import boot_s
from rejoin.core import trace
from rejoin.core.model import Ending, Snapshot, Stage
from rejoin.core.trace import Record
from rejoin.core.trace_names import FAULT_LIFTED, GAME_COMPARED, MARKER_SET
from rejoin.injector.faults import (
    ClockJump,
    Fault,
    HttpFault,
    Impairment,
    NetworkEvent,
    PathFault,
    Rebind,
    Scope,
    Sleep,
)
from rejoin.injector.injector import Injector, Running
from rejoin.injector.plans import AT_RUNNER, Plan, plan_of
from rejoin.media.video.scene import AFTER_S
from rejoin.netem.link import NetworkProfile
from rejoin.netem.network_profile import PLACES, Place
from rejoin.printable import printable
from rejoin.qa.game_watch import GameWatch
from rejoin.runtime.loop_access import LoopAccess
from rejoin.runtime.player import Player, PlayerOptions
from rejoin.runtime.practice_port import (
    MOST_NOTE,
    NO_TIMEOUT,
    Held,
    PracticeFinding,
    PracticeState,
)
from rejoin.verify.detector_score import OUTAGE

HELD: Final = "held"
"""The name that the fault of the sliders has in a trace."""
COMPARED_AFTER_S: Final = AFTER_S + 0.75
"""How long after a drop all pictures that are compared have arrived."""
_LEAST_S: Final = 1.0
"""The least time for which a fault is shown."""


def names(*, ours: bool) -> tuple[str, ...]:
    """The faults that a tester can put into a client and that have an effect. `ours`: whether the
    backend speaks our own dialect."""
    return tuple(
        name
        for name, place in PLACES.items()
        if place is not Place.HOST
        and name not in AT_RUNNER
        and name != "clean"
        and (ours or name != "http_queue")
    )


def lasts_s(plan: Plan) -> float | None:
    """How long the fault lasts by itself; None: until it is lifted."""
    found = [_fault_lasts_s(each) for each in plan.faults]
    known = [each for each in found if each is not None]
    return max(_LEAST_S, *known) if len(known) == len(found) else None


def ends_when_back(plan: Plan) -> bool:
    """Whether the fault ends together with the connection that it broke."""
    return any(isinstance(each, PathFault) and each.scope is Scope.EXISTING for each in plan.faults)


def _fault_lasts_s(fault: Fault) -> float | None:
    match fault:
        case Rebind() | NetworkEvent() | Sleep():
            return fault.after_s + (fault.duration_s or 0.0)
        case _ if fault.duration_s is not None:
            return fault.after_s + fault.duration_s
        case HttpFault() | ClockJump():
            return None
        case PathFault():
            return _path_lasts_s(fault)
        case _:
            assert_never(fault)


def _path_lasts_s(fault: PathFault) -> float | None:
    """How long the fault lasts; None if its profile is more than a cut and a rebind."""
    profile = fault.profile
    if replace(profile, cut=None, rebind_after_s=None) != NetworkProfile(
        profile.name, profile.description
    ):
        return None
    ends_s = profile.rebind_after_s or 0.0
    if profile.cut is not None:
        length_s = profile.cut.length_s(fault.window_s)
        if length_s is None:
            return None
        ends_s = max(ends_s, profile.cut.after_s + length_s)
    return fault.after_s + ends_s


@dataclass(slots=True, eq=False)
class _Named:
    """The named fault that is on."""

    name: str
    began_at: float
    running: Running
    ends_when_back: bool


class Practice:
    """The `runtime.practice_port.PracticePort` of a window, over all games that are played in it.

    `options` and `running` are for the code that makes a player; the rest is thread-safe.
    """

    def __init__(
        self,
        on_record: Callable[[Record], None] = lambda record: None,
        *,
        ours: bool = True,
        timeout_s: float | None = None,
        keeps_pictures: bool = True,
    ) -> None:
        """`on_record`: receives the trace, on several threads. `ours`: the backend's dialect is.
        `timeout_s`: the service's connection timeout, unless the backend reports it.
        `keeps_pictures`: markers may keep a picture of the game."""
        self.faults = names(ours=ours)
        self.note = on_record
        """Receives a record of the trace."""
        self.keeps_pictures = keeps_pictures
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._state = PracticeState()
        self._game: _Game | None = None

    def state(self) -> PracticeState:
        with self._lock:
            return self._state

    def options(self, options: PlayerOptions) -> PlayerOptions:
        """Of a player into which faults can be put."""
        self._set(fault="", held=Held(), problem="")
        self._game = game = _Game(self)
        return replace(
            options,
            hooks=game.injector.hooks,
            slot=game.watch,
            on_application_message=game.watch.on_message,
            on_record=self._on_record,
        )

    def running(self, player: Player) -> Callable[[], Coroutine[Any, Any, Ending]]:
        """The player's `run`, with faults. The player was made with `options`."""
        assert self._game is not None
        return partial(self._game.run, player)

    def begin(self, fault: str, seed: int) -> None:
        self._call(lambda game: game.begin(fault, seed))

    def hold(self, held: Held, seed: int) -> None:
        self._call(lambda game: game.hold(held, seed))

    def lift(self) -> None:
        self._call(lambda game: game.lift())

    def mark(self, at: float, note: str, picture: str) -> None:
        note = printable(note)[:MOST_NOTE]
        self.note(trace.of_tester(MARKER_SET, at, note=note, picture=picture))

    # --- on the stream thread -------------------------------------------------------------------

    def change(self, **changes: Any) -> None:
        """Of the state, by a game."""
        self._set(**changes)

    @property
    def window_s(self) -> float | None:
        """How long a service keeps the game, as far as it is known."""
        return self._timeout_s

    def _on_record(self, record: Record) -> None:
        self.note(record)
        view = record.data.get("view")
        timeout_s = view.get("connection_timeout_s") if isinstance(view, dict) else None
        if timeout_s is not None:
            self._timeout_s = float(timeout_s)

    def _set(self, **changes: Any) -> None:
        with self._lock:
            self._state = replace(self._state, **changes)

    def _call(self, do: Callable[[_Game], None]) -> None:
        game = self._game
        if game is not None:
            game.access.call(lambda: do(game))


class _Game:
    """One game: all but `access` is for its event loop."""

    def __init__(self, practice: Practice) -> None:
        self.injector = Injector()
        self.watch = GameWatch()
        self.access = LoopAccess()
        self._practice = practice
        self._named: _Named | None = None
        self._ending: asyncio.TimerHandle | None = None
        self._held: Running | None = None
        self._wanted, self._held_seed = Held(), 1
        self._dropped_at: float | None = None
        self._comparing: asyncio.TimerHandle | None = None

    async def run(self, player: Player) -> Ending:
        self.injector.attach(player.post)
        unsubscribe = player.subscribe(self._on_snapshot)
        for call in self.access.enter():
            call()
        try:
            return await player.run()
        finally:
            self.access.leave()
            unsubscribe()
            for timer in (self._ending, self._comparing):
                if timer is not None:
                    timer.cancel()
            self._practice.change(fault="", held=Held())
            await self.injector.close()

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        """On any thread."""
        self.access.call(lambda: self._follow(snapshot))

    def begin(self, name: str, seed: int) -> None:
        self._end_named()
        if name not in self._practice.faults:
            return
        window_s = self._practice.window_s
        if window_s is None and "window" in name:
            self._practice.change(problem=NO_TIMEOUT)
            self._hold_again()
            return
        plan = plan_of(name, window_s or 0.0)
        assert plan is not None, "faults of a host are not offered"
        self._end_held()
        at = boot_s()
        outage = {OUTAGE: plan.outage_s} if plan.is_outage else {}
        self._practice.note(trace.of_fault(name, at, seed=seed, **outage))
        self.injector.next_seed = seed
        self._practice.change(fault=name, seed=seed, problem="")
        self._named = _Named(name, at, self.injector.start(*plan.faults), ends_when_back(plan))
        ends_s = lasts_s(plan)
        if ends_s is not None:
            self._ending = asyncio.get_running_loop().call_later(ends_s, self._lift_named)

    def hold(self, held: Held, seed: int) -> None:
        self._end_held()
        self._wanted, self._held_seed = held, seed
        self._practice.change(held=held)
        if self._named is None:  # a named fault decides alone, as long as it is on
            self._hold_again()

    def lift(self) -> None:
        self._end_named()
        self._end_held()
        self._wanted = Held()
        self._practice.change(held=Held(), problem="")

    def _hold_again(self) -> None:
        held = self._wanted
        if not held.is_on or self._held is not None:
            return
        impairment = Impairment(loss=held.loss_percent / 100, delay_s=held.delay_ms / 1000)
        data = {"loss_percent": held.loss_percent, "delay_ms": held.delay_ms}
        record = trace.of_fault(HELD, boot_s(), seed=self._held_seed, **data)
        self._practice.note(record)
        self.injector.next_seed = self._held_seed
        self._held = self.injector.start(impairment.fault())

    def _lift_named(self) -> None:
        self._end_named()
        self._hold_again()

    def _end_named(self) -> None:
        named, self._named = self._named, None
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        if named is not None:
            self.injector.lift(named.running)
            self._lifted(named.name)
            self._practice.change(fault="")

    def _end_held(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self.injector.lift(held)
            self._lifted(HELD)

    def _lifted(self, name: str) -> None:
        self._practice.note(trace.of_tester(FAULT_LIFTED, boot_s(), fault=name))

    def _follow(self, snapshot: Snapshot) -> None:
        """A drop begins, or is over."""
        if snapshot.stage in (Stage.LOST, Stage.RECONNECTING):
            if self._dropped_at is None:
                self._dropped_at = boot_s() if self._named is None else self._named.began_at
                self._practice.change(finding=None)
        elif snapshot.stage is Stage.LIVE and self._dropped_at is not None:
            dropped_at, self._dropped_at = self._dropped_at, None
            if self._named is not None and self._named.ends_when_back:
                self._lift_named()
            compare = partial(self._compare, dropped_at, boot_s())
            if self._comparing is not None:
                self._comparing.cancel()
            loop = asyncio.get_running_loop()
            self._comparing = loop.call_later(COMPARED_AFTER_S, compare)

    def _compare(self, dropped_at: float, back_at: float) -> None:
        found = self.watch.proof(dropped_at, back_at)
        finding = PracticeFinding(found.rests_on.value, found.says.value)
        self._practice.change(finding=finding)
        data = {"rests_on": finding.rests_on, "says": finding.says, "similarity": found.similarity}
        self._practice.note(trace.of_tester(GAME_COMPARED, boot_s(), **data))
