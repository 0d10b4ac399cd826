"""Calls to an identity provider that answers badly: one error, within its time and size."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from helpers.misbehaving_server import server_that
from helpers.programs import PATIENCE_S
from rejoin.backend import issuer_calls
from rejoin.backend.issuer_calls import MAX_BYTES, fetch_json, is_trusted_url
from rejoin.backend.serving import serving
from rejoin.backend.sign_in import SignInUnavailableError


async def good(request: Request) -> Response:
    form = (await request.body()).decode()
    return PlainTextResponse(f'{{"form": "{form}", "by": "{request.headers.get("x-by")}"}}')


async def away(request: Request) -> Response:
    return RedirectResponse("/good")


async def large(request: Request) -> Response:
    return PlainTextResponse('"' + "x" * MAX_BYTES + '"')


async def text(request: Request) -> Response:
    return PlainTextResponse("not json")


async def deep(request: Request) -> Response:
    return PlainTextResponse("[" * 100_000)


APP = Starlette(
    routes=[
        Route("/good", good, methods=["GET", "POST"]),
        Route("/away", away),
        Route("/large", large),
        Route("/text", text),
        Route("/deep", deep),
    ]
)


@pytest.mark.usefixtures("nothing_left_behind")
async def test_json_arrives_and_anything_else_is_one_error() -> None:
    async with serving(APP, "127.0.0.1", 0) as port:
        base = f"http://127.0.0.1:{port}"
        assert await fetch_json(f"{base}/good") == {"form": "", "by": "None"}
        posted = await fetch_json(f"{base}/good", form={"a": "b c"}, headers={"X-By": "us"})
        assert posted == {"form": "a=b+c", "by": "us"}
        for path in ("/away", "/large", "/text", "/deep", "/nothing"):
            with pytest.raises(SignInUnavailableError):
                await fetch_json(base + path)
    with pytest.raises(SignInUnavailableError):
        await fetch_json(f"{base}/good")


@pytest.mark.parametrize(
    "begin",
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 500 Sorry\r\nContent-Length: 100000\r\n\r\n",
    ],
)
async def test_an_answer_that_comes_byte_by_byte_leaves_no_thread(
    begin: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would come for days, and each question would add one."""
    monkeypatch.setattr(issuer_calls, "CALL_S", 0.5)

    async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(begin)
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.1)

    async with server_that(drips) as port:
        with pytest.raises(SignInUnavailableError):
            await fetch_json(f"http://127.0.0.1:{port}/")
        until = time.monotonic() + PATIENCE_S
        while any(each.name == "issuer" for each in threading.enumerate()):
            assert time.monotonic() < until, "it is still read"
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("url", "trusted"),
    [
        ("https://issuer.example/x", True),
        ("http://127.0.0.1:80/x", True),
        ("http://[::1]/x", True),
        ("http://issuer.example/x", False),
        ("file:///etc/passwd", False),
        ("https://", False),
        ("https://[", False),
        (None, False),
    ],
)
def test_keys_come_by_https(url: object, trusted: bool) -> None:
    assert is_trusted_url(url) == trusted
