"""The way to a backend, against servers of every kind on loopback."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from helpers.keyrings import MemoryKeyring
from helpers.misbehaving_server import (
    Behaviour,
    answering,
    drips,
    floods,
    hangs,
    read_request,
    server_that,
    speaks_no_http,
)
from rejoin.core.model import SessionId
from rejoin.emulator.service.certificates import CertificateAuthority
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.doctor import connection
from rejoin.runtime.doctor.connection import ConnectionChecks
from rejoin.runtime.doctor.findings import Finding, Outcome
from rejoin.runtime.doctor.run import run_checks
from rejoin.runtime.saved_sign_in import SavedSignIn, save_sign_in
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.runtime.tokens import TokenStore
from rejoin.signaling.dialects import AWS_BUNDLE
from rejoin.signaling.name_lookup import NameLookup
from rejoin.signaling.openid import OpenIdMethod
from rejoin.signaling.wire import SESSION_ID_PATTERN

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

TOKEN = "CANARY-token"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
OK, WARNING, FAILED, NOT_KNOWN = Outcome.OK, Outcome.WARNING, Outcome.FAILED, Outcome.NOT_KNOWN
HEALTH = {"service": "rejoin-backend", "contract": 1, "contract_minor": 2}
ABOUT = HEALTH | {"sign_in": [{"kind": "static"}], "applications": ["a"]}
AFTER = ("tls", "backend", "contract", "sign-in")


class NoPortal:
    async def is_behind_sign_in_page(self) -> bool:
        return False


class Portal:
    async def is_behind_sign_in_page(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine is no failure."""
    for name in ("STEP_S", "TOKEN_S", "KEYRING_S", "CONNECT_S", "BUDGET_S", "QUICK_S"):
        monkeypatch.setattr(connection, name, 30.0)
    monkeypatch.setattr("rejoin.signaling.probes.BUDGET_S", 30.0)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, *map(str.lower, VARIABLES)):
        monkeypatch.delenv(name, raising=False)


def a_backend(
    *, status: int = 404, code: str = "SESSION_NOT_FOUND", off_s: float = 0.0
) -> Behaviour:
    """One that answers every session with `status`, and whose clock is off."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await read_request(reader)
            path = request.split(b" ")[1].partition(b"?")[0]
            found: dict[bytes, tuple[int, str, dict[str, Any]]] = {
                b"/v1/health": (200, "json", HEALTH),
                b"/v1/about": (200, "json", ABOUT),
            }
            number, kind, body = found.get(
                path, (status, "problem+json", {"status": status, "code": code})
            )
            content = json.dumps(body).encode()
            head = (
                f"HTTP/1.1 {number} X\r\nContent-Type: application/{kind}\r\n"
                f"Date: {formatdate(time.time() + off_s, usegmt=True)}\r\n"
                f"Content-Length: {len(content)}\r\n\r\n"
            )
            writer.write(head.encode() + content)
            await writer.drain()

    return behave


async def found_at(profile: StudioProfile, **parts: Any) -> dict[str, Finding]:
    store = parts.pop("store", TokenStore(MemoryKeyring()))
    checks = ConnectionChecks(profile, **{"word": NoPortal(), "store": store, **parts})
    try:
        found = await run_checks(checks.checks(), lambda update: None)
    finally:
        await checks.aclose()
    return {finding.check: finding for finding in found}


def local(port: int, token: str | None = TOKEN) -> StudioProfile:
    return StudioProfile(f"http://127.0.0.1:{port}", token, NetworkRules(loopback_only=True))


async def test_a_backend_where_all_is_well() -> None:
    async with server_that(a_backend()) as port:
        found = await found_at(local(port))
    assert {each.outcome for each in found.values()} == {OK, NOT_KNOWN}
    assert [name for name, each in found.items() if each.outcome is NOT_KNOWN] == ["dns", "tls"]
    assert "1.2. Players sign in with a token of the studio's." in found["contract"].found
    assert not any(TOKEN in each.found for each in found.values())


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (401, "UNAUTHENTICATED", FAILED),
        (403, "FORBIDDEN", FAILED),
        (503, "SERVICE_UNAVAILABLE", NOT_KNOWN),
    ],
)
async def test_a_sign_in_that_is_refused(status: int, code: str, outcome: Outcome) -> None:
    async with server_that(a_backend(status=status, code=code)) as port:
        checks = ConnectionChecks(local(port), word=NoPortal())
        found = await run_checks(checks.checks(), lambda update: None)
        await checks.aclose()
    assert found[-1].outcome is outcome
    assert (checks.profile_to_play() is None) is (outcome is FAILED)


async def test_without_a_sign_in_the_command_is_named() -> None:
    async with server_that(a_backend()) as port:
        found = (await found_at(local(port, None)))["sign-in"]
    assert found.outcome is WARNING
    assert found.advice == "Sign in: rejoin sign-in URL"


async def test_the_saved_sign_in_is_used_and_goes_into_the_game() -> None:
    store = TokenStore(MemoryKeyring())
    async with server_that(a_backend()) as port:
        profile = local(port, None)
        method = OpenIdMethod("https://issuer.example", "c", "openid")
        saved = SavedSignIn(method, None, time.time() + 3600)
        assert await save_sign_in(store, profile.backend_url, saved, TOKEN)
        checks = ConnectionChecks(profile, word=NoPortal(), store=store)
        found = await run_checks(checks.checks(), lambda update: None)
        await checks.aclose()
    assert found[-1].found == "The backend accepts your sign-in."
    to_play = checks.profile_to_play()
    assert to_play is not None
    assert to_play.token == TOKEN


@pytest.mark.parametrize("off_s", [3 * 86400.0, -3 * 86400.0, 7200.0])
async def test_a_wrong_clock_is_seen_by_the_date_of_an_answer(off_s: float) -> None:
    async with server_that(a_backend(off_s=off_s)) as port:
        found = (await found_at(local(port)))["clock"]
    assert found.outcome is WARNING
    assert ("behind" if off_s > 0 else "ahead") in found.found


HTML = "Content-Type: text/html"


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (answering("302 Found\r\nLocation: http://portal.example/"), "web page answers"),
        (answering("511 Network Authentication Required"), "wants a sign-in"),
        (answering(f"200 OK\r\n{HTML}", b"<html>"), "web page answers"),
        (answering(f"502 Bad Gateway\r\n{HTML}", b"<html>"), "backend behind it does not"),
        (hangs, "did not answer in time"),
        (drips, "did not answer in time"),
        (floods, "too large"),
        (speaks_no_http, "closed the connection"),
    ],
    ids=["redirect", "511", "page", "502", "hangs", "drips", "floods", "smtp"],
)
async def test_what_is_no_backend_is_named_and_nothing_else_is_tried(
    behaviour: Behaviour, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if behaviour in (hangs, drips):
        monkeypatch.setattr("rejoin.signaling.probes.BUDGET_S", 0.5)
    async with server_that(behaviour) as port:
        found = await found_at(local(port))
    assert found["backend"].outcome is FAILED
    assert words in found["backend"].found
    assert found["sign-in"].found == connection.BEFORE


@pytest.mark.parametrize("body", [b"{}", b'{"hello": 1}', b"[]", b'{"contract": 7}'])
async def test_json_of_another_kind_is_no_contract(body: bytes) -> None:
    async with server_that(answering("200 OK\r\nContent-Type: application/json", body)) as port:
        found = await found_at(local(port))
    assert found["contract"].outcome is FAILED
    assert found["sign-in"].found == connection.BEFORE


async def test_a_wrong_certificate_ends_it_before_anything_is_sent(tmp_path: Path) -> None:
    asked: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await read_request(reader))

    ca_file = tmp_path / "ca.pem"
    ca_file.write_text(CertificateAuthority().pem)
    async with server_that(note, ssl=CertificateAuthority("x").server_context()) as port:
        profile = StudioProfile(f"https://127.0.0.1:{port}", TOKEN, ca_file=ca_file)
        found = await found_at(profile)
    assert found["tls"].outcome is FAILED
    assert found["backend"].found == connection.BEFORE
    assert asked == []


async def test_a_right_certificate(tmp_path: Path) -> None:
    ca = CertificateAuthority()
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text(ca.pem)
    async with server_that(a_backend(), ssl=ca.server_context()) as port:
        profile = StudioProfile(f"https://127.0.0.1:{port}", TOKEN, ca_file=ca_file)
        found = await found_at(profile)
    assert (found["tls"].outcome, found["sign-in"].outcome) == (OK, OK)


async def test_a_ca_file_that_is_none_is_a_finding(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text("nonsense")
    found = await found_at(StudioProfile("https://127.0.0.1:9", TOKEN, ca_file=ca_file))
    assert found["tls"].outcome is FAILED
    assert "ca.pem" in found["tls"].found


def names(error: int | None = None, *addresses: str) -> NameLookup:
    def resolve(host: str, port: int) -> list[str]:
        if error is not None:
            raise socket.gaierror(error, "no")
        return list(addresses)

    return NameLookup(resolve)


AWAY = StudioProfile("https://studio.example", TOKEN)


@pytest.mark.parametrize(
    ("error", "words"),
    [(socket.EAI_NONAME, "There is no host"), (socket.EAI_AGAIN, "no answer in time")],
)
async def test_a_name_that_means_nothing(error: int, words: str) -> None:
    found = await found_at(AWAY, names=names(error))
    assert words in found["dns"].found
    assert [found[name].outcome for name in AFTER] == [NOT_KNOWN] * 4


async def test_a_resolver_that_hangs_costs_no_more_than_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rejoin.signaling.name_lookup.DEADLINE_S", 0.1)
    release = threading.Event()

    def resolve(host: str, port: int) -> list[str]:
        release.wait(60)
        return []

    try:
        found = await found_at(AWAY, names=NameLookup(resolve))
    finally:
        release.set()
    assert "no answer in time" in found["dns"].found


async def test_a_name_that_leads_into_this_network_is_refused_for_a_link() -> None:
    found = await found_at(replace(AWAY, public_only=True), names=names(None, "192.168.7.9"))
    assert "(192.x.x.x)" in found["dns"].found
    assert found["tls"].found == connection.BEFORE


@pytest.mark.parametrize(
    ("proxy", "check", "words"),
    [
        ("http://127.0.0.1:9", "backend", "The proxy that HTTPS_PROXY names could not be reached"),
        ("gopher://127.0.0.1", "proxy", "HTTPS_PROXY names a proxy of a kind"),
        ("http://CANARY:CANARY@", "proxy", "HTTPS_PROXY is not the URL of a proxy"),
    ],
)
async def test_a_broken_proxy(
    proxy: str, check: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    found = await found_at(AWAY)
    assert found[check].outcome is FAILED
    assert words in found[check].found
    assert found[check].advice
    assert not any("CANARY" in each.found + each.advice for each in found.values())


async def test_a_network_that_wants_a_sign_in() -> None:
    found = await found_at(AWAY, names=names(socket.EAI_NONAME), word=Portal())
    assert found["network"].outcome in (FAILED, NOT_KNOWN)  # or there is no network here at all
    assert found["network"].check == "network"


@pytest.mark.parametrize("url", ["nonsense", "https://", "http://studio.example", "https://a:b@x"])
async def test_an_address_that_is_none(url: str) -> None:
    found = await found_at(StudioProfile(url, TOKEN))
    assert found["address"].outcome is FAILED
    assert [found[name].found for name in ("proxy", "dns", *AFTER)] == [connection.BEFORE] * 6


async def test_a_sample_backend_has_no_contract_and_needs_no_sign_in() -> None:
    async with server_that(
        answering("404 Not Found\r\nContent-Type: application/json", b"{}")
    ) as at:
        found = await found_at(replace(local(at), dialect=AWS_BUNDLE))
    assert found["contract"].outcome is NOT_KNOWN
    assert found["sign-in"].found == "This backend needs no sign-in."


def test_the_session_that_is_asked_for_can_be_asked_for() -> None:
    import re

    assert re.fullmatch(SESSION_ID_PATTERN, connection.SESSION_OF_NOBODY)
    assert SessionId(connection.SESSION_OF_NOBODY)
