"""Practice drops behind the menu: what is offered, how long it is on, and what the trace has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import pytest

from helpers.waiting import eventually
from rejoin.core.events import Event
from rejoin.core.model import Ending, EndingKind, Snapshot, Stage
from rejoin.core.trace import Record, from_line, to_line
from rejoin.injector.plans import AT_RUNNER, plan_of
from rejoin.netem.network_profile import PLACES, Place
from rejoin.qa import practice as practice_module
from rejoin.qa import trace_schema
from rejoin.qa.practice import HELD, Practice, ends_when_back, lasts_s, names
from rejoin.runtime.player import Player, PlayerOptions
from rejoin.runtime.practice_port import MOST_NOTE, Held, PracticeState
from rejoin.tasks import cancel, spawn
from rejoin.verify import invariants

WINDOW_S = 60.0


def test_all_faults_of_a_client_are_offered_and_none_of_a_host() -> None:
    offered = set(names(ours=True))
    hosts = {name for name, place in PLACES.items() if place is Place.HOST}
    assert offered == set(PLACES) - hosts - AT_RUNNER - {"clean"}
    assert offered - set(names(ours=False)) == {"http_queue"}
    assert all(plan_of(name, WINDOW_S) is not None for name in offered)


@pytest.mark.parametrize(
    ("name", "seconds", "with_connection"),
    [
        ("cut_0.4s", 1.0, False),
        ("cut_3s", 3.0, False),
        ("cut_until_window+1", WINDOW_S + 1.0, False),
        ("cut_forever", None, False),
        ("bufferbloat", None, False),
        ("nat_rebind", 1.0, False),
        ("http_blocked_udp_ok", 8.0, False),
        ("http_500", None, True),
        ("clock_jump", None, True),
        ("ip_change", None, True),
        ("sleep_5s", 5.0, False),
    ],
)
def test_how_long_a_fault_is_on(name: str, seconds: float | None, with_connection: bool) -> None:
    plan = plan_of(name, WINDOW_S)
    assert plan is not None
    assert (lasts_s(plan), ends_when_back(plan)) == (seconds, with_connection)


class FakePlayer:
    """Runs until it is told to end."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.listeners: list[Callable[[Snapshot], None]] = []
        self.over = asyncio.Event()

    def post(self, event: Event) -> None:
        self.events.append(event)

    def subscribe(self, listener: Callable[[Snapshot], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def publish(self, stage: Stage) -> None:
        for listener in tuple(self.listeners):
            listener(Snapshot(stage))

    async def run(self) -> Ending:
        await self.over.wait()
        return Ending(EndingKind.CLOSED_FOR_NOW)


class Kept(Practice):
    """With its trace."""

    def __init__(self, *, timeout_s: float | None = None, keeps_pictures: bool = True) -> None:
        self.records: list[Record] = []
        super().__init__(self.records.append, timeout_s=timeout_s, keeps_pictures=keeps_pictures)


@asynccontextmanager
async def game(practice: Practice) -> AsyncIterator[FakePlayer]:
    player = FakePlayer()
    options = practice.options(PlayerOptions())
    assert options.hooks is not None
    assert options.slot is not None
    running = spawn(practice.running(cast(Player, player))(), name="player")
    await eventually(lambda: bool(player.listeners))
    try:
        yield player
    finally:
        player.over.set()
        await running
        await cancel(running)
    assert player.listeners == []


def trace_of(practice: Kept) -> list[tuple[str, str]]:
    """Kinds and names; every record conforms to the schema, and breaks no rule."""
    for record in practice.records:
        trace_schema.check(from_line(to_line(record)))
    assert not invariants.violations(practice.records)
    return [(record.kind, record.name) for record in practice.records]


async def test_a_fault_begins_with_its_seed_and_is_over_by_itself() -> None:
    practice = Kept()
    async with game(practice):
        practice.begin("cut_0.4s", 7)
        await eventually(lambda: practice.state().fault == "cut_0.4s")
        assert practice.state().seed == 7
        await eventually(lambda: not practice.state().is_on)
    assert trace_of(practice) == [("fault", "cut_0.4s"), ("tester", "FaultLifted")]
    assert practice.records[0].data == {"seed": 7, "outage_s": 0.4}
    assert practice.records[1].data == {"fault": "cut_0.4s"}


async def test_another_fault_takes_the_place_of_the_first_and_lift_ends_it() -> None:
    practice = Kept()
    async with game(practice):
        practice.begin("cut_forever", 1)
        practice.begin("bufferbloat", 2)
        await eventually(lambda: practice.state().fault == "bufferbloat")
        practice.lift()
        await eventually(lambda: not practice.state().is_on)
        await asyncio.sleep(0)
    assert [name for _, name in trace_of(practice)] == [
        *("cut_forever", "FaultLifted"),
        *("bufferbloat", "FaultLifted"),
    ]


async def test_what_is_held_waits_while_a_named_fault_is_on() -> None:
    practice = Kept()
    async with game(practice):
        practice.hold(Held(10, 50), 3)
        await eventually(lambda: practice.state().held == Held(10, 50))
        practice.begin("cut_0.4s", 4)
        await eventually(lambda: practice.state().fault == "cut_0.4s")
        practice.hold(Held(20, 0), 3)
        await eventually(lambda: not practice.state().fault)
        assert practice.state().held == Held(20, 0)
    named = [(record.name, record.data.get("loss_percent")) for record in practice.records]
    assert named[:5] == [
        (HELD, 10),
        ("FaultLifted", None),
        ("cut_0.4s", None),
        ("FaultLifted", None),
        (HELD, 20),
    ]
    trace_of(practice)


async def test_a_fault_of_the_old_connection_is_over_when_the_game_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(practice_module, "COMPARED_AFTER_S", 0.05)
    practice = Kept()
    async with game(practice) as player:
        player.publish(Stage.LIVE)
        practice.begin("http_500", 1)
        await eventually(lambda: practice.state().fault == "http_500")
        player.publish(Stage.LOST)
        player.publish(Stage.RECONNECTING)
        player.publish(Stage.LIVE)
        await eventually(lambda: practice.state().finding is not None)
        assert not practice.state().is_on
        finding = practice.state().finding
        assert finding is not None
        assert (finding.rests_on, finding.says) == ("session", "not known"), "no picture came"
    assert trace_of(practice) == [
        *(("fault", "http_500"), ("tester", "FaultLifted"), ("tester", "GameCompared")),
    ]


async def test_a_fault_that_depends_on_the_window_needs_a_timeout() -> None:
    practice = Kept()
    async with game(practice):
        practice.begin("cut_until_window", 1)
        await eventually(lambda: bool(practice.state().problem))
        assert not practice.state().is_on
        practice.begin("cut_3s", 1)
        await eventually(lambda: practice.state().is_on)
        assert practice.state().problem == ""
    known = Kept(timeout_s=60.0)
    async with game(known):
        known.begin("cut_until_window", 1)
        await eventually(lambda: known.state().is_on)


async def test_a_marker_is_in_the_trace_without_anything_that_controls_a_terminal() -> None:
    practice = Kept(keeps_pictures=False)
    assert not practice.keeps_pictures
    async with game(practice):
        practice.mark(5.0, "odd\x1b[31m", "a.png")
        practice.mark(6.0, "x" * 1000, "")
    first, second = practice.records
    assert first.data == {"note": "odd\\x1b[31m", "picture": "a.png"}
    assert len(second.data["note"]) == MOST_NOTE
    trace_of(practice)


async def test_a_name_that_is_not_offered_begins_nothing() -> None:
    practice = Kept()
    async with game(practice):
        practice.begin("server_kill", 1)
        practice.mark(1.0, "", "")
        await asyncio.sleep(0.01)
    assert trace_of(practice) == [("tester", "MarkerSet")]


async def test_nothing_is_left_for_the_next_game() -> None:
    practice = Kept()
    async with game(practice):
        practice.begin("cut_forever", 5)
        await eventually(lambda: practice.state().is_on)
    assert not practice.state().is_on
    async with game(practice):
        assert practice.state() == PracticeState(seed=5)
        practice.begin("cut_forever", 6)
        await eventually(lambda: practice.state().is_on)


def test_without_a_game_nothing_happens() -> None:
    practice = Kept()
    practice.begin("cut_3s", 1)
    practice.lift()
    practice.hold(Held(5), 1)
    assert practice.state() == PracticeState()
    assert practice.records == []
