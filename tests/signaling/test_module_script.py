"""The script of the input module: from a judged address, bounded, and never from another origin."""

from __future__ import annotations

import asyncio
import codecs
import gzip
import logging
from collections.abc import Awaitable, Callable

import httpx
import pytest

from helpers.misbehaving_server import (
    answering,
    closes_after_the_request,
    closes_at_once,
    drips,
    hangs,
    read_request,
    resets_in_the_body,
    server_that,
    speaks_no_http,
)
from helpers.proxies import http_proxy
from rejoin.errors import BadInputError
from rejoin.hosts import is_loopback
from rejoin.rtc.candidates import NetworkRules
from rejoin.signaling import name_lookup
from rejoin.signaling.http_environment import tls_context
from rejoin.signaling.module_script import (
    MAX_REDIRECTS,
    MAX_SCRIPT_BYTES,
    MAX_URL,
    ScriptRules,
    ScriptSource,
    ScriptUnavailableError,
    identity_of,
)

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

LOOPBACK = ScriptRules(is_loopback, allow_http=True, use_proxy=False)
SCRIPT = "globalThis.GameCastInputModule = {};"
CANARY = "?Signature=CANARY"


async def refused(
    url: str, rules: ScriptRules = LOOPBACK, *, within_s: float = 20
) -> ScriptUnavailableError:
    with pytest.raises(ScriptUnavailableError) as caught:
        await ScriptSource(rules).fetch(url, within_s=within_s)
    sentence = str(caught.value)
    assert sentence.startswith("The input module of the game ")
    assert sentence.endswith(".")
    assert "CANARY" not in sentence
    return caught.value


def ok(content: bytes | str, content_type: str = "", encoding: str = "identity") -> httpx.Response:
    """A success whose body is still to be read."""
    body = content if isinstance(content, bytes) else content.encode()
    headers = {"Content-Type": content_type, "Content-Encoding": encoding}
    return httpx.Response(200, headers=headers, stream=httpx.ByteStream(body))


def answered(*responses: httpx.Response, seen: list[httpx.Request] | None = None) -> ScriptRules:
    """Rules whose transport gives these responses, one after another."""
    left = list(responses)

    def respond(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        return left.pop(0)

    return ScriptRules(
        lambda address: True, use_proxy=False, transport=httpx.MockTransport(respond)
    )


async def test_a_script_is_fetched_without_cookies_compression_or_a_trace_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heads: list[bytes] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await read_request(reader))
        body = SCRIPT.encode()
        head = f"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    caplog.set_level(logging.DEBUG, "rejoin")
    async with server_that(behave) as port:
        source = ScriptSource(LOOPBACK)
        for _ in range(2):
            url = f"http://127.0.0.1:{port}/module.js{CANARY}"
            assert await source.fetch(url, within_s=20) == SCRIPT
    assert len(heads) == 2
    for head in heads:
        assert head.startswith(b"GET /module.js?Signature=CANARY HTTP/1.1\r\n")
        assert b"accept-encoding: identity" in head.lower()
        assert b"user-agent: rejoin\r\n" in head.lower()
        assert b"cookie" not in head.lower()
        assert b"authorization" not in head.lower()
    assert "CANARY" not in caplog.text
    assert SCRIPT not in caplog.text


async def test_http_is_for_this_machine_and_its_network() -> None:
    rules = ScriptRules(lambda address: True)
    error = await refused("http://service.example/x.js", rules)
    assert "https" in str(error)
    assert error.final


@pytest.mark.parametrize(
    ("rules", "allowed"),
    [
        (NetworkRules(), {"1.1.1.1"}),
        (NetworkRules(allow_private=True), {"1.1.1.1", "10.0.0.1", "100.64.0.1", "169.254.1.1"}),
        (NetworkRules(loopback_only=True), {"127.0.0.1"}),
    ],
)
async def test_the_address_of_a_script_obeys_the_scope_as_candidates_do(
    rules: NetworkRules, allowed: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each name means one address; where it is not allowed, no connection is tried."""
    for address in ("1.1.1.1", "10.0.0.1", "100.64.0.1", "169.254.1.1", "127.0.0.1", "0.0.0.0"):
        tried: list[str] = []

        async def try_it(self: object, to: str, port: int, into: list[str] = tried) -> OSError:
            into.append(to)
            return OSError()

        monkeypatch.setattr("rejoin.signaling.connections.Connections._try", try_it)
        monkeypatch.setattr(name_lookup, "resolved", lambda host, port, a=address: [a])
        script_rules = ScriptRules(rules.allow_server, allow_http=True, use_proxy=False)
        error = await refused(f"http://service.example/x.js{CANARY}", script_rules)
        assert (tried == [address]) is (address in allowed), address
        assert ("does not allow" in str(error)) is (address not in allowed), address


async def test_a_name_that_changes_its_meaning_leads_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: what is judged is connected to, at the first fetch and at the next."""
    arrived: list[object] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.append(writer.get_extra_info("peername"))

    answers = [["192.0.2.1"], ["127.0.0.1"]]
    monkeypatch.setattr(name_lookup, "resolved", lambda host, port: answers.pop(0))
    rules = ScriptRules(NetworkRules().allow_server, allow_http=True, use_proxy=False)
    async with server_that(behave) as port:
        for _ in range(2):
            error = await refused(f"http://rebinding.example:{port}/x.js", rules)
            assert "does not allow" in str(error)
    assert answers == []
    assert arrived == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "[::1]"])
async def test_an_address_is_judged_before_a_proxy_gets_it(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with http_proxy("200 OK", body=SCRIPT.encode()) as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        monkeypatch.setenv("all_proxy", proxy.url)
        rules = ScriptRules(NetworkRules().allow_server, allow_http=True)
        await refused(f"http://{host}/x.js", rules)
        assert proxy.asked == []
        assert await ScriptSource(rules).fetch("http://1.1.1.1/x.js", within_s=20) == SCRIPT
        assert proxy.asked == ["GET http://1.1.1.1/x.js"]


async def test_a_proxy_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "gopher://proxy.example")
    error = await refused("https://service.example/x.js", ScriptRules(lambda address: True))
    assert "PROXY" in str(error)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x.js",
        "//service.example/x.js",
        "javascript:alert(1)",
        "data:text/javascript,1",
        "file:///etc/passwd",
        "ftp://service.example/x.js",
        "https://",
        "https://user:CANARY@service.example/x.js",
        "https://service.example:0/x.js",
        "https://service.example:99999/x.js",
        "https://service example/x.js",
        "https://[::1/x.js",
        "https://xn--.service.example/x.js",
        "https://service.example/" + "x" * MAX_URL,
    ],
)
async def test_what_is_not_the_url_of_a_script_is_refused(url: str) -> None:
    error = await refused(url)
    assert error.final
    with pytest.raises(ScriptUnavailableError):
        identity_of(url)


def test_a_script_is_known_by_origin_and_path() -> None:
    one = identity_of("https://Service.example/a/b.js?Expires=1&Signature=x")
    assert one == identity_of("https://service.example:443/a/b.js?Expires=2#y")
    for other in (
        "http://service.example/a/b.js",
        "https://service.example:444/a/b.js",
        "https://other.example/a/b.js",
        "https://service.example/a/c.js",
    ):
        assert identity_of(other) != one


# --- redirects ------------------------------------------------------------------------------------


def to(location: str, status: int = 302) -> httpx.Response:
    return httpx.Response(status, headers={"Location": location})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_within_the_origin_is_followed(status: int) -> None:
    seen: list[httpx.Request] = []
    rules = answered(to("/v2/x.js?a=b", status), ok(SCRIPT), seen=seen)
    url = "https://service.example/x.js"
    assert await ScriptSource(rules).fetch(url, within_s=20) == SCRIPT
    assert [str(request.url) for request in seen] == [url, "https://service.example/v2/x.js?a=b"]


@pytest.mark.parametrize(
    "location",
    [
        "https://other.example/x.js",
        "//other.example/x.js",
        "https://service.example:8443/x.js",
        "http://service.example/x.js",
        "javascript:alert(1)",
        "https://service.example@other.example/x.js",
        "https://[",
    ],
)
async def test_a_redirect_to_another_origin_is_refused(location: str) -> None:
    seen: list[httpx.Request] = []
    rules = answered(to(location), ok(SCRIPT), seen=seen)
    await refused("https://service.example/x.js", rules)
    assert len(seen) == 1


async def test_redirects_end() -> None:
    rules = answered(*(to("/x.js") for _ in range(MAX_REDIRECTS + 1)))
    assert "too often" in str(await refused("https://service.example/x.js", rules))


# --- size, time and answers that are no script ----------------------------------------------------


async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(2 * MAX_SCRIPT_BYTES // 65536):
        writer.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
        await writer.drain()


@pytest.mark.parametrize(
    "behaviour", [floods, answering("200 OK", b"x", length=MAX_SCRIPT_BYTES + 1)]
)
async def test_a_script_that_is_too_large_is_refused(
    behaviour: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> None:
    async with server_that(behaviour) as port:
        error = await refused(f"http://127.0.0.1:{port}/x.js")
    assert "larger than 2048 KiB" in str(error)
    assert error.final


async def test_the_largest_script_is_accepted() -> None:
    rules = answered(ok(b"x" * MAX_SCRIPT_BYTES))
    text = await ScriptSource(rules).fetch("https://service.example/x.js", within_s=20)
    assert len(text) == MAX_SCRIPT_BYTES


@pytest.mark.parametrize("behaviour", [hangs, drips])
async def test_a_script_that_does_not_arrive_in_time_may_be_tried_again(
    behaviour: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> None:
    async with server_that(behaviour) as port:
        error = await refused(f"http://127.0.0.1:{port}/x.js", within_s=0.3)
    assert "in time" in str(error)
    assert not error.final


@pytest.mark.parametrize(
    "behaviour",
    [closes_at_once, closes_after_the_request, resets_in_the_body, speaks_no_http],
)
async def test_a_server_that_fails_may_be_tried_again(
    behaviour: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> None:
    async with server_that(behaviour) as port:
        assert not (await refused(f"http://127.0.0.1:{port}/x.js")).final


@pytest.mark.parametrize(
    ("response", "final"),
    [
        (httpx.Response(404), True),
        (httpx.Response(403, text="CANARY"), True),
        (httpx.Response(408), False),
        (httpx.Response(429), False),
        (httpx.Response(500), False),
        (httpx.Response(503), False),
        (httpx.Response(204), False),
        (ok("  \n"), False),
        (ok("\n<!DOCTYPE html><html>CANARY</html>"), False),
        (ok("<html lang=en>CANARY</html>"), False),
        (
            httpx.Response(
                200, content=gzip.compress(b"CANARY"), headers={"Content-Encoding": "gzip"}
            ),
            True,
        ),
        (httpx.Response(304), True),
    ],
)
async def test_an_answer_without_a_script_is_refused(response: httpx.Response, final: bool) -> None:
    error = await refused("https://service.example/x.js", answered(response))
    assert error.final is final


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        ("ü = 1".encode(), "text/javascript"),
        ("ü = 1".encode(), "text/javascript; charset=utf-8"),
        ("ü = 1".encode("cp1252"), 'application/javascript; charset="ISO-8859-1"'),
        (codecs.BOM_UTF8 + "ü = 1".encode(), "text/javascript; charset=iso-8859-1"),
        (codecs.BOM_UTF16_LE + "ü = 1".encode("utf-16-le"), ""),
        (codecs.BOM_UTF16_BE + "ü = 1".encode("utf-16-be"), "text/plain"),
        ("ü = 1".encode(), "text/javascript; charset=no-such-thing"),
    ],
)
async def test_a_script_is_decoded_as_in_a_browser(content: bytes, content_type: str) -> None:
    response = ok(content, content_type)
    url = "https://service.example/x.js"
    assert await ScriptSource(answered(response)).fetch(url, within_s=20) == "ü = 1"


async def test_bytes_that_are_no_text_do_no_harm() -> None:
    response = ok(b"x = '\xff\xfe\xfd'")
    text = await ScriptSource(answered(response)).fetch("https://a.example/", within_s=20)
    assert text.startswith("x = '")


async def test_the_authorities_are_read_once_before_there_is_a_script(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[bool] = []

    def reading() -> object:
        read.append(True)
        return tls_context()

    monkeypatch.setattr("rejoin.signaling.module_script.tls_context", reading)
    source = ScriptSource(ScriptRules(lambda address: False))
    await source.prepare()
    assert read == [True]
    with pytest.raises(ScriptUnavailableError):
        await source.fetch("https://127.0.0.1:9/x.js", within_s=20)
    assert read == [True]
    await ScriptSource(LOOPBACK).prepare()
    assert read == [True], "a script of this machine comes by http"


async def test_authorities_that_cannot_be_read_are_an_error_of_the_script_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing() -> object:
        raise BadInputError("SSL_CERT_FILE must be a readable PEM file.")

    monkeypatch.setattr("rejoin.signaling.module_script.tls_context", failing)
    source = ScriptSource(ScriptRules(lambda address: True))
    await source.prepare()
    with pytest.raises(ScriptUnavailableError, match="SSL_CERT_FILE"):
        await source.fetch("https://127.0.0.1:9/x.js", within_s=20)
