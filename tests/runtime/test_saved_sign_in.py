"""A sign-in is kept under the origin of its backend, with the issuer that it belongs to."""

from __future__ import annotations

import json
import time

import pytest

from helpers.keyrings import MemoryKeyring
from rejoin.runtime.saved_sign_in import (
    BEARER,
    SIGN_IN,
    SavedSignIn,
    fetch_bearer,
    fetch_sign_in,
    forget_sign_in,
    save_sign_in,
)
from rejoin.runtime.tokens import SERVICE, TokenStore
from rejoin.signaling.openid import OpenIdMethod, Tokens

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

URL = "https://studio.example/rejoin"
ORIGIN = "https://studio.example:443"
METHOD = OpenIdMethod("https://id.example", "rejoin", "openid", "x", uses_id_token=True)
SAVED = SavedSignIn(METHOD, "CANARY-r", 1000.0)


async def test_a_sign_in_comes_back_at_its_origin_and_nowhere_else() -> None:
    keyring = MemoryKeyring()
    store = TokenStore(keyring)
    assert await save_sign_in(store, URL, SAVED, "CANARY-b")
    assert set(keyring.saved) == {(SERVICE, ORIGIN + SIGN_IN), (SERVICE, ORIGIN + BEARER)}
    assert await fetch_sign_in(store, "https://studio.example:443/other") == SAVED
    for other in ("http://studio.example", "https://studio.example:444", "https://s.example"):
        assert await fetch_sign_in(store, other) is None
    assert "CANARY" not in repr(SAVED)


async def test_a_bearer_token_is_used_while_it_lasts() -> None:
    store = TokenStore(MemoryKeyring())
    await save_sign_in(store, URL, SAVED, "CANARY-b")
    assert await fetch_bearer(store, URL, SAVED) is None
    lasting = SavedSignIn(METHOD, "CANARY-r", time.time() + 20)
    assert await fetch_bearer(store, URL, lasting) is None
    found = await fetch_bearer(store, URL, lasting, margin_s=0)
    assert found is not None
    assert (found.bearer, found.refresh) == ("CANARY-b", "CANARY-r")
    unknown = SavedSignIn(METHOD, "CANARY-r", None)
    assert await fetch_bearer(store, URL, unknown, margin_s=0) is None


async def test_a_refresh_token_stays_until_it_is_replaced() -> None:
    same = SAVED.after(Tokens("b", 60.0), 2000.0)
    assert same == SavedSignIn(METHOD, "CANARY-r", 2060.0)
    assert SAVED.after(Tokens("b", None, "r-2"), 2000.0) == SavedSignIn(METHOD, "r-2", None)


async def test_a_sign_out_leaves_nothing() -> None:
    keyring = MemoryKeyring()
    store = TokenStore(keyring)
    await save_sign_in(store, URL, SAVED, "CANARY-b")
    await store.save(URL, "CANARY-given")
    await store.save("https://other.example", "CANARY-other")
    assert await forget_sign_in(store, URL)
    assert set(keyring.saved.values()) == {"CANARY-given", "CANARY-other"}
    assert await forget_sign_in(store, URL, given_too=True)
    assert list(keyring.saved.values()) == ["CANARY-other"]
    assert await forget_sign_in(store, URL, given_too=True), "a second time, too"


@pytest.mark.parametrize(
    "record",
    [
        "",
        "[]",
        '{"version": 1}',
        json.dumps({"version": 2, "issuer": "i", "client_id": "c", "scopes": "s"}),
        json.dumps(
            {"version": 1, "issuer": "i", "client_id": "c", "scopes": "s", "refresh": "a b"}
        ),
    ],
)
async def test_a_record_that_cannot_be_read_is_none(record: str) -> None:
    store = TokenStore(MemoryKeyring())
    await store.save(URL, record, SIGN_IN)
    assert await fetch_sign_in(store, URL) is None


async def test_a_keyring_that_fails_keeps_nothing() -> None:
    store = TokenStore(MemoryKeyring(broken=True))
    assert not await save_sign_in(store, URL, SAVED, "CANARY-b")
    assert await fetch_sign_in(store, URL) is None
    assert not await forget_sign_in(store, URL)
