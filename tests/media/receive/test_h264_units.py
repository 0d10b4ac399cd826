from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.h264_streams import ACCESS_UNIT_DELIMITER, SEI_TEXT, kind, recovery_point, x264
from rejoin.media.receive.h264_bits import bytes_of, ue_text
from rejoin.media.receive.h264_units import (
    B_SLICE,
    I_SLICE,
    P_SLICE,
    PictureParameters,
    is_damaged,
    is_reference,
    read_pps,
    recovery_frame_count,
    slice_start,
    type_of,
)


def test_the_slices_of_a_stream_are_told_apart() -> None:
    kinds = []
    for units in x264(7, "bframes=2:b-adapt=0:slices=2:b-pyramid=0", low_delay=False):
        starts = [start for unit in units if kind(unit) <= 5 and (start := slice_start(unit))]
        assert [start.first_macroblock == 0 for start in starts] == [True, False]
        kinds.append(starts[0].kind)
        assert is_reference(units[-1]) == (starts[0].kind != B_SLICE)
    assert kinds == [I_SLICE, P_SLICE, B_SLICE, B_SLICE, P_SLICE, B_SLICE, B_SLICE]


@pytest.mark.parametrize("unit", [b"", b"\x41", b"\x41\0\0\0\0\0", b"\x41\xff"[:1]])
def test_a_slice_that_cannot_be_read_is_none(unit: bytes) -> None:
    assert slice_start(unit) is None


def test_the_numbers_of_a_pps() -> None:
    unit = b"\x68" + bytes_of(ue_text(7) + ue_text(3) + "10" + ue_text(0) + "1")
    assert read_pps(unit) == PictureParameters(7, 3, 1)
    several = b"\x68" + bytes_of(ue_text(7) + ue_text(3) + "10" + ue_text(7) + "1")
    assert read_pps(several) == PictureParameters(7, 3, 8)
    for broken in (b"\x68", b"\x68" + bytes_of(ue_text(7) + ue_text(3) + "10" + ue_text(8))):
        assert read_pps(broken) is None


def test_a_damaged_unit_says_so() -> None:
    assert [is_damaged(unit) for unit in (b"\x41", b"\xc1", b"\x65x")] == [False, True, False]


@pytest.mark.parametrize("frames", [0, 1, 119, 65535])
def test_a_recovery_point_is_found_behind_other_messages(frames: int) -> None:
    own = recovery_point(frames)
    assert recovery_frame_count(own) == frames
    # 300 bytes of user data in front: the size takes two bytes
    behind = b"\x06\x05\xff\x2d" + b"\x01" * 300 + own[1:]
    assert recovery_frame_count(behind) == frames


@pytest.mark.parametrize(
    "unit",
    [
        b"",
        b"\x06",
        SEI_TEXT,
        b"\x06\x06",
        b"\x06\x06\x05\xff",
        b"\x06\x06\0\x80",
        b"\x06" + b"\xff" * 99,
    ],
)
def test_sei_without_a_recovery_point_has_none(unit: bytes) -> None:
    assert recovery_frame_count(unit) is None


def test_the_type_of_an_empty_unit_is_none_of_them() -> None:
    assert type_of(b"") == 0
    assert type_of(ACCESS_UNIT_DELIMITER) == 9


@given(st.binary(max_size=60))
def test_no_bytes_raise(data: bytes) -> None:
    slice_start(data)
    read_pps(data)
    recovery_frame_count(data)
    type_of(data)
