"""Who waits to be let in again: over two processes, in one order, and what they hear meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import httpx
import pytest
from sqlalchemy import Connection, update

from helpers.backend_caller import Caller, in_process, problem_of
from helpers.fake_stream_service import GOOD_TOKEN, FakeStreamService, new_offer, new_token
from helpers.stores import opened
from helpers.turn_queue import NONE_COME_BACK, TurnQueue
from helpers.waiting import eventually
from rejoin.backend.budgets import CREATE, OperationBudget
from rejoin.backend.call_rate import Quota
from rejoin.backend.create_order import NO_DOUBT, Believed, Doubt
from rejoin.backend.create_turns import CreateTurns, Turn
from rejoin.backend.refused import Reason, RefusedError
from rejoin.backend.routes import AppRules, build_app
from rejoin.backend.store import turns
from rejoin.backend.store.database import StoreUnavailableError
from rejoin.backend.store.schema import CALL_BUDGET
from rejoin.backend.store.sessions import SessionStore
from rejoin.backend.store.turns import Arrival, Exchanged, Lost
from rejoin.clock import boot_s
from rejoin.signaling.wire import ProblemCode


@dataclass
class Process:
    """One process: its turns, how often it has exchanged some, and the doubt of the last time."""

    queue: TurnQueue
    turns: CreateTurns
    budget: OperationBudget
    exchanges: int = 0
    doubt: Doubt = NO_DOUBT

    async def asks(
        self, session_id: str, shown_s: float = 30.0, *, attempt: int = 2, within_s: float = 60.0
    ) -> Turn | None:
        return await self.turns.wait(
            session_id,
            attempt,
            Believed(shown_s, shown_s),
            is_released=lambda _: True,
            deadline_at=boot_s() + within_s,
        )


@contextlib.asynccontextmanager
async def process(queue: TurnQueue, owner: str) -> AsyncIterator[Process]:
    store = queue.process(owner)
    budget = OperationBudget(queue.budgets(), CREATE, boot_s)
    made = Process(queue, CreateTurns(store, budget, boot_s), budget)
    exchange = store.exchange

    async def counted(
        arrivals: Sequence[Arrival], *, within_s: float, doubt: Doubt = NO_DOUBT
    ) -> Exchanged:
        made.exchanges += 1
        made.doubt = doubt
        return await exchange(arrivals, within_s=within_s, doubt=doubt)

    store.exchange = counted  # type: ignore[method-assign]
    try:
        yield made
    finally:
        await made.turns.finish()
        await budget.finish()


async def waiting(process: Process, sessions: int) -> None:
    """Until so many wait, and the store knows of them."""
    for _ in range(3000):
        seen = await process.queue.process("nobody").queue(within_s=60.0)
        if len(seen.waiting) == sessions:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("they do not wait")


async def test_a_quiet_reconnect_waits_for_no_round_trip(nothing_left_behind: None) -> None:
    async with opened() as store, process(TurnQueue(store), "one") as one:
        assert await one.asks("first")
        for _ in range(6000):
            if not one.budget.lacking:
                break
            await asyncio.sleep(0.01)
        before = one.exchanges
        asked = one.asks("second")
        with pytest.raises(StopIteration) as ended:
            asked.send(None)  # it ends without being suspended
        assert ended.value.value is None
        assert one.exchanges == before


async def test_a_turn_is_taken_at_once_only_while_nobody_waits(nothing_left_behind: None) -> None:
    async with opened() as store:
        queue = TurnQueue(store)
        await queue.free_turns(0)
        async with process(queue, "one") as one:
            assert not one.turns.take_at_once(), "it holds none"
            one.turns.put_back()
            assert one.turns.take_at_once()
            asked = asyncio.ensure_future(one.asks("first"))
            await waiting(one, 1)
            one.turns.put_back()
            assert not one.turns.take_at_once(), "somebody was there first"
            asked.cancel()


async def test_two_processes_let_the_nearest_in_and_tell_the_others_their_place(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One whose exchanges are slow, as the machine is busy, has not gone.
    monkeypatch.setattr(turns, "SEEN_S", 600.0)
    async with opened(url) as store:
        queue = TurnQueue(store)
        await queue.free_turns(0)
        async with process(queue, "one") as one, process(queue, "two") as two:
            asked = {
                shown_s: asyncio.ensure_future(each.asks(f"{shown_s:g}", shown_s, within_s=600.0))
                for number in range(5)
                # Far apart: what an exchange takes is added to the time that is left.
                for each, shown_s in ((one, 1000.0 + 200 * number), (two, 1100.0 + 200 * number))
            }
            await waiting(one, 10)
            await queue.free_turns(4)
            nearest = [asked[shown_s] for shown_s in (1000.0, 1100.0, 1200.0, 1300.0)]
            assert None not in await asyncio.gather(*nearest)
            assert not any(each.done() for each in asked.values() if each not in nearest)
            await waiting(one, 6)
            await eventually(lambda: two.turns._forecast is not None)
            late = asyncio.ensure_future(two.asks("late", 5000.0, within_s=2.5))
            with pytest.raises(RefusedError) as refused:
                await late
            assert refused.value.reason is Reason.WAITS_FOR_TURN
            assert refused.value.retry_after_s == 1.0
            assert refused.value.place is not None
            assert 1 <= refused.value.place.number <= 7
            await one.turns.finish()  # its clients keep their places and ask another process
            for shown_s in (1400.0, 1600.0, 1800.0):
                with pytest.raises(RefusedError) as refused:
                    await asked[shown_s]
                assert refused.value.reason is Reason.WAITS_FOR_TURN
            again = asyncio.ensure_future(two.asks("1400", 60.0, within_s=600.0))
            await queue.asked_at("1400", "two")
            await queue.free_turns(1)
            assert await again
            for each in asked.values():
                each.cancel()


@pytest.mark.parametrize("days", [3, -3])
async def test_who_waits_while_the_databases_clock_leaps_still_gets_a_turn(days: int) -> None:
    async with opened() as store:
        queue = TurnQueue(store)
        await queue.free_turns(0)
        async with process(queue, "one") as one:
            asked = asyncio.ensure_future(one.asks("a"))
            await waiting(one, 1)
            queue.leap_s = days * 86400.0
            before = one.exchanges
            await eventually(lambda: one.exchanges > before + 1)
            await queue.free_turns(1)
            assert await asked


async def test_a_newer_attempt_takes_the_place_and_the_same_one_shares_it() -> None:
    async with opened() as store:
        queue = TurnQueue(store)
        await queue.free_turns(0)
        async with process(queue, "one") as one:
            older = asyncio.ensure_future(one.asks("a"))
            await waiting(one, 1)
            newer = [asyncio.ensure_future(one.asks("a", attempt=3)) for _ in range(2)]
            with pytest.raises(RefusedError) as refused:
                await older
            assert refused.value.reason is Reason.ATTEMPT_STALE
            with pytest.raises(RefusedError):
                await one.asks("a", attempt=2)
            await queue.free_turns(1)
            assert None not in await asyncio.gather(*newer)
            assert one.turns.waiting == 0


async def test_a_session_that_is_released_while_it_waits_moves_up() -> None:
    async with opened() as store:
        queue = TurnQueue(store)
        await queue.free_turns(0)
        async with process(queue, "one") as one:
            released = [False]
            near = asyncio.ensure_future(
                one.turns.wait(
                    "near",
                    2,
                    Believed(20.0, 20.0),
                    is_released=lambda _: released[0],
                    deadline_at=boot_s() + 60.0,
                )
            )
            far = asyncio.ensure_future(one.asks("far", 500.0))
            await waiting(one, 2)
            seen = await queue.process("nobody").queue(within_s=60.0)
            assert {each.session_id: each.released for each in seen.waiting} == {
                "near": False,
                "far": True,
            }
            released[0] = True
            for _ in range(6000):
                seen = await queue.process("nobody").queue(within_s=60.0)
                if all(each.released for each in seen.waiting):
                    break
                await asyncio.sleep(0.01)
            await queue.free_turns(1)
            assert await near
            assert not far.done()
            far.cancel()


async def test_a_turn_for_a_client_that_has_left_is_held_for_the_next_one() -> None:
    async with opened() as store:
        queue = TurnQueue(store)
        await queue.free_turns(0)
        async with process(queue, "one") as one:
            left = asyncio.ensure_future(one.asks("left", 10.0))
            stays = asyncio.ensure_future(one.asks("stays", 50.0))
            await waiting(one, 2)
            left.cancel()
            await queue.free_turns(2)
            assert await stays
            assert one.budget.lacking <= 1


async def test_games_that_were_over_teach_whom_to_call_for_first() -> None:
    async with opened() as store:
        queue = TurnQueue(store)
        await queue.free_turns(0)
        async with process(queue, "one") as one:

            async def asks_beyond_its_deadline(number: int) -> Turn | None:
                return await one.turns.wait(
                    f"passed-{number}",
                    2,
                    Believed(0.0, 500.0),
                    is_released=lambda _: True,
                    deadline_at=boot_s() + 600.0,
                )

            asked = [asyncio.ensure_future(asks_beyond_its_deadline(n)) for n in range(7)]
            await waiting(one, 7)
            assert one.doubt == NO_DOUBT
            await queue.free_turns(4)
            await eventually(lambda: sum(each.done() for each in asked) == 4)
            for each in asked:
                if each.done() and (turn := each.result()) is not None:
                    one.turns.called(turn.outcome(boot_s(), 0.1, taken=False))
            left = [each for each in asked if not each.done()]
            in_time = asyncio.ensure_future(one.asks("in time", 1000.0, within_s=600.0))
            await waiting(one, 4)
            await eventually(lambda: one.doubt.left_s > 300.0)
            await queue.free_turns(1)
            assert await in_time is not None
            assert not any(each.done() for each in left)
            # Where all others have time, turns for the doubtful cost nobody a game.
            far = asyncio.ensure_future(one.asks("far", 1e6, within_s=600.0))
            await waiting(one, 4)
            await eventually(lambda: one.doubt.first)
            await queue.free_turns(3)
            assert None not in await asyncio.gather(*left)
            assert not far.done()
            far.cancel()


async def test_a_database_that_fails_is_said_to_everybody_who_waits() -> None:
    async with opened() as store:
        queue = TurnQueue(store)
        await queue.free_turns(0)
        async with process(queue, "one") as one:
            asked = [asyncio.ensure_future(one.asks(str(number))) for number in range(3)]
            await waiting(one, 3)

            async def fail(*_: object, **__: object) -> Exchanged:
                raise StoreUnavailableError("The backend's database cannot be used.")

            one.turns._store.exchange = fail  # type: ignore[method-assign]
            outcomes = await asyncio.gather(*asked, return_exceptions=True)
            assert all(isinstance(each, StoreUnavailableError) for each in outcomes)


async def test_a_database_that_fails_for_a_moment_sends_nobody_away() -> None:
    async with opened() as store:
        queue = TurnQueue(store)
        await queue.free_turns(0)
        async with process(queue, "one") as one:
            asked = asyncio.ensure_future(one.asks("a"))
            await waiting(one, 1)
            exchange, failed = one.turns._store.exchange, 0

            async def fails_once(
                arrivals: Sequence[Arrival], *, within_s: float, doubt: Doubt = NO_DOUBT
            ) -> Exchanged:
                nonlocal failed
                if not failed:
                    failed += 1
                    raise StoreUnavailableError("The backend's database cannot be used.")
                return await exchange(arrivals, within_s=within_s, doubt=doubt)

            one.turns._store.exchange = fails_once  # type: ignore[method-assign]
            await queue.free_turns(1)
            assert await asked
            assert failed == 1


async def test_games_that_are_lost_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rejoin.backend.create_turns.SWEEP_S", 0.01)
    async with opened() as store:
        queue = TurnQueue(store)
        await queue.free_turns(0)
        async with process(queue, "one") as one:
            lost: list[Lost] = []
            one.turns.on_lost = lost.append
            asking = asyncio.ensure_future(one.asks("a", 5.0))
            await waiting(one, 1)
            asking.cancel()
            await queue.passes(100.0)
            await one.turns.start()
            for _ in range(6000):
                if lost:
                    break
                await asyncio.sleep(0.01)
            assert lost == [Lost(1, 1)]


@contextlib.asynccontextmanager
async def backend(
    service: FakeStreamService, store: SessionStore, quota: Quota
) -> AsyncIterator[Caller]:
    app = build_app(service, store, [GOOD_TOKEN], rules=AppRules(quota=quota))
    async with in_process(app, headers={"Authorization": f"Bearer {GOOD_TOKEN}"}) as http:
        yield Caller(http)


async def reconnect(caller: Caller, session_id: str, **headers: str) -> httpx.Response:
    return await caller.http.post(
        f"/v1/sessions/{session_id}/connections",
        headers={"Idempotency-Key": new_token(), "Rejoin-Budget-Ms": "60000"} | headers,
        json={"signal_request": new_offer(), "attempt": 2},
    )


async def test_a_client_without_a_turn_hears_its_place_and_no_call_goes_out(url: str) -> None:
    service = FakeStreamService()
    async with opened(url) as store, backend(service, store, NONE_COME_BACK) as caller:
        sessions = [await caller.started() for _ in range(4)]
        assert (await reconnect(caller, sessions[0])).status_code == 200
        await store.database.run(_no_calls_left, within_s=60.0)
        headers = {"Rejoin-Window-Ms": "20000", "Rejoin-Latest-Ms": "80000"}
        headers |= {"Rejoin-Budget-Ms": "10000"}  # time to find the place, on a busy machine too
        asked = [reconnect(caller, session_id, **headers) for session_id in sessions[1:]]
        # Turns that were held are used first.
        answers = [each for each in await asyncio.gather(*asked) if each.status_code != 200]
        assert answers
        for answer in answers:
            problem = problem_of(answer, ProblemCode.THROTTLED, 429)
            assert answer.headers["Retry-After"] == "1"
            assert problem["retryable"] is True
            assert problem["place"] >= 1
            assert problem["turn_in_s"] >= 0
        assert service.count("create") == 4 - len(answers)


def _no_calls_left(connection: Connection) -> None:
    connection.execute(update(CALL_BUDGET).values(free_at=CALL_BUDGET.c.free_at + 1e7))


@pytest.mark.parametrize("header", ["Rejoin-Window-Ms", "Rejoin-Latest-Ms"])
@pytest.mark.parametrize("value", ["-1", "soon", "1.5", "86400001", "1e3"])
async def test_a_window_that_is_no_number_of_milliseconds_is_refused(
    header: str, value: str
) -> None:
    service = FakeStreamService()
    async with opened() as store, backend(service, store, Quota()) as caller:
        session_id = await caller.started()
        answer = await reconnect(caller, session_id, **{header: value})
        problem = problem_of(answer, ProblemCode.INVALID_REQUEST, 400)
        assert problem["detail"].startswith(header)
        assert service.count("create") == 0
        good = await reconnect(caller, session_id, **{header: "0"})
        assert good.status_code == 200
