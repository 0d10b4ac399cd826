"""The picture that comes with Rejoin, and what is wrong with others."""

from __future__ import annotations

import pytest

from rejoin import assets
from rejoin.media.video.hardware_probe import clip
from rejoin.media.video.sample_picture import NAME, why_wrong


def test_it_is_decoded_right() -> None:
    assert why_wrong() is None


@pytest.mark.parametrize("data", [b"", b"\0\0\0\1nonsense"])
def test_what_is_no_picture(data: bytes) -> None:
    assert why_wrong(data) is not None


def test_a_picture_of_another_size() -> None:
    assert "in place of 384x180" in (why_wrong(next(clip())) or "")


def test_other_colours() -> None:
    content = bytearray(assets.path(NAME).read_bytes())
    at = content.index(b"\0\0\0\1\x65")
    for number in range(at + 12, at + 20):
        content[number] ^= 0x55
    assert why_wrong(bytes(content)) is not None
