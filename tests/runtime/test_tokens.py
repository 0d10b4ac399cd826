"""The sign-in token is saved in a keyring or not at all, and no keyring can block the game."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import types

import keyring
import keyring.errors
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail

from rejoin.runtime.tokens import SERVICE, TokenStore, digest_of, is_token_of, origin_of

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

URL = "https://studio.example/rejoin"
TOKEN = "CANARY-token"


class MemoryKeyring(KeyringBackend):
    """A keyring that exists only during the test."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.saved: dict[tuple[str, str], str] = {}

    def set_password(self, service: str, username: str, password: str) -> None:
        self.saved[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        return self.saved.get((service, username))


class BrokenKeyring(MemoryKeyring):
    """Its errors contain the token, as those of some keyrings do."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise keyring.errors.PasswordSetError(f"cannot store {password}")

    def get_password(self, service: str, username: str) -> str | None:
        raise keyring.errors.KeyringLocked(f"locked, with {TOKEN} in it")


class HangingKeyring(MemoryKeyring):
    """It blocks until the test ends."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()

    def set_password(self, service: str, username: str, password: str) -> None:
        self.free.wait(60)

    def get_password(self, service: str, username: str) -> str | None:
        self.free.wait(60)
        return TOKEN


def save(store: TokenStore, url: str = URL) -> bool:
    return asyncio.run(store.save(url, TOKEN, within_s=30.0))


def fetch(store: TokenStore, url: str = URL) -> str | None:
    return asyncio.run(store.fetch(url))


def test_a_token_is_saved_for_its_origin_and_no_other() -> None:
    memory = MemoryKeyring()
    store = TokenStore(memory)
    assert save(store)
    assert memory.saved == {(SERVICE, "https://studio.example:443"): TOKEN}
    assert fetch(store, "https://studio.example/other") == TOKEN
    assert fetch(store, "https://STUDIO.example:443/") == TOKEN
    for other in ("http://studio.example/", "https://studio.example:8443/", "https://a.example/"):
        assert fetch(store, other) is None


@pytest.mark.parametrize("backend", [BrokenKeyring, fail.Keyring])
def test_a_keyring_that_fails_saves_nothing_and_leaks_nothing(
    backend: type[KeyringBackend], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    store = TokenStore(backend())
    assert not save(store)
    assert fetch(store) is None
    assert "the keyring saved nothing" in caplog.text
    assert "CANARY" not in caplog.text


async def test_a_keyring_that_hangs_is_abandoned() -> None:
    hanging = HangingKeyring()
    store = TokenStore(hanging)
    try:
        assert not await store.save(URL, TOKEN, within_s=0.01)
        assert await store.fetch(URL, within_s=0.01) is None
    finally:
        hanging.free.set()


def test_the_default_is_the_keyring_of_the_os_and_under_tests_there_is_none() -> None:
    assert isinstance(keyring.get_keyring(), fail.Keyring)
    store = TokenStore()
    assert not save(store)
    assert fetch(store) is None


def test_a_keyring_that_is_a_plain_file_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = type("PlaintextKeyring", (MemoryKeyring,), {"__module__": "keyrings.alt.file"})()
    monkeypatch.setattr(keyring, "get_keyring", lambda: plain)
    assert not save(TokenStore())
    assert plain.saved == {}


def test_a_keyring_that_cannot_be_loaded_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", types.ModuleType("keyring"))
    assert fetch(TokenStore()) is None


def test_an_invalid_url_saves_nothing() -> None:
    memory = MemoryKeyring()
    assert not save(TokenStore(memory), "http://host:port/")
    assert memory.saved == {}


def test_a_digest_recognises_its_token_and_tells_nothing_of_it() -> None:
    digest = digest_of(TOKEN)
    assert is_token_of(digest, TOKEN)
    assert not is_token_of(digest, TOKEN + "x")
    assert not is_token_of("", TOKEN)
    assert not is_token_of("", "")
    assert digest_of(TOKEN) != digest, "each has its own salt"
    assert TOKEN not in digest


def test_an_origin_is_scheme_host_and_port() -> None:
    assert origin_of("https://Studio.example/v1") == "https://studio.example:443"
    assert origin_of("http://[::1]:8470") == "http://[::1]:8470"


async def test_a_keyring_that_answers_is_no_problem() -> None:
    assert await TokenStore(MemoryKeyring()).problem() is None


async def test_what_is_wrong_with_a_keyring_is_a_sentence() -> None:
    none = fail.Keyring()  # type: ignore[no-untyped-call]
    assert await TokenStore(none).problem() == "This computer has no keyring."
    locked = await TokenStore(BrokenKeyring()).problem()
    assert locked == "The keyring cannot be used: it is locked, or a plain file."
    hanging = HangingKeyring()
    try:
        said = await TokenStore(hanging).problem(within_s=0.05)
    finally:
        hanging.free.set()
    assert said is not None
    assert "did not answer within" in said
