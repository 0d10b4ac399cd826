"""Who is let in again when a Region drops many games at once"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest

from bench.measure import Measurement, percentile
from helpers.fake_stream_service import GOOD_TOKEN, FakeStreamService, new_offer, new_token
from helpers.matching import (
    WINDOWS_S,
    Storm,
    after_an_outage,
    by_arrival,
    by_deadline,
    dropped_at_once,
    lying,
    most_saved,
)
from helpers.postgres import postgres_server
from helpers.stores import opened
from rejoin.backend.broker import ServiceCalls, SessionBroker
from rejoin.backend.budgets import CREATE, Budgets
from rejoin.backend.call_rate import Quota
from rejoin.backend.create_order import NO_DOUBT, Believed, Claimed, Doubt, Waiting, believed
from rejoin.backend.create_turns import ASK_AGAIN_S, CreateTurns
from rejoin.backend.refused import RefusedError
from rejoin.backend.requests import Caller, Offer
from rejoin.backend.store.budgets import BudgetStore
from rejoin.backend.store.database_url import MEMORY
from rejoin.backend.store.flights import FlightStore
from rejoin.backend.store.sessions import SessionStore
from rejoin.backend.store.turns import TurnStore
from rejoin.clock import boot_s

PER_S = 20.0
BURST = 5
D_S = 3.0
FAILS = 0.10
OUTAGE_S, NOTICED_S, EFFECT_S = 30.0, 5.0, 0.5
OUTAGE_WINDOWS_S = ((60.0,), (120.0,), (60.0, 90.0), (30.0, 120.0, 600.0), WINDOWS_S)
WINDOWS = ", ".join(f"{each:g}" for each in WINDOWS_S) + " s"
CALL_BUDGET_S = 9.0
PROCESSES = 2


def run(quick: bool) -> Iterator[Measurement]:
    for count in (1000,) if quick else (1000, 10_000):
        yield from _on_a_virtual_clock(count)
        yield from _after_an_outage(count)
    with _database() as (url, kind):
        yield from asyncio.run(_quiet(url, kind, reconnects=20 if quick else 400))
    with _database() as (url, kind):
        yield from asyncio.run(_live(url, kind, games=40 if quick else 1000))


def _ours(_: int, game: Waiting) -> tuple[float, ...]:
    return game.rank[:3]


def _on_a_virtual_clock(count: int) -> Iterator[Measurement]:
    games = dropped_at_once(count)
    conditions = (
        f"{count} games, windows 10, 30, 120, 600 s in equal parts, {PER_S:g} calls a second"
    )
    most = most_saved(games, PER_S)
    yield Measurement(f"{count}: maximum matching", most, "games", conditions)
    for name, rank, skips, doubt in (
        ("first come, first served", by_arrival, False, NO_DOUBT),
        ("plain earliest deadline", by_deadline, False, NO_DOUBT),
        ("ours", _ours, True, None),
    ):
        saved = Storm(games, rank, skips=skips, doubt=doubt).run()
        yield Measurement(f"{count}: {name}", saved, "games saved", f"{conditions}; D = 0")
    # The truth is now that a call takes effect D later, some fail, and some clients lie.
    reachable = [Waiting(each.shown_at - D_S, each.latest_at - D_S) for each in games]
    bound = most_saved(reachable, PER_S)
    liars = frozenset(
        number for number, game in enumerate(games) if game.latest_at == 600.0 and number % 10 == 0
    )
    lies = lying(games, liars, 0.5)
    corrected = [_corrected(game, lie) for game, lie in zip(games, lies, strict=True)]
    yield Measurement(f"{count}: bound with D", bound, "games", f"D = {D_S:g} s, no failures")
    for name, rank, skips, believes, doubt in (
        ("first come, first served, hard", by_arrival, False, games, NO_DOUBT),
        ("plain earliest deadline, hard", by_deadline, False, games, NO_DOUBT),
        ("deadlines alone, hard", _ours, True, corrected, NO_DOUBT),
        ("ours, hard", _ours, True, corrected, None),
        ("ours, hard, lies believed", _ours, True, lies, None),
    ):
        saved = Storm(
            believes, rank, skips=skips, takes_s=D_S, fails=FAILS, doubt=doubt, truth=games
        ).run()
        yield Measurement(
            f"{count}: {name}",
            saved / bound,
            "of the bound",
            f"D = {D_S:g} s, {FAILS:.0%} of calls fail, {len(liars)} clients of 600 s claim 0.5 s",
        )


def _after_an_outage(count: int) -> Iterator[Measurement]:
    """Nothing is reached for OUTAGE_S, and nobody knows when the service noticed the drops."""
    for windows_s in OUTAGE_WINDOWS_S:
        games, truth = after_an_outage(count, windows_s, NOTICED_S)
        left_s = [each.latest_at - OUTAGE_S - EFFECT_S for each in truth]
        most = most_saved([Waiting(each, each) for each in left_s if each >= 0], PER_S)
        windows = "+".join(f"{each:g}" for each in windows_s)
        conditions = (
            f"{count} games, windows {windows} s, away for {OUTAGE_S:g} s, drops noticed after "
            f"{NOTICED_S:g} to {NOTICED_S + 1:g} s, calls take {EFFECT_S:g} s, {PER_S:g} a second"
        )
        name = f"outage, {count}, {windows}"
        yield Measurement(f"{name}: maximum matching", most, "games", conditions)
        for order, rank, skips, doubt in (
            ("first come, first served", by_arrival, False, NO_DOUBT),
            ("plain earliest deadline", by_deadline, False, NO_DOUBT),
            ("deadlines alone", _ours, True, NO_DOUBT),
            ("past the shown deadline last", _ours, True, Doubt(left_s=math.inf)),
            ("ours", _ours, True, None),
        ):
            saved = Storm(
                games,
                rank,
                skips=skips,
                begins_at=OUTAGE_S,
                takes_s=EFFECT_S,
                doubt=doubt,
                truth=truth,
            ).run()
            yield Measurement(f"{name}: {order}", saved, "games saved", conditions)


def _corrected(game: Waiting, lie: Waiting) -> Waiting:
    """What the backend believes that saw the session connected when it dropped."""
    belief = believed(
        Claimed(lie.shown_at, lie.latest_at), lower_s=game.shown_at, timeout_s=game.shown_at
    )
    return Waiting(belief.shown_s, belief.latest_s)


# --- the real thing -------------------------------------------------------------------------------


@contextlib.contextmanager
def _database() -> Iterator[tuple[str, str]]:
    """Of a PostgreSQL server where there is one, else SQLite in memory."""
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(postgres_server())
        except pytest.skip.Exception:
            yield MEMORY, "SQLite in memory"
            return
        yield server.new_database(), "PostgreSQL"


@contextlib.asynccontextmanager
async def _process(
    store: SessionStore, owner: str, quota: Quota
) -> AsyncIterator[tuple[Budgets, CreateTurns]]:
    budgets = Budgets(BudgetStore(store.database, "bench", quota, boot_s), boot_s)
    turns = CreateTurns(TurnStore(budgets.store, CREATE, owner), budgets.of(CREATE), boot_s)
    try:
        yield budgets, turns
    finally:
        await turns.finish()
        await budgets.finish()


async def _quiet(url: str, kind: str, reconnects: int) -> Sequence[Measurement]:
    """Reconnects at the quota's rate, each with and without turns, one after the other."""
    found: dict[bool, list[float]] = {True: [], False: []}
    async with opened(url) as store, _process(store, "one", Quota()) as (budgets, turns):
        broker = SessionBroker(
            ServiceCalls.alone(FakeStreamService(), budgets, boot_s),
            store,
            FlightStore(store.database, "one"),
            boot_s,
        )

        async def gone() -> bool:
            return False

        def caller() -> Caller:
            return Caller(GOOD_TOKEN, boot_s() + CALL_BUDGET_S, gone)

        def offer(attempt: int) -> Offer:
            return Offer(attempt, new_offer(), new_token())

        session_id = (await broker.start(caller(), offer(1), None)).session_id
        for number in range(reconnects):
            for nth, with_turns in enumerate((number % 2 == 0, number % 2 == 1)):
                broker.turns = turns if with_turns else None
                began = time.perf_counter()
                await broker.reconnect(caller(), session_id, offer(2 + 2 * number + nth))
                found[with_turns].append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(0.8 / PER_S)
    conditions = f"{kind}, {reconnects} reconnects, at most {PER_S:g} a second, none queued"
    return [
        Measurement(
            f"reconnect, {name}, p{percent}",
            percentile(found[with_turns], percent),
            "ms",
            conditions,
        )
        for with_turns, name in ((True, "with its turn"), (False, "without"))
        for percent in (50, 95)
    ]


async def _live(url: str, kind: str, games: int) -> Sequence[Measurement]:
    """Games that drop at once, over two processes; each client asks again, as it is told."""
    windows = dropped_at_once(games)
    if games < 1000:
        windows = [Waiting(each.shown_at / 10, each.latest_at / 10) for each in windows]
    quota = Quota(PER_S, BURST)
    saved, waits_s = 0, [0.0]
    async with (
        opened(url) as store,
        _process(store, "one", quota) as (_, one),
        _process(store, "two", quota) as (_, two),
    ):
        processes = (one, two)
        chance = random.Random(3)
        began_at = boot_s()

        async def client(number: int, window_s: float) -> None:
            nonlocal saved
            ends_at = began_at + window_s
            while (now := boot_s()) < ends_at:
                left_s = ends_at - now
                try:
                    await processes[chance.randrange(PROCESSES)].wait(
                        f"session-{number}",
                        2,
                        Believed(left_s, left_s),
                        is_released=lambda _: True,
                        deadline_at=now + CALL_BUDGET_S - 0.6,
                    )
                except RefusedError:
                    await asyncio.sleep(ASK_AGAIN_S)
                    continue
                if boot_s() <= ends_at:
                    saved += 1
                    waits_s.append(boot_s() - began_at)
                return

        await asyncio.gather(*(client(n, game.latest_at) for n, game in enumerate(windows)))
    bound = most_saved(windows, PER_S, BURST)
    conditions = f"{kind}, {PROCESSES} processes' queues, {games} games, {PER_S:g} calls a second"
    return [
        Measurement("live: saved", saved / bound, "of the maximum matching", conditions),
        Measurement("live: last turn after", max(waits_s), "s", conditions),
    ]
