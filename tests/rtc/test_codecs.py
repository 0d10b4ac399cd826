from __future__ import annotations

from aiortc.codecs import CODECS

from rejoin.rtc.codecs import offer_main_and_high, receivable


def test_main_and_high_are_offered_once_however_often_it_is_asked() -> None:
    offer_main_and_high()
    offer_main_and_high()
    profiles = [codec.parameters.get("profile-level-id") for codec in CODECS["video"]]
    assert profiles.count("4d001f") == 1
    assert profiles.count("64001f") == 1
    numbers = [codec.payloadType for codec in CODECS["video"]]
    assert len(numbers) == len(set(numbers))


def test_only_what_we_decode_well_is_receivable() -> None:
    offer_main_and_high()
    assert {codec.mimeType for codec in receivable("audio")} == {"audio/opus"}
    assert {codec.mimeType for codec in receivable("video")} == {"video/H264"}
    assert [codec.parameters["profile-level-id"] for codec in receivable("video")] == [
        "64001f",
        "4d001f",
        "42e01f",
        "42001f",
    ]
