from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin.media.receive.h264_bits import (
    BitReader,
    H264SyntaxError,
    bytes_of,
    escape,
    ue_text,
    unescape,
)


@pytest.mark.parametrize(
    ("plain", "escaped"),
    [
        (b"\x67\0\0\1", b"\x67\0\0\3\1"),
        (b"\x67\0\0\3", b"\x67\0\0\3\3"),
        (b"\x67\0\0\0\0\1", b"\x67\0\0\3\0\0\3\1"),
        (b"\x67\0\0\4", b"\x67\0\0\4"),
    ],
)
def test_emulation_prevention_goes_in_and_out(plain: bytes, escaped: bytes) -> None:
    assert escape(plain) == escaped
    assert unescape(escaped) == plain


@given(st.lists(st.sampled_from(b"\0\1\2\3\4\xff")).map(bytes))
def test_whatever_is_escaped_has_no_start_code_and_comes_back(rbsp: bytes) -> None:
    unit = b"\x67" + rbsp + b"\x80"  # an RBSP ends with its stop bit
    assert unescape(escape(unit)) == unit
    assert not any(code in escape(unit) for code in (b"\0\0\0", b"\0\0\1", b"\0\0\2"))


@given(st.integers(0, 2**32 - 2))
def test_numbers_are_read_as_they_were_written(number: int) -> None:
    assert BitReader(bytes_of(ue_text(number))).ue() == number


def test_signed_numbers_alternate() -> None:
    bits = BitReader(bytes_of("".join(map(ue_text, range(5)))))
    assert [bits.se() for _ in range(5)] == [0, 1, -1, 2, -2]


def test_a_part_can_be_copied_as_text() -> None:
    assert BitReader(b"\x0f\xf0").text(4, 12) == "11111111"
    assert BitReader(b"\x0f").text(3, 3) == ""


def test_what_ends_too_early_or_is_too_long_is_an_error() -> None:
    for data in (b"", b"\0" * 3, b"\0" * 9, b"\1"):
        with pytest.raises(H264SyntaxError):
            BitReader(data).ue()
    with pytest.raises(H264SyntaxError, match="too large"):
        BitReader(bytes_of(ue_text(17))).ue(16)
