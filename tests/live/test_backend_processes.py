"""Backends as processes on one PostgreSQL server: killed in mid call, and the database gone."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from helpers.backend_processes import Backend, backend_process, write_settings
from helpers.fake_stream_service import new_offer, new_token
from helpers.postgres import PostgresServer, postgres_server
from helpers.programs import PATIENCE_S, started
from rejoin.backend.serving import serving
from rejoin.signaling.wire import ProblemCode, sha256_hex

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]

ARN = "arn:aws:gameliftstreams:us-west-2:111122223333:streamsession/sg-1/ABC123def4567"


@dataclass
class Service:
    """The service's API with one stream session, without streams. `held` holds create calls back
    after they were accepted, as one that its backend does not live to see the answer of."""

    creates: list[tuple[str, str]] = field(default_factory=list)
    """(ClientToken, SignalRequest) of every create call."""
    held: asyncio.Event = field(default_factory=asyncio.Event)
    request: str = ""
    starts: int = 0

    def app(self) -> Starlette:
        base = "/streamgroups/{group}/streamsessions"
        return Starlette(
            routes=[
                Route(base, self._start, methods=["POST"]),
                Route(base, self._list, methods=["GET"]),
                Route(base + "/{session:path}/connections", self._create, methods=["POST"]),
                Route(base + "/{session:path}", self._get, methods=["GET"]),
                Route(base + "/{session:path}", self._terminate, methods=["DELETE"]),
            ]
        )

    async def _start(self, request: Request) -> Response:
        self.request = (await request.json())["SignalRequest"]
        self.starts += 1
        return JSONResponse({"Arn": f"{ARN}{self.starts}", "Status": "ACTIVATING"}, 201)

    async def _list(self, request: Request) -> Response:
        return JSONResponse({"Items": []})

    async def _get(self, request: Request) -> Response:
        return JSONResponse(
            {"Arn": ARN, "Status": "ACTIVE", "SignalRequest": self.request, "SignalResponse": ""}
        )

    async def _terminate(self, request: Request) -> Response:
        return Response(status_code=204)

    async def _create(self, request: Request) -> Response:
        body = await request.json()
        self.creates.append((body["ClientToken"], body["SignalRequest"]))
        self.request = body["SignalRequest"]
        await self.held.wait()
        return JSONResponse({"SignalResponse": f"answer to {len(self.creates)}"})

    async def until_creates(self, count: int) -> None:
        until = time.monotonic() + PATIENCE_S
        while len(self.creates) < count:
            assert time.monotonic() < until, "the create call does not arrive"
            await asyncio.sleep(0.02)


@dataclass
class Scene:
    service: Service
    one: Backend
    two: Backend


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@asynccontextmanager
async def scene(postgres: PostgresServer, folder: Path, **settings: Any) -> AsyncIterator[Scene]:
    database = postgres.new_database()
    async with backends(database, folder, (), (), **settings) as (service, (one, two)):
        yield Scene(service, one, two)


@asynccontextmanager
async def backends(
    database: str, folder: Path, *before: tuple[str, ...], **changes: Any
) -> AsyncIterator[tuple[Service, list[Backend]]]:
    """A process for each of `before`, which is put in front of its command. `changes`: what is
    set in another way."""
    service = Service()
    async with contextlib.AsyncExitStack() as stack:
        settings = await _settings(service, database, folder, stack, **changes)
        yield (
            service,
            [
                await stack.enter_async_context(backend_process(settings, before=each))
                for each in before
            ],
        )
        service.held.set()


async def _settings(
    service: Service,
    database: str,
    folder: Path,
    stack: contextlib.AsyncExitStack,
    **changes: Any,
) -> Path:
    """Serve the service, and write the settings of a backend in front of it."""
    port = await stack.enter_async_context(
        serving(service.app(), "127.0.0.1", 0, close_patience_s=0)
    )
    return write_settings(folder, database, port, **changes)


async def test_a_backend_killed_in_mid_call_loses_no_game(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    async with scene(postgres, tmp_path) as it:
        session_id = await it.one.start()
        key, offer = new_token(), new_offer()
        lost = asyncio.ensure_future(it.one.reconnect(session_id, 2, key, offer))
        await it.service.until_creates(1)
        it.one.program.send(signal.SIGKILL)
        with pytest.raises(httpx.HTTPError):
            await lost
        it.service.held.set()
        answer = await it.two.reconnect(session_id, 2, key, offer)
        assert answer.json()["signal_response"] == "answer to 2"
        first, second = it.service.creates
        assert first == second, "the same ClientToken and the same bytes"


async def test_a_newer_offer_still_fits_into_ten_seconds_and_an_older_one_never_wins(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    async with scene(postgres, tmp_path) as it:
        session_id = await it.one.start()
        known = await it.two.http.get(f"/v1/sessions/{session_id}")
        assert known.status_code == 200, "it has a connection to the database"
        old_key, old = new_token(), new_offer()
        # A client in a window of 10 s gives its first try less than half of it.
        began_at = time.monotonic()
        lost = asyncio.ensure_future(it.one.reconnect(session_id, 2, old_key, old, budget_ms=4000))
        await it.service.until_creates(1)
        it.one.program.send(signal.SIGKILL)
        with pytest.raises(httpx.HTTPError):
            await lost
        it.service.held.set()
        key, offer = new_token(), new_offer()
        refused = await it.two.reconnect(session_id, 3, key, offer, budget_ms=1500)
        assert refused.json()["code"] == ProblemCode.IN_FLIGHT
        assert refused.headers["Retry-After"] in ("1", "2")
        answer = await it.two.reconnect(session_id, 3, key, offer)
        waited_s = time.monotonic() - began_at
        assert answer.json()["signal_response"] == "answer to 2"
        # The lost call had 4 s, and 1 s in which it could still land.
        assert waited_s > 4.5
        stale = await it.two.reconnect(session_id, 2, old_key, old)
        assert stale.json()["code"] == ProblemCode.STALE_ATTEMPT
        assert [request for _, request in it.service.creates] == [old, offer]


async def test_two_backends_make_one_call_at_a_time(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    async with scene(postgres, tmp_path) as it:
        session_id = await it.one.start()
        for attempt in range(2, 6):
            it.service.held.clear()
            it.service.creates.clear()
            key, offer = new_token(), new_offer()
            calls = [
                asyncio.ensure_future(each.reconnect(session_id, attempt, key, offer))
                for each in (it.one, it.two)
            ]
            await it.service.until_creates(1)
            await asyncio.sleep(2.5)  # longer than a flight without a process would stand
            it.service.held.set()
            answers = await asyncio.gather(*calls)
            assert [answer.status_code for answer in answers] == [200] * 2
            assert len(set(it.service.creates)) == 1, "the same ClientToken and the same bytes"
            if len(it.service.creates) == 1:
                break  # a process that stands still for two seconds is taken for one that is gone
        assert {answer.json()["signal_response"] for answer in answers} == {"answer to 1"}
        assert len(it.service.creates) == 1


async def test_two_backends_make_no_more_calls_than_one_budget_allows(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    per_s, burst, reconnects = 2, 1, 5
    async with scene(postgres, tmp_path, calls_per_s=per_s, calls_burst=burst) as it:
        it.service.held.set()
        sessions = [await it.one.start() for _ in range(3)]
        began_at = time.monotonic()

        async def player(number: int, session_id: str) -> None:
            for attempt in range(2, 2 + reconnects):
                backend = (it.one, it.two)[(number + attempt) % 2]
                key, offer = new_token(), new_offer()
                while True:
                    answer = await backend.reconnect(session_id, attempt, key, offer)
                    if answer.status_code == 200:
                        break
                    assert answer.json()["code"] == ProblemCode.THROTTLED, answer.text
                    assert answer.headers["Retry-After"] == "1"

        await asyncio.gather(*(player(*each) for each in enumerate(sessions)))
        took_s = time.monotonic() - began_at
        calls = len(it.service.creates)
        assert calls == len(sessions) * reconnects
        held = 2 * 2  # two processes may hold two turns each from before
        assert calls <= burst + held + per_s * took_s


async def test_clients_that_wait_at_a_backend_that_is_killed_are_let_in_by_another(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    async with scene(postgres, tmp_path, calls_per_s=1, calls_burst=1) as it:
        it.service.held.set()
        sessions = [await it.one.start() for _ in range(4)]
        keys = [(session_id, new_token(), new_offer()) for session_id in sessions]
        waiting = [
            asyncio.ensure_future(it.one.reconnect(session_id, 2, key, offer, budget_ms=30_000))
            for session_id, key, offer in keys
        ]
        await it.service.until_creates(1)
        it.one.program.send(signal.SIGKILL)
        await asyncio.gather(*waiting, return_exceptions=True)

        async def again(session_id: str, key: str, offer: str) -> int:
            answer = await it.two.reconnect(session_id, 2, key, offer, budget_ms=30_000)
            return answer.status_code

        assert await asyncio.gather(*(again(*each) for each in keys)) == [200] * 4
        assert len({request for _, request in it.service.creates}) == 4


async def test_without_the_database_no_call_goes_out_and_with_it_again_all_is_as_before(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    async with scene(postgres, tmp_path) as it:
        it.service.held.set()
        session_id = await it.one.start()
        postgres.stop()
        try:
            for backend in (it.one, it.two):
                began_at = time.monotonic()
                refused = await backend.reconnect(session_id, 2, new_token(), new_offer())
                assert refused.status_code == 503
                assert refused.json()["code"] == ProblemCode.STORE_UNAVAILABLE
                assert time.monotonic() - began_at < 9.0 + PATIENCE_S
                health = await backend.http.get("/v1/health")
                assert health.status_code == 200
            assert it.service.creates == []
        finally:
            await asyncio.to_thread(postgres.start)
        answer = await it.two.reconnect(session_id, 3, new_token(), new_offer())
        assert answer.json()["signal_response"] == "answer to 1"


async def test_an_answer_that_cannot_be_stored_is_returned(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    async with scene(postgres, tmp_path) as it:
        session_id = await it.one.start()
        call = asyncio.ensure_future(it.one.reconnect(session_id, 2, new_token(), new_offer()))
        await it.service.until_creates(1)
        postgres.stop()
        try:
            it.service.held.set()
            assert (await call).json()["signal_response"] == "answer to 1"
        finally:
            await asyncio.to_thread(postgres.start)


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's")
async def test_a_full_disk_refuses_starts_and_ends_nothing(tmp_path: Path) -> None:
    database = str(tmp_path / "backend.sqlite3")
    full = ("prlimit", "--fsize=500000")
    async with backends(database, tmp_path, full) as (service, (backend,)):
        service.held.set()
        session_id = await backend.start()
        refused = None
        for _ in range(300):
            answer = await backend.http.post(
                "/v1/sessions",
                headers={"Idempotency-Key": new_token()},
                json={"signal_request": new_offer(), "attempt": 1},
            )
            # On a busy machine one may be refused before the disk is full.
            is_full = max(each.stat().st_size for each in tmp_path.glob("*.sqlite3*")) > 450_000
            if answer.status_code != 201 and is_full:
                refused = answer
                break
        assert refused is not None, "the file never filled"
        assert (refused.status_code, refused.json()["code"]) == (
            503,
            ProblemCode.STORE_UNAVAILABLE,
        )
        known = await backend.http.get(f"/v1/sessions/{session_id}")
        assert known.status_code == 200, "what is stored can be read"
        assert (await backend.http.get("/v1/health")).status_code == 200
        # A reconnect writes less than a start does: some may still fit where a start did not.
        for attempt in range(2, 60):
            creates = len(service.creates)
            answer = await backend.reconnect(session_id, attempt, new_token(), new_offer())
            if answer.status_code != 200:
                break
        assert answer.json()["code"] == ProblemCode.STORE_UNAVAILABLE
        assert len(service.creates) == creates, "no call goes out that is not recorded"
        ended = await backend.http.delete(f"/v1/sessions/{session_id}")
        assert ended.status_code == 204, "a game that is paid for can be ended"


# --- deploys under load -------------------------------------------------------------------------


@dataclass
class Answering(Service):
    """Answers each offer by itself, after a moment. `offers`: of each stream session, in order."""

    offers: dict[str, list[str]] = field(default_factory=dict)

    async def _create(self, request: Request) -> Response:
        offer = (await request.json())["SignalRequest"]
        self.offers.setdefault(request.path_params["session"], []).append(offer)
        await asyncio.sleep(0.05)
        return JSONResponse({"SignalResponse": f"answer to {sha256_hex(offer)}"})


@dataclass
class Fleet:
    """The backends that run now. `back`: set when no player needs to come back any more."""

    running: list[Backend]
    back: asyncio.Event = field(default_factory=asyncio.Event)
    answered: int = 0

    async def play(self, session_id: str, offers: list[str]) -> None:
        """Come back over and over: each attempt is sent until it is answered, as a client does."""
        attempt = 1
        while not self.back.is_set():
            attempt += 1
            key, offer = new_token(), new_offer()
            offers.append(offer)
            until = time.monotonic() + PATIENCE_S
            while True:
                assert time.monotonic() < until, "the attempt is never answered"
                backend = secrets.choice(self.running)
                try:
                    answer = await backend.reconnect(session_id, attempt, key, offer)
                except httpx.HTTPError:
                    continue
                if answer.status_code == 200:
                    break
                problem = answer.json()
                assert problem["retryable"], problem
                await asyncio.sleep(0.1)
            assert answer.json()["signal_response"] == f"answer to {sha256_hex(offer)}"
            self.answered += 1

    async def until_answered(self, more: int) -> None:
        """Wait for as many answers from now on."""
        wanted = self.answered + more
        until = time.monotonic() + PATIENCE_S
        while self.answered < wanted:
            assert time.monotonic() < until, "nobody is answered any more"
            await asyncio.sleep(0.02)


async def test_restarts_and_a_newer_schema_under_load_lose_no_game(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """Deploy, kill -9, and a migration by a later release while this one goes on."""
    service, database = Answering(), postgres.new_database()
    async with contextlib.AsyncExitStack() as stack:
        settings = await _settings(service, database, tmp_path, stack)

        async def new_backend() -> Backend:
            return await stack.enter_async_context(backend_process(settings))

        fleet = Fleet([await new_backend(), await new_backend()])
        sent: dict[str, list[str]] = {}
        for _ in range(6):
            sent[await fleet.running[0].start()] = []
        playing = [asyncio.ensure_future(fleet.play(each, sent[each])) for each in sent]
        await fleet.until_answered(12)
        for number in (signal.SIGTERM, signal.SIGKILL):
            gone = fleet.running.pop(0)
            gone.program.send(number)
            await fleet.until_answered(12)
            fleet.running.append(await new_backend())
            await fleet.until_answered(12)
        for change in (
            "ALTER TABLE stream_session ADD COLUMN of_a_later_release DOUBLE PRECISION",
            "ALTER TABLE attempt ADD COLUMN of_a_later_release TEXT",
            "UPDATE alembic_version SET version_num = '9999'",
        ):
            await asyncio.to_thread(postgres.execute, database, change)
            await fleet.until_answered(12)
        refused = stack.enter_context(started("backend", "--settings", str(settings)))
        done = await asyncio.to_thread(refused.done)
        assert done.code != 0
        assert "newer" in done.error_line
        fleet.back.set()
        await asyncio.gather(*playing)
        assert len(service.offers) == len(sent)
        for offers in service.offers.values():
            mine = next(each for each in sent.values() if offers[0] in each)
            order = [mine.index(offer) for offer in offers]
            assert order == sorted(order), "an older offer after a newer one"
            assert set(order) == set(range(len(mine))), "each was sent"
