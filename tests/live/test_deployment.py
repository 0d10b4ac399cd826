"""The deployment of packaging/backend: a player behind nginx, two backends, PostgreSQL, Prometheus.

The files are the packaged ones, with other ports, names and certificates.
"""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from helpers.deployment import Deployment, deployment, front
from helpers.headless_scene import playing, small
from helpers.misbehaving_server import read_request, server_that
from helpers.postgres import PostgresServer, postgres_server
from helpers.programs import PATIENCE_S
from helpers.studio_backend import QUICK, SLOW_POINTS
from rejoin.backend.check.calls import Calls
from rejoin.backend.check.findings import Kept
from rejoin.backend.check.probe import Probe
from rejoin.backend.check.run import POINTS, run
from rejoin.clock import boot_s
from rejoin.emulator.service.faults import FaultKind
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling.wire import PROBLEM_CONTENT_TYPE, ProblemCode
from rejoin.studio.serve import studio

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left_behind")]


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.mark.timeout(1200)  # many programs, on a machine that may be busy
async def test_a_player_comes_back_through_the_whole_deployment_also_when_a_backend_dies(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    settings = small(0.0)
    async with (
        studio(settings) as there,
        deployment(tmp_path, postgres, settings, there.api_url) as deployed,
    ):
        one, two = deployed.backends
        names = [f"127.0.0.1:{each.metrics_port}" for each in deployed.backends]
        profile = StudioProfile(
            deployed.url,
            deployed.token,
            NetworkRules(loopback_only=True),
            ca_file=deployed.ca_file,
        )
        async with playing(profile, there) as it:
            await it.live()
            began = (await it.game())["started_at"]
            await it.fault(FaultKind.SILENCE)
            await it.live(episode=1)
            # More than one where an answer came too late for the client.
            reconnects = 'sum(rejoin_backend_calls_total{operation="reconnect",status="200"})'
            await deployed.until(f"{reconnects} >= bool 1", {"": 1.0})
            await deployed.until('up{job="rejoin-backend"}', dict.fromkeys(names, 1.0))

            one.program.send(signal.SIGKILL)
            await it.fault(FaultKind.GRACEFUL_CLOSE)
            await it.live(episode=2)
            assert (await it.game())["started_at"] == began, "the same game"
            await deployed.until(
                'up{job="rejoin-backend"}', dict(zip(names, (0.0, 1.0), strict=True))
            )
            alert = 'ALERTS{alertname="RejoinBackendDown"}'
            await deployed.until(alert, {names[0]: 1.0})

            async with deployed.started_again(one):
                two.program.send(signal.SIGTERM)
                done = await asyncio.to_thread(two.program.done)
                assert done.code == 0, done.err
                await it.fault(FaultKind.GRACEFUL_CLOSE)
                await it.live(episode=3)
                assert (await it.game())["started_at"] == began, "still the same game"
                await proved(deployed)
        assert [line.outcome for line in it.timelines()] == ["live", "live", "live"]

        trusted = ssl.create_default_context(cafile=str(deployed.ca_file))
        async with httpx.AsyncClient(verify=trusted, trust_env=False, timeout=60) as http:
            answer = await http.get(f"{deployed.url}/v1/health")
            assert (answer.status_code, answer.headers["Content-Type"]) == (
                502,
                PROBLEM_CONTENT_TYPE,
            )
            assert answer.json()["code"] == ProblemCode.SERVICE_UNAVAILABLE
            with pytest.raises(httpx.ConnectError):  # a name that the deployment does not have
                await http.get(deployed.url.replace("localhost", "127.0.0.1") + "/v1/health")


async def proved(deployed: Deployment) -> None:
    """Its contract holds, through the proxy; without the points that take seconds."""
    points = [each for each in POINTS if each.name not in (*SLOW_POINTS, "wrong-token")]
    probe = Probe(Calls(deployed.url, deployed.ca_file), deployed.token, patience=QUICK)
    report = await run(probe, may_start=True, points=points)
    others = {each.name: each.outcome for each in report.findings if each.outcome != Kept()}
    assert report.good, others
    assert set(others) <= {"another-player"}, others  # it has the token of one


async def test_a_call_whose_backend_dies_is_made_again_at_the_other_one(tmp_path: Path) -> None:
    """With the same bytes and key: every POST of the contract may be repeated."""
    seen: list[bytes] = []

    async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.transport.abort()

    async def works(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await writer.drain()

    async with (
        server_that(dies) as one,
        server_that(works) as two,
        front(tmp_path, (one, two)) as url,
    ):
        trusted = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        async with httpx.AsyncClient(verify=trusted, trust_env=False, timeout=60) as http:
            answer = await http.post(
                f"{url}/v1/sessions",
                headers={"Idempotency-Key": "k" * 32, "X-Forwarded-For": "203.0.113.9"},
                json={"attempt": 1},
            )
    assert answer.status_code == 201
    first, second = seen
    assert first == second
    assert b"Idempotency-Key: " + b"k" * 32 in first
    assert b"\r\nHost: localhost\r\n" in first
    assert b"X-Forwarded-For: 127.0.0.1\r\n" in first, "not what the client said"
    assert b"203.0.113.9" not in first


@pytest.mark.parametrize(
    "request_",
    [
        b"TRACE /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"GET v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /v1/health HTTP/2.0\r\nHost: localhost\r\n\r\n",
    ],
)
async def test_what_nginx_cannot_read_is_a_problem_of_the_contract(
    request_: bytes, tmp_path: Path
) -> None:
    async with front(tmp_path, (1, 1)) as url:
        reader, writer = await _connected(url, tmp_path)
        writer.write(request_)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        assert f"Content-Type: {PROBLEM_CONTENT_TYPE}".encode() in head
        writer.close()


async def test_what_a_client_holds_back_at_nginx_is_closed(tmp_path: Path) -> None:
    async with front(tmp_path, (1, 1)) as url:
        plain = await asyncio.open_connection("127.0.0.1", httpx.URL(url).port)
        dripping = await _connected(url, tmp_path)
        for begun in (
            b"GET /v1/health HTTP/1.1\r\n",
            b"POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n",
        ):
            _, writer = silent = await _connected(url, tmp_path)
            writer.write(begun)
            await _closed(*silent)
        await _closed(*plain)  # its handshake has never begun
        await _closed(*dripping)


async def _closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sooner than by nginx's own limit, which is 60 s."""
    async with asyncio.timeout(45):
        assert await reader.read() == b""
    writer.close()


async def test_one_address_cannot_take_all_connections_of_nginx(tmp_path: Path) -> None:
    async def works(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await writer.drain()

    async with server_that(works) as port, front(tmp_path, (port, port), at_a_time=3) as url:
        trusted = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        async with httpx.AsyncClient(verify=trusted, trust_env=False) as http:
            slow = []
            for _ in range(3):
                _, writer = await _connected(url, tmp_path)
                writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nx")
                slow.append(writer)
            until = boot_s() + PATIENCE_S
            while (answer := await http.get(url)).status_code == 200:
                assert boot_s() < until, "it takes any number"
                for writer in slow:  # a body that never stands still
                    writer.write(b"x")
                await asyncio.sleep(0.2)
            assert answer.status_code == 429
            assert answer.json()["code"] == ProblemCode.THROTTLED
            assert answer.headers["Retry-After"] == "1"
            for writer in slow:
                writer.close()
            while (await http.get(url)).status_code != 200:
                assert boot_s() < until, "it stays busy"
                await asyncio.sleep(0.2)


async def _connected(url: str, folder: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    trusted = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    return await asyncio.open_connection("localhost", httpx.URL(url).port, ssl=trusted)
