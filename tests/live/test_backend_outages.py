"""Two backends under load while something fails: no game that could be saved is lost."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from helpers.backend_processes import Backend, backend_process, write_settings
from helpers.fake_stream_service import new_offer, new_token
from helpers.postgres import PostgresServer, postgres_server
from helpers.streamless_service import StreamlessService
from rejoin.backend.serving import serving
from rejoin.signaling.wire import ProblemCode

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(600),
    pytest.mark.usefixtures("nothing_left_behind"),
]

PLAYERS = 6
ROUNDS = 3
WINDOW_S = 600.0
PATIENCE_S = 300.0
"""Only a hang takes this long."""
PAUSE_S = 0.05


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@dataclass
class Deployment:
    """`backends` are the ones that a load balancer has at the moment."""

    service: StreamlessService
    settings: Path
    backends: list[Backend] = field(default_factory=list)
    _number: Iterator[int] = field(default_factory=itertools.count)

    def next_backend(self) -> Backend:
        return self.backends[next(self._number) % len(self.backends)]


@contextlib.asynccontextmanager
async def deployment(postgres: PostgresServer, folder: Path) -> AsyncIterator[Deployment]:
    service = StreamlessService()
    async with serving(service.app(), "127.0.0.1", 0, close_patience_s=0) as port:
        yield Deployment(service, write_settings(folder, postgres.new_database(), port))


@dataclass
class Player:
    """A game that is dropped again and again, and its player who comes back each time.

    `offers`: those of all attempts, in their order. `refusals`: codes of what was not answered.
    """

    it: Deployment
    session_id: str
    arn: str
    offers: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    rounds: int = 0

    async def play(self, over: asyncio.Event) -> None:
        while not over.is_set():
            self.it.service.drop_arn(self.arn, WINDOW_S)
            await self.come_back()
            self.rounds += 1
            await asyncio.sleep(PAUSE_S)

    async def come_back(self) -> None:
        """One attempt, sent until it is answered: the same bytes with the same key."""
        offer, key = new_offer(), new_token()
        self.offers.append(offer)
        while True:
            backend = self.it.next_backend()
            try:
                answer = await backend.reconnect(
                    self.session_id, 1 + len(self.offers), key, offer, budget_ms=3000
                )
            except httpx.HTTPError:
                self.refusals.append("")
            else:
                if answer.status_code == 200:
                    assert answer.json()["signal_response"] == self.it.service.answer_to(offer)
                    return
                assert answer.json()["retryable"], answer.text
                self.refusals.append(answer.json()["code"])
            await asyncio.sleep(PAUSE_S)


async def new_players(it: Deployment) -> list[Player]:
    players = []
    for _ in range(PLAYERS):
        offer = new_offer()
        session_id = await it.next_backend().start(offer)
        (arn,) = (arn for arn, each in it.service.sessions.items() if each.request == offer)
        players.append(Player(it, session_id, arn))
    return players


async def until(condition: Callable[[], bool], games: list[asyncio.Task[None]]) -> None:
    """Raises what a game raises."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            for game in games:
                if game.done():
                    game.result()
            await asyncio.sleep(0.02)


def no_older_offer_won(it: Deployment, players: list[Player]) -> None:
    """Every attempt reached the service, none after a newer one, and the newest one is held."""
    for player in players:
        made = [offer for arn, offer in it.service.creates if arn == player.arn]
        numbers = [player.offers.index(offer) for offer in made]
        assert numbers == sorted(numbers)
        assert set(numbers) == set(range(len(player.offers)))
        assert it.service.sessions[player.arn].request == player.offers[-1]


async def test_a_rolling_upgrade_under_load_loses_no_game(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    async with deployment(postgres, tmp_path) as it, contextlib.AsyncExitStack() as stack:

        async def start(*module: str) -> Backend:
            found = await stack.enter_async_context(backend_process(it.settings, module=module))
            it.backends.append(found)
            return found

        async def stop(backend: Backend) -> None:
            """As a load balancer and a service manager do it: first no new calls, then SIGTERM."""
            it.backends.remove(backend)
            backend.program.send(signal.SIGTERM)
            assert await asyncio.to_thread(backend.program.process.wait, PATIENCE_S) == 0

        old = [await start("rejoin"), await start("rejoin")]
        players = await new_players(it)
        over = asyncio.Event()
        games = [asyncio.ensure_future(player.play(over)) for player in players]

        async def rounds() -> None:
            before = [player.rounds for player in players]
            await until(
                lambda: all(
                    player.rounds >= earlier + ROUNDS
                    for player, earlier in zip(players, before, strict=True)
                ),
                games,
            )

        try:
            await rounds()
            await stop(old[0])
            await start("helpers.next_backend")
            await rounds()  # the old release and the next one, on the schema of the next one
            await stop(old[1])
            await start("helpers.next_backend")
            await rounds()
            over.set()
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.gather(*games)
        finally:
            for game in games:
                game.cancel()
        no_older_offer_won(it, players)


async def test_every_game_is_saved_whose_window_outlasts_the_database(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    async with deployment(postgres, tmp_path) as it, contextlib.AsyncExitStack() as stack:
        for _ in range(2):
            it.backends.append(await stack.enter_async_context(backend_process(it.settings)))
        players = await new_players(it)
        postgres.stop()
        games: list[asyncio.Task[None]] = []
        try:
            for player in players:
                it.service.drop_arn(player.arn, WINDOW_S)
            games = [asyncio.ensure_future(player.come_back()) for player in players]
            await until(lambda: all(len(player.refusals) >= 2 for player in players), games)
            assert {code for player in players for code in player.refusals} == {
                ProblemCode.STORE_UNAVAILABLE
            }
            assert it.service.creates == [], "no call goes out that is not recorded"
            await asyncio.to_thread(postgres.start)
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.gather(*games)
        finally:
            for game in games:
                game.cancel()
            if postgres.process is None:
                await asyncio.to_thread(postgres.start)
        no_older_offer_won(it, players)


@pytest.mark.parametrize("off_s", [3 * 86400.0, -3 * 86400.0])
async def test_a_clock_that_is_three_days_off_ends_no_game(
    postgres: PostgresServer, tmp_path: Path, off_s: float
) -> None:
    async with deployment(postgres, tmp_path) as it, contextlib.AsyncExitStack() as stack:
        right = await stack.enter_async_context(backend_process(it.settings))
        it.backends.append(right)
        players = await new_players(it)
        module = ("helpers.wrong_clock", str(off_s))
        wrong = await stack.enter_async_context(backend_process(it.settings, module=module))
        again = await stack.enter_async_context(backend_process(it.settings))
        asked = it.service.calls
        await until(lambda: asked["ListStreamSessions 200"] >= 3, [])  # each has swept once
        it.backends += [wrong, again]
        by_wrong = await wrong.start()
        for player in players:
            for _ in range(3):
                it.service.drop_arn(player.arn, WINDOW_S)
                await player.come_back()
        no_older_offer_won(it, players)
        for backend in it.backends:
            seen = await backend.http.get(f"/v1/sessions/{by_wrong}")
            assert seen.json()["status"] == "ACTIVE"


async def test_a_backend_that_is_to_end_is_not_ready_first_and_answers_what_is_open(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    async with deployment(postgres, tmp_path) as it:
        settings = it.settings.read_text(encoding="utf-8")
        it.settings.write_text(f"{settings}drain_delay_s = 300\n", encoding="utf-8")
        async with backend_process(it.settings) as backend:
            it.backends = [backend]
            (player, *_) = await new_players(it)
            assert (await backend.http.get("/v1/ready")).status_code == 200
            backend.program.send(signal.SIGTERM)
            for _ in range(6000):
                ready = await backend.http.get("/v1/ready")
                if ready.status_code == 503:
                    break
                await asyncio.sleep(0.01)
            assert ready.json() == {"ready": False, "reasons": ["stopping"]}
            it.service.drop_arn(player.arn, WINDOW_S)
            await player.come_back()
            async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
                assert (await http.get(backend.http.base_url.join("/v1/health"))).status_code == 200

            # A second signal skips the rest of the delay; a call that hangs gets a problem.
            it.service.delay_s["CreateStreamSessionConnection"] = PATIENCE_S
            it.service.drop_arn(player.arn, WINDOW_S)
            hanging = asyncio.ensure_future(
                backend.reconnect(player.session_id, 50, new_token(), new_offer(), budget_ms=60_000)
            )
            calls = it.service.calls.total()
            poll = asyncio.ensure_future(
                backend.http.get(
                    f"/v1/sessions/{player.session_id}",
                    params={"known": "PENDING_CLIENT_RECONNECTION", "wait_s": 25.0},
                    headers={"Rejoin-Budget-Ms": "60000"},
                )
            )
            async with asyncio.timeout(PATIENCE_S):
                while it.service.calls.total() == calls:  # noqa: ASYNC110 in the service
                    await asyncio.sleep(0.01)
            backend.program.send(signal.SIGTERM)
            done = await asyncio.to_thread(backend.program.done)
            assert done.code == 0
            done.assert_no_secrets()
            assert (await poll).status_code == 200
            answer = await hanging
            assert answer.status_code in (502, 504)
            assert answer.json()["retryable"]
