"""What a call brings is in no log by accident, and how long its client still waits."""

from __future__ import annotations

from rejoin.backend.requests import Caller, Offer
from rejoin.signaling.wire import sha256_hex


def test_an_offer_shows_neither_its_request_nor_its_key() -> None:
    offer = Offer(3, "canary-request", "canary-key")
    assert "canary" not in repr(offer)
    assert offer.sha256 == sha256_hex("canary-request")


async def test_a_caller_waits_until_the_deadline_and_no_longer() -> None:
    async def gone() -> bool:
        return False

    caller = Caller("owner", 10.0, gone)
    assert [caller.left_s(now) for now in (9.0, 10.0, 11.0)] == [1.0, 0.0, 0.0]
