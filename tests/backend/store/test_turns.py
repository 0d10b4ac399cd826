"""The queue in the store: one for all processes, in the order of `create_order`."""

from __future__ import annotations

import asyncio
import random

import pytest

from helpers.stores import opened
from helpers.turn_queue import SOON_S, TurnQueue
from rejoin.backend.call_rate import Quota
from rejoin.backend.create_order import NO_DOUBT, Doubt, ordered
from rejoin.backend.store.turns import SEEN_S, Arrival, Exchanged, Lost, TurnStore


def asks(
    session_id: str,
    shown_s: float = 30.0,
    latest_s: float | None = None,
    *,
    guessed: bool = False,
    released: bool = True,
    present_s: float = 9.0,
) -> Arrival:
    return Arrival(session_id, shown_s, latest_s or shown_s, guessed, released, present_s)


async def exchange(process: TurnStore, *arrivals: Arrival, doubt: Doubt = NO_DOUBT) -> Exchanged:
    return await process.exchange(arrivals, within_s=SOON_S, doubt=doubt)


@pytest.mark.parametrize(
    "doubt",
    [NO_DOUBT, Doubt(left_s=57.0, takes_s=6.0), Doubt(left_s=57.0, takes_s=6.0, first=True)],
)
async def test_the_store_has_the_order_of_the_rules(url: str, doubt: Doubt) -> None:
    chance = random.Random(5)
    arrivals = [
        asks(
            f"session-{number:03d}",
            shown_s := chance.choice([1.0, 10.0, 30.0, 30.0, 120.0]),
            chance.choice([shown_s, shown_s + 60.0, 1.0]),
            released=chance.random() < 0.7,
        )
        for number in range(60)
    ]
    async with opened(url) as store:
        queue = TurnQueue(store, stopped=True)
        process = queue.process("one")
        await queue.free_turns(0)
        await exchange(process, *arrivals)
        await queue.passes(5.0)
        seen = await process.queue(within_s=SOON_S)
        expected = [each.session_id for each in ordered(seen.waiting, seen.now, doubt)]
        assert len(expected) == 60
        doubtful = [each for each in seen.waiting if each.is_doubtful(seen.now, doubt)]
        assert bool(doubtful) == (doubt != NO_DOUBT)
        got: list[str] = []
        while len(got) < 60:
            await queue.free_turns(6)
            granted = (await exchange(process, doubt=doubt)).granted
            at = len(got)
            assert set(granted) == set(expected[at : at + 6])
            got += granted


async def test_two_processes_give_out_the_budget_between_them_and_nobody_twice(url: str) -> None:
    async with opened(url) as store:
        queue = TurnQueue(store, Quota(per_s=0.001, burst=20), stopped=True)
        processes = [queue.process("one"), queue.process("two")]
        for at, process in enumerate(processes):
            await queue.free_turns(0)
            await exchange(
                process, *(asks(f"{at}-{number}", 10.0 + number) for number in range(30))
            )
        await queue.free_turns(20)
        granted: list[list[str]] = [[], []]

        async def run(at: int) -> None:
            for _ in range(10):
                granted[at] += (await exchange(processes[at])).granted

        await asyncio.gather(run(0), run(1))
        # What one gave to the other is taken at the other's next exchange.
        for at in (0, 1):
            granted[at] += (await exchange(processes[at])).granted
        nearest = sorted(f"{at}-{number}" for at in (0, 1) for number in range(10))
        assert sorted(granted[0] + granted[1]) == nearest
        assert all(name.startswith("0") for name in granted[0])
        assert all(name.startswith("1") for name in granted[1])


async def test_a_process_that_is_gone_gets_no_turn_and_its_clients_ask_another_one(
    url: str,
) -> None:
    async with opened(url) as store:
        queue = TurnQueue(store, stopped=True)
        gone, here = queue.process("gone"), queue.process("here")
        await queue.free_turns(0)
        await exchange(gone, asks("a", 10.0, present_s=60.0))
        await queue.passes(SEEN_S + 1.0)
        await exchange(here, asks("b", 50.0, present_s=60.0))
        await queue.free_turns(1)
        assert (await exchange(here)).granted == ("b",)
        await queue.free_turns(1)
        assert (await exchange(here, asks("a", 8.0))).granted == ("a",)


async def test_a_clock_that_is_set_back_brings_no_process_back_that_is_gone(url: str) -> None:
    async with opened(url) as store:
        queue = TurnQueue(store, stopped=True)
        gone, here = queue.process("gone"), queue.process("here")
        await queue.free_turns(0)
        await exchange(gone, asks("a", 10.0, present_s=60.0))
        await queue.passes(-3 * 86400.0)
        await exchange(here, asks("b", 4 * 86400.0, present_s=60.0))
        await queue.free_turns(1)
        assert (await exchange(here)).granted == ("b",)
        assert await here.sweep(within_s=SOON_S) == Lost(0, 0), "nobody knows that it is lost"
        seen = await here.queue(within_s=SOON_S)
        assert "a" not in {each.session_id for each in seen.waiting}


async def test_a_clock_that_leaps_ahead_makes_nobody_hopeless_who_asks_again(url: str) -> None:
    async with opened(url) as store:
        queue = TurnQueue(store, stopped=True)
        process = queue.process("one")
        await queue.free_turns(0)
        await exchange(process, asks("a", 10.0, 70.0))
        await queue.passes(3 * 86400.0)
        await exchange(process, asks("a", 9.0, 69.0), asks("b", 5.0, 65.0))
        seen = await process.queue(within_s=SOON_S)
        assert not any(each.is_hopeless(seen.now) for each in seen.waiting)


async def test_a_process_that_ends_gets_no_turn(url: str) -> None:
    async with opened(url) as store:
        queue = TurnQueue(store, stopped=True)
        ends, here = queue.process("ends"), queue.process("here")
        await queue.free_turns(0)
        await exchange(ends, asks("a", 10.0))
        await ends.leave(within_s=SOON_S)
        await queue.free_turns(1)
        assert (await exchange(here, asks("b", 50.0))).granted == ("b",)


async def test_a_client_between_two_requests_gets_no_turn_and_keeps_its_place(url: str) -> None:
    async with opened(url) as store:
        queue = TurnQueue(store, stopped=True)
        process = queue.process("one")
        await queue.free_turns(0)
        await exchange(process, asks("away", 11.0, present_s=0.0), asks("waits", 50.0))
        await queue.free_turns(1)
        assert (await exchange(process)).granted == ("waits",)
        await queue.free_turns(1)
        back = await exchange(process, asks("later", 12.0), asks("away", 10.0))
        assert back.granted == ("away",)


async def test_turns_to_hold_are_given_only_while_nobody_waits(url: str) -> None:
    async with opened(url) as store:
        queue = TurnQueue(store, stopped=True)
        process = queue.process("one")
        await queue.free_turns(3)
        quiet = await process.spare(2, within_s=SOON_S)
        assert (quiet.spare, quiet.waits, quiet.granted) == (2, False, ())
        await queue.free_turns(0)
        await exchange(process, asks("a"), asks("b"))
        await queue.free_turns(1)
        busy = await queue.process("another").spare(2, within_s=SOON_S)
        assert (busy.spare, busy.waits, busy.granted) == (0, True, ())
        assert (await exchange(process)).granted == ("a",)


async def test_what_an_older_client_cannot_say_counts_from_its_first_request(url: str) -> None:
    async with opened(url) as store:
        queue = TurnQueue(store, stopped=True)
        process = queue.process("one")
        await queue.free_turns(0)
        await exchange(process, asks("old", 30.0, guessed=True), asks("new", 30.0))
        await queue.passes(10.0)
        await exchange(process, asks("old", 30.0, guessed=True), asks("new", 30.0))
        seen = await process.queue(within_s=SOON_S)
        left_s = {each.session_id: each.shown_at - seen.now for each in seen.waiting}
        assert left_s["old"] < 21.0
        assert left_s["new"] > 25.0


async def test_games_that_are_lost_are_counted_once_and_those_that_no_order_could_have_saved(
    url: str,
) -> None:
    async with opened(url) as store:
        queue = TurnQueue(store, stopped=True)
        process = queue.process("one")
        await queue.free_turns(0)
        await exchange(process, *(asks(f"a-{number}", 10.0, present_s=60.0) for number in range(5)))
        await queue.free_turns(2)
        assert len((await exchange(process)).granted) == 2
        assert await process.sweep(within_s=SOON_S) == Lost(0, 0)
        await queue.passes(100.0)
        assert await process.sweep(within_s=SOON_S) == Lost(3, 3)
        assert await process.sweep(within_s=SOON_S) == Lost(0, 0)


async def test_a_call_that_saved_nobody_could_have_saved_another(url: str) -> None:
    async with opened(url) as store:
        queue = TurnQueue(store, stopped=True)
        process = queue.process("one")
        await queue.free_turns(1)
        assert (await exchange(process, asks("a", 10.0), asks("b", 20.0))).granted == ("a",)
        await exchange(process, asks("a", 10.0))  # it was refused, and asks again
        await queue.passes(12.0)
        await queue.free_turns(1)
        assert (await exchange(process, asks("b", 8.0))).granted == ("b",)
        await queue.passes(100.0)
        assert await process.sweep(within_s=SOON_S) == Lost(1, 0)


async def test_what_one_process_has_seen_of_a_session_counts_for_the_others(url: str) -> None:
    async with opened(url) as store:
        queue = TurnQueue(store, stopped=True)
        one, two = queue.process("one"), queue.process("two")
        await queue.free_turns(0)
        await exchange(one, asks("seen", 50.0), asks("connected", 20.0, released=False))
        await exchange(two, asks("seen", 50.0, released=False))
        await queue.free_turns(1)
        assert (await exchange(two)).granted == ("seen",)
        await exchange(two, asks("seen", 50.0, released=False))  # and of a later drop it does not
        await queue.free_turns(1)
        await exchange(two)
        assert (await exchange(one)).granted == ("connected",)
