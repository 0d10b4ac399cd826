"""The offers of the check are what the emulated service, and so a host, takes."""

from __future__ import annotations

import json

from rejoin.backend.check.offers import new_key, new_offer
from rejoin.rtc.signal_codec import decode_request


def test_an_offer_is_a_signal_request_with_sound_video_and_data() -> None:
    text, pwd = new_offer()
    request = decode_request(text)
    assert request.media == ("audio", "video", "application")
    assert request.setup == "actpass"
    assert f"a=ice-pwd:{pwd}" in json.loads(text)["sdp"]


def test_no_two_are_the_same() -> None:
    assert len({new_offer() for _ in range(20)}) == 20
    assert len({new_key() for _ in range(20)}) == 20


def test_written_again_it_has_other_bytes() -> None:
    text, _ = new_offer()
    assert json.dumps(json.loads(text), separators=(",", ":")) != text
