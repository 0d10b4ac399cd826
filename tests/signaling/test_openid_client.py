"""Calls to a provider: what is sent, what fails how, and what never leaves."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from rejoin.errors import BadInputError
from rejoin.signaling import openid_client
from rejoin.signaling.exchange import CallFailedError, HttpSettings
from rejoin.signaling.openid import (
    AuthorizationRequest,
    DeviceAnswer,
    OpenIdMethod,
    ProviderUnreachableError,
    SignInEndedError,
    SignInRefusedError,
)
from rejoin.signaling.openid_client import OpenIdClient, ask_how_to_sign_in

ISSUER = "https://id.example/tenant"
METHOD = OpenIdMethod(ISSUER, "rejoin", "openid play", "https://backend.example")
TOKENS = {"access_token": "CANARY-a", "token_type": "Bearer", "expires_in": 60}


def json_answer(status: int, body: Any) -> httpx.Response:
    stream = httpx.ByteStream(json.dumps(body).encode())
    return httpx.Response(status, headers={"Content-Type": "application/json"}, stream=stream)


class Provider:
    """Answers at `https://id.example`; its token endpoint is on another origin."""

    def __init__(self) -> None:
        self.metadata: dict[str, Any] = {
            "issuer": ISSUER,
            "authorization_endpoint": "https://id.example/auth",
            "token_endpoint": "https://tokens.example/token?tenant=1",
            "device_authorization_endpoint": "https://id.example/device",
            "revocation_endpoint": "https://id.example/revoke",
        }
        self.answers: list[tuple[int, Any]] = []
        """Of all calls but discovery, one after another; the last one stays."""
        self.calls: list[tuple[str, str, dict[str, str]]] = []
        self.headers: list[httpx.Headers] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/tenant/.well-known/openid-configuration":
            self.calls.append(("GET", str(request.url), {}))
            return json_answer(200, self.metadata)
        form = dict(parse_qsl(request.content.decode()))
        self.calls.append((request.method, str(request.url), form))
        self.headers.append(request.headers)
        status, body = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if isinstance(body, Exception):
            raise body
        return json_answer(status, body)

    @property
    def http(self) -> HttpSettings:
        return HttpSettings(transport=httpx.MockTransport(self), allow_insecure=True)

    @property
    def forms(self) -> list[dict[str, str]]:
        return [form for method, _, form in self.calls if method == "POST"]


@pytest.fixture(name="provider")
def _provider() -> Provider:
    return Provider()


def client_of(provider: Provider, secret: str | None = None) -> OpenIdClient:
    return OpenIdClient(METHOD, provider.http, secret=secret)


async def test_discovery_is_asked_once_and_tokens_at_their_own_origin(provider: Provider) -> None:
    provider.answers = [(200, TOKENS)]
    client = client_of(provider)
    for _ in range(2):
        tokens = await client.refresh("CANARY-r")
        assert (tokens.bearer, tokens.lasts_s, tokens.refresh) == ("CANARY-a", 60, None)
    await client.aclose()
    assert [url for _, url, _ in provider.calls] == [
        f"{ISSUER}/.well-known/openid-configuration",
        "https://tokens.example/token?tenant=1",
        "https://tokens.example/token?tenant=1",
    ]
    assert provider.forms[0] == {
        "grant_type": "refresh_token",
        "refresh_token": "CANARY-r",
        "client_id": "rejoin",
        "audience": "https://backend.example",
        "resource": "https://backend.example",
    }
    assert "authorization" not in provider.headers[0]


async def test_a_code_is_sent_with_its_verifier(provider: Provider) -> None:
    provider.answers = [(200, TOKENS)]
    client = client_of(provider)
    asked = AuthorizationRequest(METHOD, await client.discover(), "http://127.0.0.1:5/sign-in")
    await client.exchange_code(asked, "c-1")
    await client.aclose()
    assert provider.forms == [asked.exchange("c-1")]


async def test_a_clients_own_secret_is_in_the_header_alone(provider: Provider) -> None:
    provider.answers = [(200, TOKENS)]
    client = client_of(provider, "CANARY: +%")
    await client.client_credentials()
    await client.aclose()
    scheme, _, value = provider.headers[0]["authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(value) == b"rejoin:CANARY%3A%20%2B%25"
    assert "CANARY" not in str(provider.forms)
    assert provider.forms[0]["scope"] == "openid play"


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"error": "invalid_grant"}, SignInEndedError),
        (401, {"error": "invalid_client"}, SignInRefusedError),
        (400, {"error": "x", "error_description": "CANARY"}, SignInRefusedError),
        (400, "CANARY", ProviderUnreachableError),
        (500, {"error": "invalid_grant"}, ProviderUnreachableError),
        (302, {}, ProviderUnreachableError),
        (200, {"access_token": "CANARY"}, SignInRefusedError),
        (0, httpx.ConnectError("CANARY"), ProviderUnreachableError),
        (0, httpx.ReadTimeout("CANARY"), ProviderUnreachableError),
    ],
)
async def test_a_call_fails_in_one_of_three_ways(
    provider: Provider, status: int, body: Any, error: type[Exception]
) -> None:
    provider.answers = [(status, body)]
    client = client_of(provider)
    with pytest.raises(error) as raised:
        await client.refresh("CANARY-r")
    assert type(raised.value) is error
    assert "CANARY" not in str(raised.value)
    await client.aclose()


async def test_an_issuer_that_is_another_one_gets_nothing(provider: Provider) -> None:
    provider.metadata["issuer"] = "https://evil.example"
    client = client_of(provider)
    with pytest.raises(SignInRefusedError, match="another one"):
        await client.refresh("CANARY-r")
    await client.aclose()
    assert provider.forms == []


async def test_a_provider_by_http_gets_nothing_even_where_the_backend_may(
    provider: Provider,
) -> None:
    client = OpenIdClient(OpenIdMethod("http://id.example", "r", ""), provider.http)
    with pytest.raises(SignInRefusedError, match="needs https"):
        await client.refresh("CANARY-r")
    await client.aclose()
    assert provider.calls == []


async def test_revocation_ends_the_sign_in_where_the_provider_has_it(provider: Provider) -> None:
    provider.answers = [(200, {})]
    client = client_of(provider)
    assert await client.revoke("CANARY-r")
    assert provider.forms[0]["token"] == "CANARY-r"
    await client.aclose()
    provider.metadata["revocation_endpoint"] = None
    client = client_of(provider)
    assert not await client.revoke("CANARY-r")
    await client.aclose()


# --- device codes ---------------------------------------------------------------------------------

DEVICE = {
    "device_code": "CANARY-d",
    "user_code": "AB",
    "verification_uri": "https://id.example/d",
    "expires_in": 600,
    "interval": 2,
}


@pytest.fixture(name="slept")
def _slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    sleep = asyncio.sleep

    async def at_once(delay: float, *_: Any) -> None:
        slept.append(delay)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", at_once)
    return slept


async def test_a_device_is_waited_for_as_the_provider_says(
    provider: Provider, slept: list[float]
) -> None:
    provider.answers = [
        (200, DEVICE),
        (400, {"error": "authorization_pending"}),
        (400, {"error": "slow_down"}),
        (0, httpx.ConnectError("gone")),
        (200, TOKENS),
    ]
    client = client_of(provider)
    device = await client.begin_device()
    assert (await client.wait_for_device(device)).bearer == "CANARY-a"
    await client.aclose()
    waits = [delay for delay in slept if delay >= 1]
    assert waits == [2, 2, 7, 14]
    assert provider.forms[1]["device_code"] == "CANARY-d"


@pytest.mark.parametrize("error", ["access_denied", "expired_token"])
async def test_a_device_code_that_is_refused(
    provider: Provider, slept: list[float], error: str
) -> None:
    provider.answers = [(200, DEVICE), (400, {"error": error})]
    client = client_of(provider)
    device = await client.begin_device()
    with pytest.raises(SignInRefusedError):
        await client.wait_for_device(device)
    await client.aclose()


async def test_a_device_code_is_not_waited_for_longer_than_it_lasts(provider: Provider) -> None:
    provider.answers = [(400, {"error": "authorization_pending"})]
    client = client_of(provider)
    device = DeviceAnswer.model_validate(DEVICE | {"expires_in": 0.05})
    with pytest.raises(SignInRefusedError, match="not used in time"):
        await client.wait_for_device(device)
    await client.aclose()


async def test_a_provider_without_device_codes(provider: Provider) -> None:
    provider.metadata["device_authorization_endpoint"] = None
    client = client_of(provider)
    with pytest.raises(SignInRefusedError, match="device codes"):
        await client.begin_device()
    await client.aclose()


# --- what a backend says --------------------------------------------------------------------------


def backend(status: int, body: Any) -> HttpSettings:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/rejoin/v1/about"
        assert "authorization" not in request.headers
        assert request.extensions["timeout"]["connect"] == openid_client.CONNECT_WITHIN_S
        return json_answer(status, body)

    return HttpSettings(transport=httpx.MockTransport(answer), allow_insecure=True)


URL = "https://studio.example/rejoin"


def about(*ways: dict[str, Any]) -> dict[str, Any]:
    return {
        "service": "rejoin-backend",
        "contract": 1,
        "contract_minor": 2,
        "sign_in": list(ways),
        "applications": [],
    }


OPENID = {"kind": "openid", "issuer": ISSUER, "client_id": "r", "scopes": "a b", "audience": "x"}


async def test_a_backend_says_how_its_players_sign_in() -> None:
    found = await ask_how_to_sign_in(URL, backend(200, about({"kind": "static"}, OPENID)))
    assert found == OpenIdMethod(ISSUER, "r", "a b", "x")
    asked = {"kind": "openid", "issuer": "https://other.example"}
    assert await ask_how_to_sign_in(URL, backend(200, about(asked, OPENID))) == found
    with pytest.raises(BadInputError, match="does not say how"):
        await ask_how_to_sign_in(URL, backend(200, about(asked)))


@pytest.mark.parametrize(
    ("status", "body"), [(200, about({"kind": "static"})), (404, {}), (401, {})]
)
async def test_a_backend_may_have_no_such_sign_in(status: int, body: Any) -> None:
    assert await ask_how_to_sign_in(URL, backend(status, body)) is None


@pytest.mark.parametrize(("status", "body"), [(500, {}), (302, {}), (200, {"sign_in": 1})])
async def test_a_backend_that_says_nothing_usable(status: int, body: Any) -> None:
    with pytest.raises(CallFailedError):
        await ask_how_to_sign_in(URL, backend(status, body))


async def test_what_came_by_http_from_another_machine_names_no_provider() -> None:
    with pytest.raises(BadInputError, match="needs https"):
        await ask_how_to_sign_in("http://studio.example/rejoin", backend(200, about(OPENID)))
