"""Ways to sign in, one after another, and what refused ones cost."""

from __future__ import annotations

import asyncio
import logging

import pytest

from rejoin.backend import sign_in
from rejoin.backend.sign_in import (
    RefusedSignIns,
    SignedIn,
    first_of,
    shown_address,
    signed_in,
    static_tokens,
)


async def test_static_tokens_are_each_their_own_owner() -> None:
    check = static_tokens(["token-a", "token-b"])
    assert await signed_in(check, "token-a") == SignedIn("token-a")
    assert await signed_in(check, "token-c") is None


async def test_the_first_way_that_knows_a_token_decides() -> None:
    async def later(token: str) -> SignedIn | None:
        return SignedIn("by the provider", frozenset({"demo"})) if token == "jwt" else None

    check = first_of(static_tokens(["token-a"]), later)
    assert await signed_in(check, "token-a") == SignedIn("token-a")
    assert await signed_in(check, "jwt") == SignedIn("by the provider", frozenset({"demo"}))
    assert await signed_in(check, "nothing") is None


async def test_refusals_take_longer_and_longer_for_each_address_by_itself(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    caplog.set_level(logging.WARNING)
    now = 0.0
    refused = RefusedSignIns(lambda: now)
    for _ in range(40):
        await refused.slow_down(refused.count("192.0.2.1"))
    assert slept[0] == 0.0
    assert slept == sorted(slept)
    assert slept[-1] == sign_in.SLOWEST_S
    assert refused.total == 40
    await refused.slow_down(refused.count("192.0.2.2"))
    assert slept[-1] == 0.0
    now = sign_in.FORGOTTEN_AFTER_S + 1
    await refused.slow_down(refused.count("192.0.2.1"))
    assert slept[-1] == 0.0
    assert [record.getMessage() for record in caplog.records] == [
        "10 sign-ins of one address were refused within a minute"
    ]


def test_the_addresses_of_one_network_count_together() -> None:
    refused = RefusedSignIns(lambda: 0.0)
    for number, address in enumerate(("2001:db8::1", "2001:db8::2:1", "2001:db8:0:0:ffff::"), 1):
        assert refused.count(address) == number
    assert refused.count("2001:db8:0:1::1") == 1
    assert refused.count("192.0.2.1") == 1
    assert refused.count("::ffff:192.0.2.1") == 2
    assert refused.count("::ffff:192.0.2.2") == 1, "IPv4 has no networks of 64 bits"


def test_what_is_no_address_is_one_source_and_is_not_shown() -> None:
    """Else a client could fill the memory and the log through a proxy that passes its text on."""
    refused = RefusedSignIns(lambda: 0.0)
    for number, text in enumerate(("", "unknown", "a" * 60_000, "\x1b[31m", "sign-in refused"), 1):
        assert refused.count(text) == number
        assert shown_address(text) == "no address"
    for address in ("192.0.2.1", "2001:db8::1", "fe80::1%eth0"):
        assert shown_address(address) == address
