"""Which offers count as used."""

from __future__ import annotations

from helpers.fake_host import offer
from rejoin.emulator.service.used_offers import offer_digest


def test_an_offer_is_identified_by_its_credentials() -> None:
    assert offer_digest(offer("one")) != offer_digest(offer("two"))
    assert offer_digest(offer("one")) == offer_digest(offer("one").replace("1.2.0", "1.0.0"))
    assert offer_digest("no offer at all") != offer_digest("nor is this")
