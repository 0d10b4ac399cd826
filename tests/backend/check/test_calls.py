"""Calls to the backend under check: what an answer is, and why there is none."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from helpers.misbehaving_server import read_request, server_that
from helpers.studio_backend import studio_backend
from rejoin.backend.check.calls import Answer, Calls, NoAnswerError, Request
from rejoin.errors import BadInputError

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x",
        "http://",
        "x",
        "http://a:b@c/",
        "http://x/?q",
        "http://x:0/",
        "http://[x/",
        "http://x:y",
    ],
)
def test_an_address_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(BadInputError, match="http or https URL"):
        Calls(url)


def test_a_ca_file_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(BadInputError, match="CA certificate"):
        Calls("https://x", tmp_path / "ca.pem")


async def test_an_answer_has_status_headers_and_body() -> None:
    async with studio_backend() as (url, _):
        answer = await Calls(url + "/")(Request("GET", "/v1/health"), within_s=20)
    assert (answer.status, answer.content_type, answer.code) == (200, "application/json", "")
    assert answer.json()["contract"] == 1


async def test_why_there_is_no_answer_is_said() -> None:
    async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.transport.abort()

    async def is_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def babbles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"hello\r\n\r\n")
        await writer.drain()

    for behaviour, said in ((hangs_up, "."), (is_silent, "no answer within"), (babbles, "no HTTP")):
        async with server_that(behaviour) as port:
            with pytest.raises(NoAnswerError, match=said):
                await Calls(f"http://127.0.0.1:{port}")(Request("GET", "/"), within_s=0.5)
    with pytest.raises(NoAnswerError):
        await Calls("http://127.0.0.1:9")(Request("GET", "/"), within_s=5)
    for host in ("a..example", "a" * 64):
        with pytest.raises(NoAnswerError, match="name"):
            await Calls(f"http://{host}")(Request("GET", "/"), within_s=5)


async def test_a_server_without_tls_is_no_answer_by_https() -> None:
    async with studio_backend() as (url, _):
        calls = Calls(url.replace("http:", "https:"))
        with pytest.raises(NoAnswerError, match="TLS failed"):
            await calls(Request("GET", "/v1/health"), within_s=20)


def test_a_sentence_names_no_session_and_no_query() -> None:
    assert Request("GET", "/v1/sessions/abc/answer?x=1").name == "GET /v1/sessions/{id}/answer"
    assert Request("POST", "/v1/sessions").name == "POST /v1/sessions"


def test_a_code_that_could_be_anything_is_not_repeated() -> None:
    def said(content: bytes) -> str:
        return Answer(Request("GET", "/"), 409, {}, content, 0.1).said

    assert said(b'{"code": "STALE_ATTEMPT"}') == "409 STALE_ATTEMPT"
    assert said(b'{"code": "<b>Bearer x"}') == "409"
    assert said(b'{"code": 5}') == "409"
    assert said(b"<html>") == "409"
