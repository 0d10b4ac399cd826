"""A deployment for the benches: backend processes, a database, and a service without streams.

Players sign in with access tokens of an issuer that the service's process serves too. Every port is
below 32768, where the system takes no port of an outgoing connection from: thousands of clients on
one machine would otherwise take one that a process is about to listen on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from sqlalchemy import insert

from bench.http_calls import Answer, Connection
from helpers.ports import free_port
from helpers.streamless_service import arn_of
from rejoin.backend.store.database import Database
from rejoin.backend.store.schema import ATTEMPT, STREAM_SESSION, secret_hash
from rejoin.backend.store.sessions import SessionStore
from rejoin.signaling.wire import BUDGET_HEADER, IDEMPOTENCY_HEADER, sha256_hex

AUDIENCE = "https://backend.example"
STARTS_WITHIN_S = 60.0
_ROWS = 1000


class Issuer:
    """Signs access tokens of players, who are numbered."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._tokens: dict[int, str] = {}

    def keys(self) -> dict[str, Any]:
        key = json.loads(ECAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [{**key, "kid": "1", "use": "sig", "alg": "ES256"}]}

    def token(self, player: int) -> str:
        if player not in self._tokens:
            claims = {"iss": self.url, "sub": f"player-{player}", "aud": AUDIENCE}
            self._tokens[player] = jwt.encode(
                {**claims, "exp": int(time.time()) + 3600},
                self._key,
                algorithm="ES256",
                headers={"typ": "at+jwt", "kid": "1"},
            )
        return self._tokens[player]

    def owner_hash(self, player: int) -> str:
        return secret_hash("owner", f"{self.url}\0player-{player}")


class ServiceProcess:
    """`bench.service_process`, and its commands."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.service_process", str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._turn = asyncio.Lock()

    async def ready(self) -> None:
        assert await asyncio.to_thread(self._read) == "ready"

    async def command(self, **command: object) -> Any:
        async with self._turn:
            return await asyncio.to_thread(self._ask, command)

    def _ask(self, command: object) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the service's process has ended"
        return json.loads(line)


@dataclass
class Deployment:
    """`backends`: (port, process id) of each. Player `n` owns the seeded session `n`."""

    service: ServiceProcess
    issuer: Issuer
    database: str
    backends: list[tuple[int, int]] = field(default_factory=list)

    def connection(self, player: int) -> Connection:
        """To a backend, as a load balancer would choose it."""
        return Connection(self.backends[player % len(self.backends)][0])

    def headers(self, player: int, budget_s: float = 9.0) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.issuer.token(player)}",
            BUDGET_HEADER: str(int(budget_s * 1000)),
        }

    async def reconnect(
        self,
        connection: Connection,
        player: int,
        attempt: int,
        budget_s: float = 9.0,
        *,
        offer: str | None = None,
        more: dict[str, str] | None = None,
    ) -> Answer:
        """One create call of this player's session. `more`: headers besides, or in place of."""
        headers = self.headers(player, budget_s) | {IDEMPOTENCY_HEADER: secrets.token_hex(16)}
        return await connection.call(
            "POST",
            f"/v1/sessions/{session_id(player)}/connections",
            headers | (more or {}),
            {"signal_request": offer or new_offer(), "attempt": attempt},
        )


def outcome(answer: Answer) -> str:
    """The status, and the code of a refusal; to print what happened beside the figures."""
    if answer.status < 400:
        return str(answer.status)
    try:
        return f"{answer.status} {answer.json()['code']}"
    except (ValueError, KeyError):
        return str(answer.status)


def session_id(player: int) -> str:
    return f"session-{player:09d}"


def new_offer() -> str:
    """As long as one of our client's."""
    return json.dumps({"type": "offer", "sdp": "v=0\r\n" + secrets.token_hex(1500)})


def raise_descriptors() -> None:
    """As many open files as the system lets this process have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextlib.asynccontextmanager
async def deployment(
    database: str,
    folder: Path,
    *,
    players: int,
    processes: int = 2,
    first_owns: int = 1,
    **settings: object,
) -> AsyncIterator[Deployment]:
    """Running backends, and `players` sessions that the service shows as CONNECTED.

    `first_owns`: player 0 has this many of them, and those numbers are no other players.
    """
    raise_descriptors()
    async with contextlib.AsyncExitStack() as stack:
        service = ServiceProcess(free_port())
        stack.callback(_end, service.process)
        await service.ready()
        issuer = Issuer(f"http://127.0.0.1:{service.port}")
        await service.command(keys=issuer.keys())
        await service.command(seed=players)
        await _seed(database, issuer, players, first_owns)
        file = folder / f"backend-{secrets.token_hex(4)}.toml"
        found = Deployment(service, issuer, database)
        for _ in range(processes):
            port = free_port()
            _write(file, database, issuer, port, settings)
            log = stack.enter_context((folder / f"{port}.log").open("w"))
            process = _backend(file, log)
            stack.callback(_end, process)
            line = await asyncio.wait_for(_line(process), STARTS_WITHIN_S)
            assert "http://" in line, Path(log.name).read_text(encoding="utf-8")
            found.backends.append((port, process.pid))
        yield found


def _write(
    file: Path, database: str, issuer: Issuer, port: int, settings: dict[str, object]
) -> None:
    content: dict[str, Any] = {
        "region": "us-west-2",
        "stream_group": "sg-1",
        "application": "a-1",
        "endpoint_url": issuer.url,
        "access_key_id": "nobody",
        "secret_access_key": "nothing",
        "openid_issuer": issuer.url,
        "openid_audience": AUDIENCE,
        "database": database,
        "port": port,
        **settings,
    }
    file.write_text("".join(f"{name} = {json.dumps(content[name])}\n" for name in content))
    file.chmod(0o600)


def _backend(file: Path, log: IO[str]) -> subprocess.Popen[str]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("REJOIN_")
    }
    return subprocess.Popen(
        [sys.executable, "-m", "rejoin", "backend", "--settings", str(file)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )


async def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return await asyncio.to_thread(process.stdout.readline)


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


async def _seed(database: str, issuer: Issuer, players: int, first_owns: int) -> None:
    """The rows of games that were started before."""
    store = SessionStore(Database(database))
    await store.open()
    try:
        await store.server_key()
        for rows in _batches(players):
            sessions = [
                _session_row(issuer, player, 0 if player < first_owns else player)
                for player in rows
            ]
            attempts = [_attempt_row(player) for player in rows]

            def work(connection: Any, sessions: Any = sessions, attempts: Any = attempts) -> None:
                connection.execute(insert(STREAM_SESSION), sessions)
                connection.execute(insert(ATTEMPT), attempts)

            await store.database.run(work, within_s=STARTS_WITHIN_S)
    finally:
        await store.close()


def _batches(players: int) -> Iterator[range]:
    for first in range(0, players, _ROWS):
        yield range(first, min(first + _ROWS, players))


def _session_row(issuer: Issuer, player: int, owner: int) -> dict[str, object]:
    return {
        "id": session_id(player),
        "owner_hash": issuer.owner_hash(owner),
        "start_token_hash": secret_hash("start", f"seed-{player}"),
        "created_at": time.time(),
        "stream_group": "sg-1",
        "stream_session": arn_of(player),
        "attempt": 1,
    }


def _attempt_row(player: int) -> dict[str, object]:
    return {
        "session_id": session_id(player),
        "request_sha256": sha256_hex(f"seed-{player}"),
        "number": 1,
        "key_hash": secret_hash("start", f"seed-{player}"),
        "client_token": f"seed-{player}",
    }
