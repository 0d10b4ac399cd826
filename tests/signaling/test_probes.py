"""What the answer to a probe proves, and what a probe shows to whoever answers it."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace

import pytest

from helpers.misbehaving_server import answering, closes_at_once, read_request, server_that
from helpers.proxies import INSECURE, http_proxy
from rejoin.core.verdict import BackendState, InternetState
from rejoin.emulator.service.certificates import CertificateAuthority
from rejoin.signaling.dialects import AWS_BUNDLE, OURS, Dialect
from rejoin.signaling.exchange import HttpSettings
from rejoin.signaling.probes import BackendProbe, OriginProbe, is_other_origin

B, N = BackendState, InternetState
HTML = "Content-Type: text/html"
JSON = "Content-Type: application/json"
PROBLEM = "Content-Type: application/problem+json"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, *map(str.lower, VARIABLES)):
        monkeypatch.delenv(name, raising=False)


async def backend(url: str, dialect: Dialect = OURS, http: HttpSettings = INSECURE) -> BackendState:
    probe = BackendProbe(url, dialect, http)
    try:
        return await probe.state()
    finally:
        await probe.aclose()


async def origin(url: str) -> InternetState:
    probe = OriginProbe(url, INSECURE)
    try:
        return await probe.state()
    finally:
        await probe.aclose()


@pytest.mark.parametrize(
    ("head", "state"),
    [
        (f"200 OK\r\n{JSON}", B.ANSWERS),
        (f"401 Unauthorized\r\n{PROBLEM}", B.ANSWERS),
        (f"503 Service Unavailable\r\n{PROBLEM}", B.UNKNOWN),
        ("502 Bad Gateway", B.SILENT),
        (f"504 Gateway Timeout\r\n{HTML}", B.SILENT),
        ("500 Internal Server Error", B.UNKNOWN),
        (f"200 OK\r\n{HTML}", B.PAGE),
        ("302 Found\r\nLocation: http://portal.example/", B.PAGE),
        ("511 Network Authentication Required", B.SIGN_IN),
        (f"200 OK\r\n{JSON}\r\nContent-Encoding: gzip", B.PAGE),
    ],
)
def test_without_tls_only_json_is_the_backends_own_answer(head: str, state: BackendState) -> None:
    async def main() -> None:
        async with server_that(answering(head)) as port:
            assert await backend(f"http://127.0.0.1:{port}") is state

    asyncio.run(main())


def test_a_backend_that_hangs_up_or_is_not_there_is_silent() -> None:
    async def main() -> None:
        async with server_that(closes_at_once) as port:
            url = f"http://127.0.0.1:{port}"
            assert await backend(url) is B.SILENT
        assert await backend(url) is B.SILENT

    asyncio.run(main())


@pytest.mark.parametrize(
    ("dialect", "trusted", "state"),
    [
        (OURS, False, B.STRANGER),
        (OURS, True, B.UNKNOWN),  # its own page is no answer of a Rejoin backend
        (AWS_BUNDLE, True, B.ANSWERS),  # which has no call for that: any answer will do
    ],
)
def test_with_tls_a_page_is_the_origins_own(
    dialect: Dialect, trusted: bool, state: BackendState
) -> None:
    authority, stranger = CertificateAuthority(), CertificateAuthority("Somebody else")
    verify = ssl.create_default_context(cadata=(authority if trusted else stranger).pem)
    context = authority.server_context()
    http = replace(INSECURE, allow_insecure=False, verify=verify)

    async def main() -> None:
        async with server_that(answering(f"404 Not Found\r\n{HTML}"), ssl=context) as port:
            assert await backend(f"https://127.0.0.1:{port}", dialect, http) is state

    asyncio.run(main())


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ("407 Proxy Authentication Required", B.PROXY_REFUSES),
        ("403 Forbidden", B.PROXY_REFUSES),
        ("502 Bad Gateway", B.SILENT),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_a_proxy_refuses_differs_from_what_it_cannot_reach(
    monkeypatch: pytest.MonkeyPatch, scheme: str, answer: str, state: BackendState
) -> None:
    async def main() -> None:
        async with http_proxy(answer) as proxy:
            monkeypatch.setenv(f"{scheme}_proxy", proxy.url)
            assert await backend(f"{scheme}://studio.example") is state

    asyncio.run(main())


def test_a_proxy_that_is_not_there_says_nothing_about_the_backend(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        async with server_that(closes_at_once) as port:
            pass
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        assert await backend("https://studio.example") is B.UNKNOWN

    asyncio.run(main())


@pytest.mark.parametrize(
    ("head", "state"),
    [
        ("204 No Content", N.REACHED),
        ("200 OK", N.UNKNOWN),
        ("404 Not Found", N.UNKNOWN),
        ("302 Found\r\nLocation: http://portal.example/", N.SIGN_IN),
        ("302 Found\r\nLocation: http://127.0.0.1:1/elsewhere", N.UNKNOWN),
        ("302 Found\r\nLocation: /elsewhere", N.UNKNOWN),
        ("511 Network Authentication Required", N.SIGN_IN),
    ],
)
def test_without_tls_another_origin_proves_itself_by_no_content(
    head: str, state: InternetState
) -> None:
    async def main() -> None:
        async with server_that(answering(head)) as port:
            assert await origin(f"http://127.0.0.1:{port}/probe") is state
        assert await origin(f"http://127.0.0.1:{port}/probe") is N.SILENT

    asyncio.run(main())


def test_a_probe_says_nothing_about_the_player_and_each_uses_a_new_connection() -> None:
    heads: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await read_request(reader))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        await reader.read()

    async def main() -> None:
        async with server_that(note) as port:
            probe = OriginProbe(f"http://127.0.0.1:{port}/probe", INSECURE)
            assert [await probe.state(), await probe.state()] == [N.REACHED, N.REACHED]
            await probe.aclose()

    asyncio.run(main())
    assert len(heads) == 2
    for head in heads:
        request, *headers = head.decode().strip().splitlines()
        assert request == "GET /probe HTTP/1.1"
        names = {line.partition(":")[0].lower() for line in headers}
        assert names == {"host", "accept", "accept-encoding", "connection", "user-agent"}


def test_the_backends_own_origin_is_not_another_one() -> None:
    assert not is_other_origin("https://studio.example/status", "https://studio.example/rejoin")
    assert not is_other_origin("https://studio.example:443", "https://STUDIO.example")
    assert is_other_origin("https://status.studio.example", "https://studio.example")


async def test_the_outcome_has_the_answer_or_the_reason_why_there_is_none() -> None:
    async with server_that(answering(f"200 OK\r\n{JSON}", b"{}")) as port:
        probe = BackendProbe(f"http://127.0.0.1:{port}", OURS, INSECURE)
        found = await probe.outcome()
        await probe.aclose()
    assert (found.state, found.why) == (B.ANSWERS, "")
    assert found.reply is not None
    assert found.reply.content == b"{}"
    probe = BackendProbe(f"http://127.0.0.1:{port}", OURS, INSECURE)
    found = await probe.outcome()
    await probe.aclose()
    assert (found.state, found.reply) == (B.SILENT, None)
    assert found.why == "The backend at 127.0.0.1 could not be reached."
