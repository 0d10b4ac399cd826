"""The tone that comes with Rejoin, and what is wrong with others."""

from __future__ import annotations

import struct

import pytest

from rejoin import assets
from rejoin.media.audio import sample_tone
from rejoin.media.audio.sample_tone import NAME, why_wrong


def test_it_is_decoded_right() -> None:
    assert why_wrong() is None


def test_what_is_no_sound() -> None:
    assert why_wrong(b"") == "nothing was decoded"
    assert why_wrong(b"\0\1\xff\0") == "it cannot be decoded"


def test_silence_is_noticed() -> None:
    silence = struct.pack("!H", 3) + b"\xf8\xff\xfe"
    assert why_wrong(8 * silence) == "its volume is wrong"


def test_another_pitch_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    content = assets.path(NAME).read_bytes()
    monkeypatch.setattr(sample_tone, "FREQUENCY_HZ", 1200)
    assert why_wrong(content) == "its pitch is wrong"
