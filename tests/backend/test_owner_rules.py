"""What one player may hold, and that it is nobody else's."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

import httpx
import pytest

from helpers.backend_caller import caller, in_process, problem_of
from helpers.fake_stream_service import (
    GOOD_TOKEN,
    OTHER_TOKEN,
    PLENTY,
    FakeStreamService,
    new_offer,
    new_token,
)
from helpers.stores import opened
from rejoin.backend import broker
from rejoin.backend.configuration import BackendSettings
from rejoin.backend.dialects import build_backend
from rejoin.backend.owner_rules import CALL_PACES, CallPace, OwnerCalls, OwnerRules
from rejoin.backend.refused import Reason, RefusedError
from rejoin.backend.routes import AppRules, build_app
from rejoin.backend.service import StartedStream, StreamId, StreamStatus
from rejoin.backend.status_polls import FAST_POLL_S
from rejoin.backend.store.database import Database
from rejoin.backend.store.session_rows import StoredSession
from rejoin.backend.store.sessions import SessionStore
from rejoin.signaling.wire import ProblemCode


def test_calls_are_counted_for_each_player_and_operation() -> None:
    owners = OwnerCalls(OwnerRules(outstanding={"start": 2}), lambda: 0.0)
    with owners.call("me", "start"), owners.call("me", "start"):
        with pytest.raises(RefusedError) as caught, owners.call("me", "start"):
            pass
        assert caught.value.reason is Reason.OWNER_BUSY
        with owners.call("them", "start"), owners.call("me", "status"):
            pass
    with owners.call("me", "start"):
        pass


def test_starts_have_a_pace() -> None:
    now = 0.0
    owners = OwnerCalls(OwnerRules(starts_per_minute=3), lambda: now)
    for _ in range(3):
        owners.started("me")
    with pytest.raises(RefusedError) as caught:
        owners.started("me")
    assert caught.value.retry_after_s == pytest.approx(20.0)
    owners.started("them")
    now = 20.0
    owners.started("me")


def test_calls_have_a_pace_for_each_player_and_operation() -> None:
    now = 0.0
    rules = OwnerRules(paces={"status": CallPace(per_s=2.0, at_once=3.0)})
    owners = OwnerCalls(rules, lambda: now)

    def look(owner: str) -> None:
        with owners.call(owner, "status"):
            pass

    for _ in range(3):
        look("me")
    with pytest.raises(RefusedError) as caught:
        look("me")
    assert caught.value.reason is Reason.OWNER_BUSY
    assert caught.value.retry_after_s == pytest.approx(0.5)
    look("them")
    with owners.call("me", "reconnect"):
        pass
    now = 0.5
    look("me")
    with pytest.raises(RefusedError):
        look("me")


async def test_a_player_who_looks_without_end_costs_the_database_little() -> None:
    reads = 0

    class CountedStore(SessionStore):
        async def find(
            self, session_id: str, owner_hash: str, *, within_s: float, urgent: bool = False
        ) -> StoredSession | None:
            nonlocal reads
            reads += 1
            return await super().find(session_id, owner_hash, within_s=within_s, urgent=urgent)

    settings = BackendSettings("us-west-2", "sg-1", "a-1", (GOOD_TOKEN,))
    pace = CALL_PACES["status"]
    async with contextlib.AsyncExitStack() as stack:
        store = CountedStore(Database())
        await store.open()
        stack.push_async_callback(store.close)
        app = build_backend(FakeStreamService(), store, settings, clock=lambda: 1000.0)
        http = await stack.enter_async_context(in_process(app, "http://localhost"))
        headers = {"Authorization": f"Bearer {GOOD_TOKEN}"}
        answers = [
            await http.get("/v1/sessions/none", headers=headers)
            for _ in range(3 * int(pace.at_once))
        ]
    codes = Counter(answer.status_code for answer in answers)
    assert codes == {404: int(pace.at_once), 429: 2 * int(pace.at_once)}
    assert reads == int(pace.at_once)


async def test_a_player_with_many_long_polls_has_the_turns_of_one() -> None:
    service = FakeStreamService(status="CONNECTED")
    polls = 6
    looks = {}
    for count in (1, polls):
        async with opened() as store, caller(service, store=store) as mine:
            sessions = [await mine.started() for _ in range(count)]
            before = service.count("get_status")
            await asyncio.gather(
                *(mine.get_status(each, known="CONNECTED", wait_s=2.5) for each in sessions)
            )
            looks[count] = service.count("get_status") - before
    # The first look of each poll is made at once.
    assert looks[polls] <= 2.5 / FAST_POLL_S + 2 * polls


class HangingService(FakeStreamService):
    """Starts of one player hang: those whose token is in `hanging`."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.hangs = True

    async def start(self, **arguments: object) -> StartedStream:
        started = await super().start(**arguments)  # type: ignore[arg-type]
        if self.hangs:
            await self.go.wait()
        return started


async def test_a_player_with_slow_starts_keeps_nobody_out() -> None:
    service = HangingService()
    async with (
        opened() as store,
        caller(service, store=store) as mine,
        caller(service, store=store, token=OTHER_TOKEN) as theirs,
    ):
        service.hangs = False
        session_id = await theirs.started()
        service.hangs = True
        attack = [asyncio.ensure_future(mine.start()) for _ in range(30)]
        await asyncio.sleep(0.2)
        service.hangs = False
        assert (await theirs.reconnect(session_id, 2)).status_code == 200
        assert (await theirs.get_status(session_id))["attempt"] == 2
        assert (await theirs.start()).status_code == 201
        service.go.set()
        answers = await asyncio.gather(*attack)
    assert {answer.status_code for answer in answers} <= {201, 429}


async def test_a_player_has_so_many_games_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    service = FakeStreamService(status="CONNECTED")
    rules = AppRules(quota=PLENTY, owners=OwnerRules(live_sessions=2))
    async with opened() as store, contextlib.AsyncExitStack() as stack:
        app = build_app(service, store, [GOOD_TOKEN, OTHER_TOKEN], rules=rules)
        http = await stack.enter_async_context(in_process(app, "http://x"))

        async def start(token: str) -> httpx.Response:
            return await http.post(
                "/v1/sessions",
                headers={"Authorization": f"Bearer {token}", "Idempotency-Key": new_token()},
                json={"signal_request": new_offer(), "attempt": 1},
            )

        for _ in range(2):
            assert (await start(GOOD_TOKEN)).status_code == 201
        content = problem_of(await start(GOOD_TOKEN), ProblemCode.FORBIDDEN, 403)
        assert "games" in content["detail"]
        assert (await start(OTHER_TOKEN)).status_code == 201
        monkeypatch.setattr(broker, "LIVING_FOR_S", 3600.0)
        calls = service.count("get_status")
        for _ in range(10):
            problem_of(await start(GOOD_TOKEN), ProblemCode.FORBIDDEN, 403)
        assert service.count("get_status") == calls, "what was just seen is not asked for again"
        monkeypatch.setattr(broker, "LIVING_FOR_S", 0.0)
        service.status = "TERMINATED"  # the service knows it before we do
        assert (await start(GOOD_TOKEN)).status_code == 201
    assert service.count("start") == 4


async def test_a_repeated_start_waits_for_the_same_admission() -> None:
    class SlowStatus(FakeStreamService):
        async def get_status(self, stream: StreamId, *, budget_s: float) -> StreamStatus:
            await asyncio.sleep(0.2)
            return await super().get_status(stream, budget_s=budget_s)

    service = SlowStatus(status="CONNECTED")
    rules = AppRules(quota=PLENTY, owners=OwnerRules(live_sessions=1))
    async with opened() as store, contextlib.AsyncExitStack() as stack:
        app = build_app(service, store, [GOOD_TOKEN], rules=rules)
        http = await stack.enter_async_context(in_process(app, "http://x"))

        async def start(token: str, offer: str) -> httpx.Response:
            return await http.post(
                "/v1/sessions",
                headers={"Authorization": f"Bearer {GOOD_TOKEN}", "Idempotency-Key": token},
                json={"signal_request": offer, "attempt": 1},
            )

        assert (await start(new_token(), new_offer())).status_code == 201
        token, offer = new_token(), new_offer()
        for answer in await asyncio.gather(start(token, offer), start(token, offer)):
            problem_of(answer, ProblemCode.FORBIDDEN, 403)
    assert service.count("start") == 1


async def test_a_start_that_is_sent_to_two_processes_has_the_limit_of_one() -> None:
    class SlowStatus(FakeStreamService):
        async def get_status(self, stream: StreamId, *, budget_s: float) -> StreamStatus:
            await asyncio.sleep(0.2)
            return await super().get_status(stream, budget_s=budget_s)

    service = SlowStatus(status="CONNECTED")
    rules = AppRules(quota=PLENTY, owners=OwnerRules(live_sessions=1))
    async with opened() as store, contextlib.AsyncExitStack() as stack:
        clients = []
        for _ in range(2):
            app = build_app(service, store, [GOOD_TOKEN], rules=rules)
            await stack.enter_async_context(app.router.lifespan_context(app))
            clients.append(
                await stack.enter_async_context(
                    httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x")
                )
            )

        async def start(http: httpx.AsyncClient, token: str, offer: str) -> httpx.Response:
            return await http.post(
                "/v1/sessions",
                headers={"Authorization": f"Bearer {GOOD_TOKEN}", "Idempotency-Key": token},
                json={"signal_request": offer, "attempt": 1},
            )

        assert (await start(clients[0], new_token(), new_offer())).status_code == 201
        token, offer = new_token(), new_offer()
        answers = await asyncio.gather(*(start(http, token, offer) for http in clients))
        for answer in answers:
            problem_of(answer, ProblemCode.FORBIDDEN, 403)
    assert service.count("start") == 1
