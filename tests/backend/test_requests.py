"""What a call brings is in no log by accident."""

from __future__ import annotations

from rejoin.backend.requests import Offer
from rejoin.signaling.wire import sha256_hex


def test_an_offer_shows_neither_its_request_nor_its_key() -> None:
    offer = Offer(3, "canary-request", "canary-key")
    assert "canary" not in repr(offer)
    assert offer.sha256 == sha256_hex("canary-request")
