"""A backend is visited without a token: what it is, or one sentence that says what is wrong."""

from __future__ import annotations

import asyncio
import base64
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import pytest

from rejoin.core.ticket import BackendAddress
from rejoin.errors import BadInputError, RejoinError
from rejoin.runtime import backend_visit
from rejoin.runtime.backend_visit import (
    SignInKind,
    Visited,
    address_of,
    suggested_name,
    visit,
    visit_address,
)
from rejoin.signaling import name_lookup
from rejoin.signaling.exchange import CallFailedError, HttpSettings

HEALTH = {"service": "rejoin-backend", "contract": 1}
PNG = b"\x89PNG\r\n\x1a\n" + b"rest"
ABOUT = {**HEALTH, "contract_minor": 2, "applications": []}


@contextmanager
def backend(answers: dict[str, tuple[int, Any]]) -> Iterator[tuple[str, list[str]]]:
    """A server with these answers by path (a text: HTML), and what it was asked."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            assert "Authorization" not in self.headers
            status, body = answers.get(self.path, (404, {}))
            content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            kind = "text/html" if isinstance(body, str) else "application/json"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("text", "url", "network"),
    [
        (" play.example/rejoin ", "https://play.example/rejoin", "internet"),
        ("https://play.example", "https://play.example", "internet"),
        ("127.0.0.1:8470", "http://127.0.0.1:8470", "loopback"),
        ("localhost:8470", "http://localhost:8470", "loopback"),
        ("https://192.168.1.7:8470", "https://192.168.1.7:8470", "lan"),
    ],
)
def test_what_a_player_types_is_an_address(text: str, url: str, network: str) -> None:
    assert address_of(text) == BackendAddress(url, "ours", network, allows_microphone=True)


@pytest.mark.parametrize(
    "text", ["", "http://play.example", "ftp://x", "a b", "https://u:p@x", "x" * 3000, "rejoin://x"]
)
def test_what_is_no_address_is_a_sentence(text: str) -> None:
    with pytest.raises(BadInputError):
        address_of(text)


@pytest.mark.parametrize(
    ("ways", "kind"),
    [
        ([{"kind": "static"}], SignInKind.TOKEN),
        ([{"kind": "static"}, {"kind": "openid", "issuer": "https://i"}], SignInKind.OPENID),
        ([], SignInKind.NOT_SAID),
        ([{"kind": "magic"}], SignInKind.NOT_SAID),
    ],
)
def test_a_backend_says_its_contract_and_how_to_sign_in(
    ways: list[dict[str, str]], kind: SignInKind
) -> None:
    with backend({"/v1/about": (200, {**ABOUT, "sign_in": ways})}) as (url, asked):
        found = asyncio.run(visit(url))
    assert found == Visited(
        BackendAddress(url, "ours", "loopback", allows_microphone=True), kind, "1.2"
    )
    assert asked == ["/v1/about"]


def test_a_slow_path_has_all_of_the_time_to_open_a_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        given.append(request.extensions["timeout"]["connect"])
        body = json.dumps({**ABOUT, "sign_in": []}).encode()
        headers = {"Content-Type": "application/json"}
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(body))

    made = partial(HttpSettings, transport=httpx.MockTransport(answer))
    monkeypatch.setattr(backend_visit, "HttpSettings", made)
    monkeypatch.setattr(backend_visit, "WITHIN_S", 7.0)
    asyncio.run(visit("https://play.example"))
    assert given == [7.0]


@pytest.mark.parametrize(("said", "icon"), [(PNG, PNG), (b"<svg>", b"")])
def test_a_backend_names_its_icon_and_what_is_none_is_passed_over(said: bytes, icon: bytes) -> None:
    about = {**ABOUT, "sign_in": [], "icon": base64.b64encode(said).decode()}
    with backend({"/v1/about": (200, about)}) as (url, _):
        assert asyncio.run(visit(url)).icon == icon


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_backend_of_contract_1_0_stays_valid(status: int) -> None:
    answers = {"/v1/about": (status, {}), "/v1/health": (200, HEALTH)}
    with backend(answers) as (url, _):
        found = asyncio.run(visit(url))
    assert (found.contract, found.sign_in) == ("1.0", SignInKind.NOT_SAID)


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({}, "not a Rejoin backend"),
        ({"/v1/about": (200, "<html>")}, "not a Rejoin backend"),
        ({"/v1/about": (404, "x"), "/v1/health": (200, "x")}, "not a Rejoin backend"),
        ({"/v1/about": (200, {"sign_in": 3})}, "cannot be understood"),
        ({"/v1/about": (503, {})}, "answered 503"),
        (
            {"/v1/about": (200, {**ABOUT, "sign_in": [], "contract": 2})},
            "speaks contract 2, this one contract 1",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence(answers: dict[str, tuple[int, Any]], why: str) -> None:
    with backend(answers) as (url, _), pytest.raises(RejoinError, match=why) as caught:
        asyncio.run(visit(url))
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (200, "not a Rejoin backend"),
        (302, "redirects elsewhere"),
        (511, "This network wants a sign-in first"),
    ],
)
def test_a_page_in_place_of_the_backend_says_where_a_network_asks_for_a_sign_in(
    status: int, why: str
) -> None:
    page = "<html>Welcome to our hotel</html>"
    with backend({"/v1/about": (status, page)}) as (url, _), pytest.raises(CallFailedError) as said:
        asyncio.run(visit(url))
    assert why in str(said.value)
    assert "Open a web page in a browser" in str(said.value)
    assert "hotel" not in str(said.value)


def test_nobody_there_is_a_sentence() -> None:
    with pytest.raises(RejoinError, match="could not be reached"):
        asyncio.run(visit("http://127.0.0.1:9"))


def test_a_link_into_this_network_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def visited(address: BackendAddress) -> Visited:
        return Visited(address, SignInKind.OPENID)

    monkeypatch.setattr(backend_visit, "visit_address", visited)
    link = "rejoin://play?backend=https%3A%2F%2Fgames.example"
    for meaning, is_local in ((["10.0.0.7"], True), (["203.0.113.7"], False)):
        monkeypatch.setattr(name_lookup, "resolved", lambda host, port, found=meaning: found)
        found = asyncio.run(visit(link))
        assert found.is_local is is_local or meaning == ["203.0.113.7"]
        assert found.address.public_only is not found.is_local


def test_another_dialect_is_there_if_it_answers_at_all() -> None:
    with backend({}) as (url, _):
        react = BackendAddress(url, "aws-react", "loopback", "sg-1", "a-1")
        assert asyncio.run(visit_address(react)).sign_in is SignInKind.TOKEN
        bundle = replace(react, dialect="aws-bundle")
        assert asyncio.run(visit_address(bundle)).sign_in is SignInKind.NONE


def test_a_game_is_called_by_its_host_at_first() -> None:
    assert (
        suggested_name(BackendAddress("https://www.play.example:8470/x", "ours")) == "play.example"
    )
