"""Two peers on this computer: what is proved, and what a failure says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rejoin.errors import PeerError
from rejoin.rtc import loopback_check
from rejoin.rtc.loopback_check import check_loopback

pytestmark = pytest.mark.usefixtures("nothing_left_behind")


async def test_packets_arrive_both_ways() -> None:
    await check_loopback(60.0)


async def test_packets_that_do_not_arrive_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(*_: Any) -> None:
        pass

    async def lost(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(loopback_check, "_connect", at_once)
    monkeypatch.setattr(loopback_check, "_exchange", lost)
    with pytest.raises(PeerError, match="SRTP packets did not arrive within 0 s"):
        await check_loopback(0.05)


async def test_a_connection_that_does_not_come_up_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def never(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(loopback_check, "_connect", never)
    with pytest.raises(PeerError, match="ICE or DTLS did not come up within 0 s"):
        await check_loopback(0.05)


async def test_an_error_of_the_libraries_is_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: Any) -> None:
        raise ValueError("CANARY")

    monkeypatch.setattr(loopback_check, "_connect", fails)
    with pytest.raises(PeerError, match=r"ICE or DTLS did not come up \(ValueError\)") as raised:
        await check_loopback(30.0)
    assert "CANARY" not in str(raised.value)
