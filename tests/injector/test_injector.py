"""One injector of a client: faults begin, end, and are lifted; figures say what it did."""

from __future__ import annotations

import asyncio
import time

import pytest

from helpers.leaves_nothing import leaves_nothing
from helpers.udp_endpoint import udp_endpoint
from helpers.waiting import eventually
from rejoin.core.events import Event, NetworkFound, NetworkLost
from rejoin.injector.faults import (
    ClockJump,
    HttpFault,
    HttpKind,
    Impairment,
    NetworkEvent,
    PathFault,
    Rebind,
    Sleep,
    cut,
)
from rejoin.injector.injector import Injector
from rejoin.injector.plans import plan_of
from rejoin.injector.seeds import network_profiles
from rejoin.rtc.socket_filter import SocketEnds


def a_socket(injector: Injector, drained: list[int]) -> list[bytes]:
    """What a socket behind the injector sends to the network."""
    sent: list[bytes] = []
    ends = SocketEnds(
        lambda data, address: sent.append(data),
        lambda data, address: None,
        None,
        lambda: drained.append(1),
    )
    made = injector.hooks.filter_sockets(ends)
    injector.send = lambda data: made.on_send(data, ("127.0.0.1", 9))  # type: ignore[attr-defined]
    return sent


@leaves_nothing
async def test_faults_begin_after_their_time_and_end_after_it() -> None:
    injector, told = Injector(), list[Event]()
    injector.attach(told.append)
    sent = a_socket(injector, [])
    running = injector.start(
        cut(0.05), NetworkEvent(found=False), NetworkEvent(found=True, after_s=0.1)
    )
    assert injector.active == running.faults
    injector.send(b"lost")  # type: ignore[attr-defined]
    assert sent == []
    assert [type(event) for event in told] == [NetworkLost]
    await eventually(lambda: len(told) == 2)
    assert isinstance(told[1], NetworkFound)
    injector.send(b"passes")  # type: ignore[attr-defined]
    assert sent == [b"passes"]
    assert injector.figures().dropped == {"cut": 1}
    await injector.close()
    assert injector.active == ()


@leaves_nothing
async def test_what_is_lifted_ends_and_what_has_not_begun_does_not_begin() -> None:
    injector, told = Injector(), list[Event]()
    injector.attach(told.append)
    sent = a_socket(injector, [])
    first = injector.start(Impairment(loss=1.0).fault())
    second = injector.start(cut(), NetworkEvent(found=True, after_s=0.02))
    injector.lift(second)
    injector.lift(second)
    await asyncio.sleep(0.05)
    assert told == []
    injector.send(b"lost")  # type: ignore[attr-defined]
    assert sent == []
    injector.lift()
    injector.send(b"passes")  # type: ignore[attr-defined]
    assert sent == [b"passes"]
    assert injector.active == ()
    assert first.undo == []
    await injector.close()


@leaves_nothing
async def test_the_first_fault_of_a_client_draws_from_the_seed_itself() -> None:
    """As the emulator's relay does: the same seed, profile and packets have the same fates."""

    def fates(seed: int, before: int) -> list[bool]:
        injector = Injector(seed)
        sent = a_socket(injector, [])
        for _ in range(before):
            injector.lift(injector.start(Impairment(loss=0.5).fault()))
        injector.start(Impairment(loss=0.5).fault())
        found = []
        for _ in range(64):
            count = len(sent)
            injector.send(b"x")  # type: ignore[attr-defined]
            found.append(len(sent) > count)
        injector.paths.close()
        return found

    assert fates(7, 0) == fates(7, 0)
    assert fates(7, 0) != fates(8, 0)
    assert fates(7, 1) == fates(8, 0), "the second fault draws from the next seed"


@leaves_nothing
async def test_a_sleep_blocks_shows_in_the_clock_and_loses_what_arrived() -> None:
    injector, drained = Injector(), list[int]()
    a_socket(injector, drained)
    hooks = injector.hooks
    # In this order a machine that stands still in between makes the sleep longer.
    real_s, before_s = time.monotonic(), hooks.awake_clock()
    injector.start(Sleep(duration_s=0.05))
    awake_s = hooks.awake_clock() - before_s
    assert (time.monotonic() - real_s) - awake_s >= 0.04
    assert drained == [1]
    await injector.close()


@leaves_nothing
async def test_the_wall_clock_is_right_again_after_the_end() -> None:
    real = time.time
    injector = Injector()
    injector.start(ClockJump(by_s=7200.0))
    assert time.time() - real() > 7000
    await injector.close()
    assert time.time is real


@leaves_nothing
async def test_calls_meet_faults_until_they_are_lifted() -> None:
    injector = Injector()
    running = injector.start(HttpFault(kind=HttpKind.REFUSED))
    assert len(injector.http._active) == 1
    injector.lift(running)
    assert injector.http._active == []
    injector.start(HttpFault(kind=HttpKind.REFUSED, duration_s=0.01))
    await eventually(lambda: injector.http._active == [])
    await injector.close()


@leaves_nothing
async def test_a_profile_that_depends_on_the_window_needs_one() -> None:
    injector = Injector()
    profile = network_profiles()["cut_until_window"]
    with pytest.raises(ValueError, match="window"):
        injector.start(cut(), PathFault(profile=profile))
    assert injector.active == ()
    injector.start(PathFault(profile=profile, window_s=65.0))
    await injector.close()


@leaves_nothing
async def test_a_plan_is_started_as_one() -> None:
    injector = Injector()
    plan = plan_of("nat_rebind", 65.0)
    assert plan is not None
    injector.start(*plan.faults)
    assert len(injector.active) == 2
    await injector.close()


@leaves_nothing
async def test_figures_say_how_late_delayed_packets_were() -> None:
    injector = Injector()
    assert injector.figures().lateness_p95_ms is None
    a_socket(injector, [])
    injector.start(Impairment(delay_s=0.005).fault())
    for _ in range(20):
        injector.send(b"x")  # type: ignore[attr-defined]
    await eventually(lambda: not injector.paths.waiting)
    figures = injector.figures()
    assert (figures.packets, figures.delayed) == (20, 20)
    assert figures.lateness_p50_ms is not None
    assert figures.lateness_p95_ms is not None
    assert figures.lateness_p50_ms <= figures.lateness_p95_ms
    await injector.close()


@leaves_nothing
async def test_a_rebind_under_way_is_waited_for_at_the_end() -> None:
    injector = Injector()
    async with udp_endpoint() as endpoint:
        ends = SocketEnds(
            endpoint.transport.sendto, lambda data, address: None, "127.0.0.1", lambda: None
        )
        made = injector.hooks.filter_sockets(ends)
        injector.start(Rebind())
        await eventually(lambda: injector.figures().rebound == 1)
        made.on_close()
        await injector.close()


@leaves_nothing
async def test_what_cannot_be_lifted_ends_no_other_fault_with_its_duration() -> None:
    injector = Injector()
    sent = a_socket(injector, [])
    injector.start(
        cut(),
        NetworkEvent(found=True, duration_s=0.01),
        Rebind(duration_s=0.01),
        HttpFault(kind=HttpKind.REFUSED, duration_s=0.02),
    )
    await eventually(lambda: injector.http._active == [])
    injector.send(b"lost")  # type: ignore[attr-defined]
    assert sent == []
    await injector.close()
