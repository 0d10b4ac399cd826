"""One round of probes: what it asks, whom, and what it makes of it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence

import pytest

from helpers.misbehaving_server import answering, closes_at_once, server_that
from helpers.proxies import INSECURE
from rejoin.core.verdict import (
    Answer,
    BackendState,
    Findings,
    HostState,
    InternetState,
    LinkState,
    Verdict,
    judge,
)
from rejoin.runtime.network import Reach
from rejoin.runtime.probes import Probes
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling.name_lookup import NameLookup

OK = answering("200 OK\r\nContent-Type: application/json")
NO_CONTENT = answering("204 No Content")
ELSEWHERE = answering("302 Found\r\nLocation: http://portal.example/")


class Word:
    """The system's word."""

    def __init__(self, *, portal: bool = False) -> None:
        self._portal = portal

    async def is_behind_sign_in_page(self) -> bool:
        return self._portal


def connected(reach: Reach) -> tuple[LinkState, Answer]:
    assert reach is Reach.INTERNET
    return LinkState.UP, Answer.ANSWERS


@contextlib.asynccontextmanager
async def probes(
    url: str, probe_url: str | None = None, *, portal: bool = False, names: NameLookup | None = None
) -> AsyncIterator[Probes]:
    made = Probes(
        StudioProfile(url, "canary-token", probe_url=probe_url),
        INSECURE,
        word=Word(portal=portal),
        way=connected,
        names=names,
    )
    try:
        yield made
    finally:
        await made.aclose()


async def test_a_backend_and_an_origin_that_answer() -> None:
    async with (
        server_that(OK) as port,
        server_that(NO_CONTENT) as other,
        probes(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{other}/up") as it,
    ):
        assert await it.findings() == Findings(
            LinkState.UP,
            Answer.ANSWERS,
            Answer.UNKNOWN,
            BackendState.ANSWERS,
            InternetState.REACHED,
        )


async def test_a_backend_that_is_silent_while_another_origin_answers() -> None:
    async with (
        server_that(closes_at_once) as port,
        server_that(NO_CONTENT) as other,
        probes(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{other}") as it,
    ):
        found = await it.findings()
    assert judge(found, HostState.UNKNOWN) is Verdict.SERVICE_SILENT


async def test_without_another_origin_nothing_is_claimed_about_the_internet() -> None:
    async with server_that(closes_at_once) as port:
        url = f"http://127.0.0.1:{port}"
        for probe_url in (None, f"{url}/status"):
            async with probes(url, probe_url) as it:
                found = await it.findings()
            assert found.internet is InternetState.UNKNOWN, "the backend proves nothing by itself"
            assert judge(found, HostState.UNKNOWN) is Verdict.NOT_KNOWN


@pytest.mark.parametrize("portal", [True, False])
async def test_a_sign_in_page_is_known_by_the_system_or_by_the_origin(portal: bool) -> None:
    page = answering("200 OK\r\nContent-Type: text/html", b"<html>")
    async with server_that(page) as port, server_that(ELSEWHERE) as other:
        probe_url = None if portal else f"http://127.0.0.1:{other}"
        async with probes(f"http://127.0.0.1:{port}", probe_url, portal=portal) as it:
            found = await it.findings()
    assert judge(found, HostState.UNKNOWN) is Verdict.SIGN_IN_PAGE


@pytest.mark.parametrize(
    ("addresses", "answer"), [(["127.0.0.1"], Answer.ANSWERS), ([], Answer.SILENT)]
)
async def test_a_name_is_looked_up(addresses: list[str], answer: Answer) -> None:
    def resolve(host: str, port: int) -> list[str]:
        assert host == "studio.invalid"
        return addresses

    async with probes("http://studio.invalid:9", names=NameLookup(resolve)) as it:
        assert (await it.findings()).names is answer


@pytest.mark.parametrize(("host", "is_proof"), [("127.0.0.1", False), ("localhost", True)])
async def test_where_look_ups_fail_an_address_proves_nothing_about_them(
    host: str, is_proof: bool
) -> None:
    """The studio may have taken its name away, or this computer's name server be broken."""
    names = NameLookup(lambda name, port: [])
    async with (
        server_that(NO_CONTENT) as other,
        probes("http://studio.invalid:9", f"http://{host}:{other}", names=names) as it,
    ):
        found = await it.findings()
    assert found.names is Answer.SILENT
    expected = Verdict.SERVICE_SILENT if is_proof else Verdict.NOT_KNOWN
    assert judge(found, HostState.UNKNOWN) is expected


async def test_the_issuer_of_the_sign_in_is_another_origin() -> None:
    async with server_that(closes_at_once) as port, server_that(NO_CONTENT) as other:
        issuer = f"http://127.0.0.1:{other}/players"
        profile = StudioProfile(f"http://127.0.0.1:{port}", "canary-token", issuer=issuer)
        it = Probes(profile, INSECURE, word=Word(), way=connected)
        found = await it.findings()
        await it.aclose()
    assert judge(found, HostState.UNKNOWN) is Verdict.SERVICE_SILENT


async def test_an_origin_that_is_down_proves_nothing() -> None:
    async with (
        server_that(closes_at_once) as port,
        server_that(closes_at_once) as other,
        probes(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{other}") as it,
    ):
        found = await it.findings()
    assert found.internet is InternetState.SILENT
    assert judge(found, HostState.UNKNOWN) is Verdict.NOT_KNOWN


@pytest.mark.parametrize("head", ["200 OK", "200 OK\r\nContent-Type: text/html"])
async def test_a_sign_in_page_that_answers_200_is_no_internet(head: str) -> None:
    """Nor is it named: the studio's own server might send that page."""
    page = answering(head, b"<html>Welcome to our hotel</html>")
    async with (
        server_that(page) as port,
        server_that(page) as other,
        probes(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{other}") as it,
    ):
        found = await it.findings()
    assert found.internet is InternetState.UNKNOWN
    assert judge(found, HostState.UNKNOWN) is Verdict.NOT_KNOWN


async def test_origins_that_disagree_are_believed_in_the_better() -> None:
    from rejoin.runtime.probes import _internet

    state = InternetState
    cases: Sequence[tuple[list[InternetState], bool, InternetState]] = (
        ([], False, state.UNKNOWN),
        ([], True, state.SIGN_IN),
        ([state.SILENT, state.REACHED], True, state.REACHED),
        ([state.SILENT, state.SIGN_IN], False, state.SIGN_IN),
        ([state.SILENT, state.UNKNOWN], False, state.UNKNOWN),
        ([state.SILENT, state.SILENT], False, state.SILENT),
    )
    for states, sign_in, expected in cases:
        assert _internet(states, sign_in=sign_in) is expected
