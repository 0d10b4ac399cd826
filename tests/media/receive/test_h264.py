from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.h264_packets import DELTA, IDR, PPS, SPS, STAP, fragments
from helpers.h264_streams import ACCESS_UNIT_DELIMITER, SEI_TEXT, as_fragments, kind, x264
from rejoin.media.receive.h264 import (
    MAX_UNITS,
    may_lack_its_start,
    nal_units,
    starts_mid_nal_unit,
)


def test_all_packet_types_become_nal_units() -> None:
    assert nal_units([STAP, *fragments(IDR)]) == [SPS, PPS, IDR]
    assert nal_units([SPS, PPS, *fragments(IDR), *fragments(DELTA)]) == [SPS, PPS, IDR, DELTA]
    assert nal_units([DELTA]) == [DELTA]


def test_truncated_units_are_skipped() -> None:
    assert nal_units([STAP[:-1]]) == [SPS]
    assert nal_units(fragments(IDR)[1:]) == []
    assert nal_units([b"", b"\x1c", b"\x1c\x85", b"\x00", b"\x1f\x00"]) == []
    assert starts_mid_nal_unit(fragments(IDR)[1])
    assert not starts_mid_nal_unit(fragments(IDR)[0])


def test_a_fragment_without_its_start_does_not_continue_another_unit() -> None:
    pieces = fragments(DELTA, 5)
    assert nal_units([pieces[0], PPS, pieces[1]]) == [DELTA[:6], PPS]


def test_a_first_fragment_may_be_empty() -> None:
    """RFC 6184, 5.8: an FU payload may have any number of bytes, none too."""
    first, *rest = fragments(IDR)
    empty = first[:2], bytes([first[0], first[1] & 0x1F]) + first[2:]
    assert nal_units([*empty, *rest]) == [IDR]
    end = bytes([first[0], 0x45])
    assert nal_units([first, *rest[:-1], rest[-1][:1] + b"\x05" + rest[-1][2:], end]) == [IDR]


@pytest.mark.parametrize("kind_of_packet", [25, 26, 27, 29])
def test_of_the_interleaved_mode_the_type_is_told(kind_of_packet: int) -> None:
    assert nal_units([PPS, bytes([kind_of_packet]) + bytes(20), IDR]) == [
        PPS,
        bytes([kind_of_packet]),
        IDR,
    ]


def test_the_units_of_a_frame_are_bounded() -> None:
    many = bytes([24]) + b"\0\1\x41" * 20_000
    assert len(nal_units([many] * 200)) <= 2 * MAX_UNITS
    assert len(nal_units([PPS] * 10_000)) == MAX_UNITS


[KEY, _, P] = x264(3, "cabac=1:slices=2")
SLICES = [unit for unit in KEY if kind(unit) == 5]


@pytest.mark.parametrize(
    ("payload", "lacks"),
    [
        (ACCESS_UNIT_DELIMITER, False),
        (KEY[0], False),
        (as_fragments(KEY)[0], False),
        (KEY[1], True),
        (SEI_TEXT, True),
        (SLICES[0], True),
        (SLICES[1], True),
        (fragments(SLICES[0])[0], True),
        (fragments(SLICES[0])[1], True),
        (b"\x61" + SLICES[0][1:], True),
        (P[0], False),
        (fragments(P[0])[0], False),
        (fragments(P[0])[1], True),
        (b"", True),
    ],
    ids=[
        "delimiter",
        "SPS",
        "STAP-A with SPS",
        "PPS",
        "SEI",
        "IDR slice",
        "second IDR slice",
        "first fragment of an IDR slice",
        "later fragment of an IDR slice",
        "I slice",
        "P slice",
        "first fragment of a P slice",
        "later fragment of a P slice",
        "padding",
    ],
)
def test_where_an_earlier_packet_may_belong_to_the_same_key_frame(
    payload: bytes, lacks: bool
) -> None:
    assert may_lack_its_start(payload) == lacks


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_no_payload_breaks_the_depacketizer(payloads: list[bytes]) -> None:
    nal_units(payloads)
    for payload in payloads:
        may_lack_its_start(payload)
