"""Which offers count as used."""

from __future__ import annotations

import pytest

from helpers.fake_host import offer
from rejoin.emulator.service import used_offers
from rejoin.emulator.service.used_offers import NO_CLIENT_CONNECTION, UsedOffers, offer_digest


def test_an_offer_is_identified_by_its_credentials() -> None:
    assert offer_digest(offer("one")) != offer_digest(offer("two"))
    assert offer_digest(offer("one")) == offer_digest(offer("one").replace("1.2.0", "1.0.0"))
    assert offer_digest("no offer at all") != offer_digest("nor is this")


def test_an_offer_is_good_for_one_call_and_its_repeats_until_it_succeeds() -> None:
    offers = UsedOffers()
    assert offers.use(offer("one"), "token")
    assert offers.use(offer("one"), "token")
    assert not offers.use(offer("one"), "another token")
    assert not offers.use(offer("one"), None)
    offers.succeeded(offer("one"))
    assert not offers.use(offer("one"), "token")


def test_no_client_connection_is_no_offer() -> None:
    offers = UsedOffers()
    assert offers.use(NO_CLIENT_CONNECTION, None)
    offers.succeeded(NO_CLIENT_CONNECTION)
    assert offers.use(NO_CLIENT_CONNECTION, None)


def test_old_offers_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(used_offers, "_OFFERS_REMEMBERED", 2)
    offers = UsedOffers()
    for words in ("one", "two", "three"):
        assert offers.use(offer(words), None)
    assert offers.use(offer("one"), None)
    assert not offers.use(offer("three"), None)
