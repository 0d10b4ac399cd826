"""`rejoin sign-in` and `rejoin sign-out`: what they ask for, keep and say."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from helpers.command_line import URL, Rejoin
from helpers.keyrings import MemoryKeyring
from rejoin.runtime import sign_in
from rejoin.runtime.saved_sign_in import BEARER, SIGN_IN
from rejoin.runtime.tokens import SERVICE
from rejoin.signaling import openid_client
from rejoin.signaling.openid import DeviceAnswer, OpenIdMethod, SignInRefusedError, Tokens

METHOD = OpenIdMethod("https://id.example", "rejoin", "openid")
ORIGIN = "http://127.0.0.1:9"
DEVICE = DeviceAnswer.model_validate(
    {
        "device_code": "CANARY-d",
        "user_code": "ABCD-EFGH",
        "verification_uri": "https://id.example/device",
        "expires_in": 600,
    }
)


class Provider:
    def __init__(self) -> None:
        self.tokens = Tokens("CANARY-b", 300.0, "CANARY-r")
        self.said: OpenIdMethod | None = METHOD
        self.error: Exception | None = None
        self.asked: list[OpenIdMethod] = []

    async def about(self, *_: Any) -> OpenIdMethod | None:
        return self.said

    async def browser(self, method: OpenIdMethod, _: Any, on_page: Callable[[str], None]) -> Tokens:
        self.asked.append(method)
        on_page("http://127.0.0.1:5/")
        if self.error is not None:
            raise self.error
        return self.tokens

    async def device(
        self, method: OpenIdMethod, _: Any, on_code: Callable[[DeviceAnswer], None]
    ) -> Tokens:
        self.asked.append(method)
        on_code(DEVICE)
        return self.tokens


@pytest.fixture(name="provider", autouse=True)
def _provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    provider = Provider()
    monkeypatch.setattr(openid_client, "ask_how_to_sign_in", provider.about)
    monkeypatch.setattr(sign_in, "sign_in_with_browser", provider.browser)
    monkeypatch.setattr(sign_in, "sign_in_with_device", provider.device)
    return provider


@pytest.fixture(name="keyring", autouse=True)
def _keyring(monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    keyring = MemoryKeyring()
    monkeypatch.setattr("keyring.get_keyring", lambda: keyring)
    return keyring


def test_a_sign_in_is_kept_for_the_backends_origin(rejoin: Rejoin, keyring: MemoryKeyring) -> None:
    code, out, err = rejoin("sign-in", URL)
    assert (code, out) == (0, f"You are signed in for {ORIGIN}.\n")
    assert err == (
        f"Signing in at https://id.example:443 for {ORIGIN}.\n"
        "Sign in in your browser. If it does not open, go to http://127.0.0.1:5/\n"
    )
    record = json.loads(keyring.saved[SERVICE, ORIGIN + SIGN_IN])
    assert (record["issuer"], record["refresh"]) == ("https://id.example", "CANARY-r")
    assert keyring.saved[SERVICE, ORIGIN + BEARER] == "CANARY-b"


def test_a_code_is_shown_with_a_picture_of_its_address(rejoin: Rejoin) -> None:
    code, _, err = rejoin("sign-in", "--device", URL)
    assert code == 0
    assert "open https://id.example/device\nand type the code ABCD-EFGH" in err
    assert "█▀" in err
    assert "CANARY" not in err


def test_a_backend_that_says_nothing_can_be_told_about(
    rejoin: Rejoin, provider: Provider, keyring: MemoryKeyring
) -> None:
    provider.said = None
    code, _, err = rejoin("sign-in", URL)
    assert (code, err.count("\n")) == (2, 1)
    assert "--issuer" in err
    options = ("--issuer", "https://id.example", "--client-id", "c", "--scopes", "openid a")
    assert rejoin("sign-in", *options, "--id-token", URL)[0] == 0
    assert provider.asked == [
        OpenIdMethod("https://id.example", "c", "openid a", None, uses_id_token=True)
    ]
    assert json.loads(keyring.saved[SERVICE, ORIGIN + SIGN_IN])["uses_id_token"]


@pytest.mark.parametrize(
    "options",
    [
        ("--issuer", "https://id.example"),
        ("--client-id", "c"),
        ("--scopes", "c"),
        ("--audience", "c"),
        ("--id-token",),
    ],
)
def test_options_that_need_one_another(rejoin: Rejoin, options: tuple[str, ...]) -> None:
    code, _, err = rejoin("sign-in", *options, URL)
    assert (code, err.count("\n")) == (2, 1)


def test_an_issuer_needs_https(rejoin: Rejoin) -> None:
    options = ("--issuer", "http://id.example", "--client-id", "c")
    code, _, err = rejoin("sign-in", *options, URL)
    assert (code, "needs https" in err) == (4, True)


def test_a_refusal_is_one_sentence(rejoin: Rejoin, provider: Provider) -> None:
    provider.error = SignInRefusedError("The sign-in was cancelled or denied.")
    code, out, err = rejoin("sign-in", URL)
    assert (code, out) == (4, "")
    assert err.splitlines()[-1] == "rejoin: The sign-in was cancelled or denied."


def test_without_a_keyring_a_sign_in_is_lost_and_it_says_so(
    rejoin: Rejoin, keyring: MemoryKeyring
) -> None:
    keyring.broken = True
    code, out, err = rejoin("sign-in", URL)
    assert (code, out) == (1, "")
    assert "no keyring" in err
    code, _, err = rejoin("sign-out", URL)
    assert code == 1
    assert "could not be used" in err


def test_a_sign_in_that_cannot_be_refreshed_says_so(rejoin: Rejoin, provider: Provider) -> None:
    provider.tokens = Tokens("CANARY-b", 300.0)
    code, _, err = rejoin("sign-in", URL)
    assert code == 0
    assert "offline_access" in err


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (sign_in.SignOut(True, True, True), f"You are signed out of {ORIGIN}."),
        (
            sign_in.SignOut(True, True, False),
            f"You are signed out of {ORIGIN} here; its provider was not told.",
        ),
        (sign_in.SignOut(False, True, False), f"You are not signed in for {ORIGIN}."),
    ],
)
def test_a_sign_out_says_what_it_did(
    rejoin: Rejoin, monkeypatch: pytest.MonkeyPatch, done: sign_in.SignOut, said: str
) -> None:
    async def sign_out(*_: Any) -> sign_in.SignOut:
        return done

    monkeypatch.setattr(sign_in, "sign_out", sign_out)
    assert rejoin("sign-out", URL) == (0, said + "\n", "")
