"""New tokens from a sign-in, a command and a client, whose secret goes to its own issuer alone."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import ClassVar

import pytest

from helpers.keyrings import MemoryKeyring
from rejoin.errors import BadInputError
from rejoin.runtime import token_sources
from rejoin.runtime.saved_sign_in import SavedSignIn, fetch_sign_in, save_sign_in
from rejoin.runtime.token_sources import (
    ClientSource,
    CommandSource,
    SignInSource,
    read_client_credentials,
)
from rejoin.runtime.tokens import TokenStore
from rejoin.signaling.exchange import DEFAULT_HTTP
from rejoin.signaling.openid import OpenIdMethod, SignInEndedError, SignInRefusedError, Tokens

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

URL = "https://studio.example"
METHOD = OpenIdMethod("https://id.example", "rejoin", "openid")


class FakeClient:
    """In place of `OpenIdClient`: it replaces each refresh token."""

    secrets: tuple[str | None, ...] = ()
    discovered: ClassVar[list[OpenIdMethod]] = []

    def __init__(self, method: OpenIdMethod, _: object, *, secret: str | None = None) -> None:
        self.method = method
        FakeClient.secrets += (secret,)

    async def discover(self) -> None:
        FakeClient.discovered.append(self.method)

    async def refresh(self, refresh_token: str) -> Tokens:
        if refresh_token == "over":
            raise SignInEndedError("x")
        return Tokens(f"b-of-{refresh_token}", 60.0, refresh_token + "+")

    async def client_credentials(self) -> Tokens:
        return Tokens(f"b-of-{self.method.client_id}", 60.0)

    async def aclose(self) -> None:
        return


@pytest.fixture(autouse=True)
def _fake_client(monkeypatch: pytest.MonkeyPatch) -> None:
    # The keyring of these tests is never slow, but the machine may be.
    for limit in ("KEYRING_WITHIN_S", "SAVED_WITHIN_S"):
        monkeypatch.setattr(token_sources, limit, 60.0)
    monkeypatch.setattr(token_sources, "OpenIdClient", FakeClient)
    FakeClient.secrets = ()
    FakeClient.discovered.clear()


async def test_each_refresh_uses_the_newest_refresh_token_and_saves_it() -> None:
    store = TokenStore(MemoryKeyring())
    source = SignInSource(SavedSignIn(METHOD, "r"), URL, DEFAULT_HTTP, store=store)
    await source.prepare()
    assert FakeClient.discovered == [METHOD]
    assert (await source.fetch()).bearer == "b-of-r"
    assert (await source.fetch()).bearer == "b-of-r+"
    await source.aclose()
    saved = await fetch_sign_in(store, URL)
    assert saved is not None
    assert saved.refresh == "r++"
    assert (await source.fetch()).bearer == "b-of-r++", "after it was closed, too"
    await source.aclose()


async def test_what_another_rejoin_refreshed_is_used() -> None:
    store = TokenStore(MemoryKeyring())
    one, two = (
        SignInSource(SavedSignIn(METHOD, "r"), URL, DEFAULT_HTTP, store=store) for _ in range(2)
    )
    await one.fetch()
    await one.aclose()
    found = await two.fetch()
    assert (found.bearer, found.refresh) == ("b-of-r", "r+"), "without a call"
    assert FakeClient.secrets == (None,)
    assert (await two.fetch()).bearer == "b-of-r+"
    await two.aclose()
    other = OpenIdMethod("https://another.example", "rejoin", "openid")
    third = SignInSource(SavedSignIn(other, "r-3"), URL, DEFAULT_HTTP, store=store)
    assert (await third.fetch()).bearer == "b-of-r-3", "of another issuer"
    await third.aclose()


async def test_a_keyring_that_keeps_nothing_takes_no_token_back() -> None:
    keyring = MemoryKeyring()
    store = TokenStore(keyring)
    await save_sign_in(store, URL, SavedSignIn(METHOD, "r"), "b")
    source = SignInSource(SavedSignIn(METHOD, "r"), URL, DEFAULT_HTTP, store=store)
    keyring.broken = True
    await source.fetch()
    await source.aclose()
    keyring.broken = False
    assert (await source.fetch()).bearer == "b-of-r+", "the one in the keyring is older"
    await source.aclose()


async def test_a_sign_in_that_is_over_is_forgotten() -> None:
    keyring = MemoryKeyring()
    store = TokenStore(keyring)
    saved = SavedSignIn(METHOD, "over", time.time() + 600)
    await save_sign_in(store, URL, saved, "refused")
    await store.save(URL, "given")
    source = SignInSource(saved, URL, DEFAULT_HTTP, store=store)
    with pytest.raises(SignInEndedError):
        await source.fetch()
    await source.aclose()
    assert list(keyring.saved.values()) == ["given"], "or each start would be refused"


async def test_without_a_refresh_token_the_sign_in_ends_with_its_token() -> None:
    source = SignInSource(SavedSignIn(METHOD, None), URL, DEFAULT_HTTP)
    await source.prepare()
    assert FakeClient.discovered == []
    with pytest.raises(SignInEndedError):
        await source.fetch()
    await source.aclose()


def python(program: str) -> CommandSource:
    return CommandSource((sys.executable, "-c", program), within_s=30)


async def test_a_command_prints_a_token() -> None:
    tokens = await python("print('CANARY-token'); print('more')").fetch()
    assert (tokens.bearer, tokens.lasts_s) == ("CANARY-token", None)


@pytest.mark.parametrize(
    ("program", "match"),
    [
        ("", "no token"),
        ("print()", "no token"),
        ("print('a b CANARY')", "no token"),
        ("print('x' * 9000)", "no token"),
        ("print('CANARY'); raise SystemExit(3)", "ended with 3"),
    ],
)
async def test_a_command_that_gives_none(program: str, match: str) -> None:
    with pytest.raises(SignInRefusedError, match=match) as raised:
        await python(program).fetch()
    assert "CANARY" not in str(raised.value)


async def test_a_command_that_does_not_end_or_is_not_there() -> None:
    endless = CommandSource((sys.executable, "-c", "import time; time.sleep(60)"), within_s=0.2)
    with pytest.raises(SignInRefusedError, match="in time"):
        await endless.fetch()
    with pytest.raises(BadInputError, match="cannot be run"):
        await CommandSource(("/nonexistent/program",)).fetch()


CLIENT = {"issuer": "https://id.example", "client_id": "ci", "client_secret": "CANARY-s"}


async def test_a_client_signs_in_at_the_issuer_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "client.json"
    path.write_text(json.dumps(CLIENT | {"scopes": "play", "audience": "x"}))
    found = read_client_credentials(path)
    assert found.method == OpenIdMethod("https://id.example", "ci", "play", "x")
    assert "CANARY" not in repr(found)
    source = ClientSource(found, DEFAULT_HTTP)
    assert (await source.fetch()).bearer == "b-of-ci"
    assert FakeClient.secrets == ("CANARY-s",)
    await source.aclose()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        json.dumps({name: value for name, value in CLIENT.items() if name != "issuer"}),
        json.dumps(CLIENT | {"other": "x"}),
        json.dumps(CLIENT | {"client_secret": 5}),
        json.dumps(CLIENT | {"issuer": "http://id.example"}),
    ],
)
def test_a_file_that_is_no_client(tmp_path: Path, content: str) -> None:
    path = tmp_path / "client.json"
    path.write_text(content)
    with pytest.raises(BadInputError) as raised:
        read_client_credentials(path)
    assert "CANARY" not in str(raised.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be read"):
        read_client_credentials(tmp_path / "none.json")
