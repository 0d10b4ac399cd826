from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.h264_streams import Sps, Vui, kind, x264
from rejoin.media.receive.h264_bits import H264SyntaxError
from rejoin.media.receive.h264_parameters import (
    MAX_REORDER_FRAMES,
    ChromaFormat,
    SequenceParameters,
    read_sps,
)

EVERY_FORM = [
    Sps(),
    Sps(profile_idc=66, constraints=0xC0, picture_order=2),
    Sps(profile_idc=100, scaling_lists=True),
    Sps(picture_order=1, number=31),
    Sps(profile_idc=100, constraints=0x0C),
    Sps(crop_bottom=0),
]
VUIS = [None, Vui(), Vui(full=True), Vui(reorder_frames=2), Vui(full=True, reorder_frames=16)]


def facts(sps: SequenceParameters) -> dict[str, object]:
    """Everything but the bits and where they are."""
    return {
        field.name: getattr(sps, field.name)
        for field in fields(sps)
        if not field.name.startswith("_") and field.name != "reorder_frames"
    }


@pytest.mark.parametrize("vui", VUIS)
@pytest.mark.parametrize("form", EVERY_FORM)
def test_an_sps_is_read(form: Sps, vui: Vui | None) -> None:
    read = read_sps(form.with_(vui=vui).unit())
    assert (read.number, read.profile_idc, read.level_idc) == (form.number, form.profile_idc, 31)
    assert (read.coded_width, read.coded_height) == (320, 192)
    assert (read.width, read.height) == (320, 180 if form.crop_bottom else 192)
    assert (read.chroma_format, read.bit_depth, read.frames_only) == (
        ChromaFormat.YUV_420,
        8,
        True,
    )
    assert (read.reference_frames, read.lossless) == (4, False)
    assert read.reorder_frames == (vui.reorder_frames if vui else None)
    assert read.chroma_location == int(vui is not None and vui.full)
    assert read.unsupported() is None


@pytest.mark.parametrize("vui", VUIS)
@pytest.mark.parametrize("form", EVERY_FORM)
def test_without_reordering_all_else_stays(form: Sps, vui: Vui | None) -> None:
    before = read_sps(form.with_(vui=vui).unit())
    after = read_sps(before.with_no_reordering())
    assert after.reorder_frames == 0
    assert facts(after) == facts(before)
    assert after.with_no_reordering() == before.with_no_reordering()


def test_what_is_free_of_reordering_is_not_changed() -> None:
    unit = Sps(vui=Vui(full=True, reorder_frames=0)).unit()
    assert read_sps(unit).with_no_reordering() == unit


def test_a_vui_that_ends_too_early_is_left_as_it_is() -> None:
    whole = Sps(vui=Vui(full=True, reorder_frames=2)).unit()
    short = whole[:-6]
    read = read_sps(short)
    assert (read.width, read.reorder_frames) == (320, None)
    assert read.with_no_reordering() == short


@pytest.mark.parametrize(
    ("form", "why"),
    [
        (Sps(profile_idc=110, bit_depth=10), "10 bits"),
        (Sps(profile_idc=110), "High 10"),
        (Sps(profile_idc=100, bit_depth=9), "9 bits"),
        (Sps(profile_idc=122, chroma_format=2), "4:2:2"),
        (Sps(profile_idc=244, chroma_format=3, scaling_lists=True), "4:4:4"),
        (Sps(profile_idc=244, lossless=True), "lossless"),
        (Sps(profile_idc=244), "4:4:4"),
        (Sps(profile_idc=44, chroma_format=3), "4:4:4"),
        (Sps(profile_idc=244, chroma_format=3, separate_planes=True), "separate planes"),
        (Sps(profile_idc=88), "Extended"),
        (Sps(profile_idc=83), "profile 83"),
        (Sps(frames_only=False, rows=6, crop_bottom=3), "interlaced"),
        (Sps(profile_idc=100, frames_only=False), "interlaced"),
        (Sps(columns=513), "8208 x 192"),
        (Sps(rows=513), "320 x 8208"),
        (Sps(columns=257, rows=144), "4112 x 2304"),
        (Sps(columns=65536, rows=65536), "1048576 x 1048576"),
    ],
)
def test_what_was_not_offered_or_is_too_large_is_not_supported(form: Sps, why: str) -> None:
    assert why in str(read_sps(form.unit()).unsupported())


@pytest.mark.parametrize(
    "form",
    [
        Sps(profile_idc=100, constraints=0x0C, level_idc=62),
        Sps(columns=256, rows=144),
        Sps(profile_idc=100, chroma_format=0),
        Sps(profile_idc=88, constraints=0xC0),
        Sps(profile_idc=88, constraints=0x80),
    ],
)
def test_constrained_high_high_levels_and_extended_that_is_baseline_are_supported(
    form: Sps,
) -> None:
    assert read_sps(form.unit()).unsupported() is None


@pytest.mark.parametrize(
    ("form", "why"),
    [
        (Sps(profile_idc=244, chroma_format=3), None),
        (Sps(profile_idc=244, chroma_format=2), None),
        (Sps(profile_idc=244), None),
        (Sps(profile_idc=244, lossless=True), None),
        (Sps(profile_idc=244, chroma_format=3, bit_depth=10), "10 bits"),
        (Sps(profile_idc=244, chroma_format=3, separate_planes=True), "separate planes"),
        (Sps(profile_idc=244, chroma_format=3, frames_only=False), "interlaced"),
        (Sps(profile_idc=244, chroma_format=3, columns=513), "8208 x 192"),
        (Sps(profile_idc=100, chroma_format=3), "4:4:4"),
        (Sps(profile_idc=100, lossless=True), "lossless"),
        (Sps(profile_idc=122, chroma_format=2), "4:2:2"),
        (Sps(profile_idc=110), "High 10"),
        (Sps(profile_idc=44, chroma_format=3), "4:4:4"),
    ],
)
def test_what_is_supported_where_the_444_profile_is_offered(form: Sps, why: str | None) -> None:
    found = read_sps(form.unit()).unsupported(allow_444=True)
    assert (found is None) if why is None else (why in str(found))


@pytest.mark.parametrize("announced", [17, 40, 255, 2**31])
def test_a_reordering_depth_beyond_what_is_allowed_is_read_and_bounded(announced: int) -> None:
    """FFmpeg refuses such an SPS."""
    unit = Sps(vui=Vui(full=True, reorder_frames=announced)).unit()
    read = read_sps(unit)
    assert read.reorder_frames == MAX_REORDER_FRAMES
    assert read_sps(read.with_no_reordering()).reorder_frames == 0
    bounded = read_sps(read.with_reordering())
    assert bounded.reorder_frames == MAX_REORDER_FRAMES
    assert facts(bounded) == facts(read)
    assert bounded.with_reordering() == read.with_reordering() != unit
    allowed = Sps(vui=Vui(full=True, reorder_frames=16)).unit()
    assert read_sps(allowed).with_reordering() == allowed


@pytest.mark.parametrize("buffered", [17, 1000])
def test_an_absurd_buffer_does_not_hide_the_reordering_depth(buffered: int) -> None:
    unit = Sps(vui=Vui(reorder_frames=2, buffered_frames=buffered)).unit()
    assert read_sps(unit).reorder_frames == 2
    assert read_sps(read_sps(unit).with_no_reordering()).reorder_frames == 0


@pytest.mark.parametrize(
    ("pixels", "parameters", "profile", "supported"),
    [
        ("yuv420p", "", 66, True),
        ("yuv420p", "cabac=1", 77, True),
        ("yuv420p", "8x8dct=1:cabac=1", 100, True),
        ("yuv420p", "qp=0", 244, False),
        ("yuv420p", "interlaced=1", 77, False),
        ("yuv420p10le", "", 110, False),
        ("yuv422p", "", 122, False),
        ("yuv444p", "", 244, False),
    ],
)
def test_what_x264_writes_is_read(
    pixels: str, parameters: str, profile: int, supported: bool
) -> None:
    [first] = x264(1, parameters, pixels=pixels)
    read = read_sps(next(unit for unit in first if kind(unit) == 7))
    assert (read.width, read.height, read.profile_idc) == (320, 180, profile)
    assert (read.unsupported() is None) == supported


@given(st.binary(max_size=80))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    try:
        read = read_sps(data)
    except H264SyntaxError:
        return
    read.unsupported()
    read_sps(read.with_no_reordering())


@given(st.sampled_from(EVERY_FORM), st.sampled_from(VUIS), st.data())
def test_no_damage_raises_anything_else(form: Sps, vui: Vui | None, data: st.DataObject) -> None:
    unit = bytearray(form.with_(vui=vui).unit())
    for at in data.draw(st.lists(st.integers(0, len(unit) - 1), max_size=4)):
        unit[at] = data.draw(st.integers(0, 255))
    try:
        read = read_sps(bytes(unit))
    except H264SyntaxError:
        return
    assert read.unsupported() is not None or read.coded_width * read.coded_height <= 4096 * 2304
    again = read_sps(read.with_no_reordering())
    assert facts(again) == facts(read)


def test_a_huge_unit_is_refused_before_it_is_read() -> None:
    with pytest.raises(H264SyntaxError, match="too long"):
        read_sps(Sps().unit() + bytes([1]) * 5000)
