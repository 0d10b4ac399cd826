"""The H.264 sequence parameter set (SPS): read, judged, and written with another reordering depth.

ITU-T H.264, 7.3.2.1.1, E.1.1 and E.1.2. Video that was not offered or cannot be decoded here is
recognised before a decoder allocates memory for it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from rejoin.media.receive.h264_bits import (
    BitReader,
    H264SyntaxError,
    bytes_of,
    escape,
    ue_text,
    unescape,
)

MAX_PIXELS = 4096 * 2304
"""The largest picture of H.264 level 5.2. A stream that claims more is refused before memory for it
is allocated: a decoder may have to keep sixteen pictures."""

MAX_SIDE = 8192
"""A picture with more pixels in a row or a column is refused."""

MAX_REORDER_FRAMES = 16
"""MaxDpbFrames is never more (A.3.1)."""

MAX_PARAMETER_SET_BYTES = 4096
"""Longer than any well-formed SPS, whose longest parts are 12 scaling lists and two HRDs."""

BASELINE, MAIN, EXTENDED, HIGH, HIGH_444 = 66, 77, 88, 100, 244
_WITH_CHROMA_FORMAT = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
_PROFILES = {
    EXTENDED: "the Extended profile",
    110: "10 bits per sample (High 10)",
    122: "4:2:2 colour (High 4:2:2)",
    HIGH_444: "4:4:4 colour or lossless video (High 4:4:4 Predictive)",
    44: "4:4:4 colour (CAVLC 4:4:4 Intra)",
}

_ALL_ASPECT_VALUES = 255
_DEFAULT_LIMITS = "1" + ue_text(2) + ue_text(1) + ue_text(16) + ue_text(16)
"""The limits that a decoder assumes where those before the reordering depth are absent (E.2.1)."""


class ChromaFormat(enum.Enum):
    """chroma_format_idc (6.2)."""

    MONOCHROME = 0
    YUV_420 = 1
    YUV_422 = 2
    YUV_444 = 3


@dataclass(frozen=True, slots=True)
class SequenceParameters:
    """The values of one SPS. `coded_*`: in pixels, before cropping; `width`, `height`: after it.

    `reorder_frames`: max_num_reorder_frames, at most 16; None where the VUI does not say, or cannot
    be read. `chroma_location`: chroma_sample_loc_type_top_field; 0 where the VUI does not say.
    """

    number: int
    """seq_parameter_set_id, 0 to 31."""
    profile_idc: int
    constraints: int
    """The byte with constraint_set0_flag as its highest bit."""
    level_idc: int
    chroma_format: ChromaFormat
    bit_depth: int
    """Of luma or chroma, the larger."""
    lossless: bool
    separate_planes: bool
    """separate_colour_plane_flag: 4:4:4 as three monochrome pictures."""
    reference_frames: int
    coded_width: int
    coded_height: int
    width: int
    height: int
    frames_only: bool
    """frame_mbs_only_flag: no picture of the stream is interlaced."""
    reorder_frames: int | None
    chroma_location: int
    _rbsp: bytes
    _vui_at: int
    """Where vui_parameters_present_flag is, in bits."""
    _restriction_at: int | None
    """Where bitstream_restriction_flag is; None without a readable VUI."""
    _reorder_at: int | None
    """Where max_num_reorder_frames is; None where it is absent."""
    _vui_is_broken: bool
    _depth_is_excessive: bool

    def unsupported(self, *, allow_444: bool = False) -> str | None:
        """The property that was not offered or cannot be decoded here, in a few words; None if
        none.

        `allow_444`: whether the High 4:4:4 Predictive profile is offered, with 8 bits per sample.
        """
        if max(self.coded_width, self.coded_height) > MAX_SIDE or (
            self.coded_width * self.coded_height > MAX_PIXELS
        ):
            return f"pictures of {self.coded_width} x {self.coded_height} pixels"
        if not self.frames_only:
            return "interlaced video"
        if self.separate_planes:
            return "4:4:4 colour in separate planes"
        if not (allow_444 and self.profile_idc == HIGH_444):
            if self.lossless:
                return "lossless video"
            if self.chroma_format not in (ChromaFormat.MONOCHROME, ChromaFormat.YUV_420):
                return _PROFILES[122 if self.chroma_format is ChromaFormat.YUV_422 else HIGH_444]
        if self.bit_depth != 8:
            return f"{self.bit_depth} bits per sample"
        return None if self._profile_is_offered(allow_444) else self._profile

    def _profile_is_offered(self, allow_444: bool) -> bool:
        if self.profile_idc == EXTENDED:
            # an Extended stream that obeys Baseline or Main says so (A.2.3; RFC 6184, 8.1, table 5)
            return self.constraints & 0xC0 != 0
        offered = self.profile_idc in (BASELINE, MAIN, HIGH)
        return offered or (allow_444 and self.profile_idc == HIGH_444)

    @property
    def _profile(self) -> str:
        return _PROFILES.get(self.profile_idc, f"H.264 profile {self.profile_idc}")

    def with_no_reordering(self) -> bytes:
        """The NAL unit with a reordering depth of 0, so that a decoder delays no picture (E.2.1).

        Everything else stays. max_dec_frame_buffering becomes the number of reference frames, the
        least that is allowed. A VUI that cannot be read is left as it is.
        """
        if self._vui_is_broken or self.reorder_frames == 0:
            return escape(self._rbsp)
        return self._with_depth(0, self.reference_frames)

    def with_reordering(self) -> bytes:
        """The NAL unit with the reordering depth that it announces, which may be too large to be
        allowed: then with the largest, since a decoder would refuse it."""
        if not self._depth_is_excessive:
            return escape(self._rbsp)
        return self._with_depth(MAX_REORDER_FRAMES, MAX_REORDER_FRAMES)

    def _with_depth(self, reorder_frames: int, buffered_frames: int) -> bytes:
        reader = BitReader(self._rbsp)
        if self._restriction_at is None:
            bits = reader.text(0, self._vui_at) + "1" + "0" * 8 + "1" + _DEFAULT_LIMITS
        elif self._reorder_at is None:
            bits = reader.text(0, self._restriction_at) + "1" + _DEFAULT_LIMITS
        else:
            bits = reader.text(0, self._reorder_at)
        return escape(bytes_of(bits + ue_text(reorder_frames) + ue_text(buffered_frames)))


def read_sps(unit: bytes) -> SequenceParameters:
    """Read an SPS NAL unit. Raises H264SyntaxError, and nothing else, whatever the bytes are."""
    if len(unit) > MAX_PARAMETER_SET_BYTES:
        raise H264SyntaxError("the parameter set is too long")
    rbsp = unescape(unit)
    bits = BitReader(rbsp)
    bits.bits(8)
    profile_idc, constraints, level_idc = bits.bits(8), bits.bits(8), bits.bits(8)
    number = bits.ue(31)
    samples = _Samples(ChromaFormat.YUV_420, 8, lossless=False, separate_planes=False)
    if profile_idc in _WITH_CHROMA_FORMAT:
        samples = _samples(bits)
    bits.ue(12)  # log2_max_frame_num_minus4
    _skip_picture_order(bits)
    reference_frames = bits.ue(16)
    bits.flag()  # gaps_in_frame_num_value_allowed_flag
    coded_width = 16 * (bits.ue(0xFFFF) + 1)
    map_units = bits.ue(0xFFFF) + 1
    frames_only = bits.flag()
    if not frames_only:
        bits.flag()  # mb_adaptive_frame_field_flag
    coded_height = 16 * map_units * (1 if frames_only else 2)
    bits.flag()  # direct_8x8_inference_flag
    width, height = _cropped(bits, coded_width, coded_height, samples.chroma, frames_only)
    vui_at = bits.at
    vui, broken = _Vui(), False
    if bits.flag():
        try:
            vui = _vui(bits)
        except H264SyntaxError:
            broken = True  # FFmpeg plays such streams
    depth = vui.reorder_frames
    return SequenceParameters(
        number=number,
        profile_idc=profile_idc,
        constraints=constraints,
        level_idc=level_idc,
        chroma_format=samples.chroma,
        bit_depth=samples.bit_depth,
        lossless=samples.lossless,
        separate_planes=samples.separate_planes,
        reference_frames=reference_frames,
        coded_width=coded_width,
        coded_height=coded_height,
        width=width,
        height=height,
        frames_only=frames_only,
        reorder_frames=None if depth is None else min(depth, MAX_REORDER_FRAMES),
        chroma_location=vui.chroma_location,
        _rbsp=rbsp,
        _vui_at=vui_at,
        _restriction_at=vui.restriction_at,
        _reorder_at=vui.reorder_at,
        _vui_is_broken=broken,
        _depth_is_excessive=depth is not None and depth > MAX_REORDER_FRAMES,
    )


@dataclass(frozen=True, slots=True)
class _Samples:
    chroma: ChromaFormat
    bit_depth: int
    lossless: bool
    separate_planes: bool


def _samples(bits: BitReader) -> _Samples:
    """From chroma_format_idc to the scaling lists, of the profiles that have them."""
    chroma = ChromaFormat(bits.ue(3))
    separate = chroma is ChromaFormat.YUV_444 and bits.flag()
    bit_depth = 8 + max(bits.ue(6), bits.ue(6))
    lossless = bits.flag()
    if bits.flag():
        for index in range(12 if chroma is ChromaFormat.YUV_444 else 8):
            if bits.flag():
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return _Samples(chroma, bit_depth, lossless=lossless, separate_planes=separate)


def _skip_scaling_list(bits: BitReader, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following != 0:
            following = (last + bits.se()) % 256
        last = last if following == 0 else following


def _skip_picture_order(bits: BitReader) -> None:
    kind = bits.ue(2)
    if kind == 0:
        bits.ue(12)  # log2_max_pic_order_cnt_lsb_minus4
    elif kind == 1:
        bits.flag()
        bits.se()
        bits.se()
        for _ in range(bits.ue(255)):
            bits.se()


def _cropped(
    bits: BitReader, width: int, height: int, chroma: ChromaFormat, frames_only: bool
) -> tuple[int, int]:
    if not bits.flag():
        return width, height
    left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
    unit_x = 2 if chroma in (ChromaFormat.YUV_420, ChromaFormat.YUV_422) else 1
    unit_y = (2 if chroma is ChromaFormat.YUV_420 else 1) * (1 if frames_only else 2)
    width, height = width - unit_x * (left + right), height - unit_y * (top + bottom)
    if width <= 0 or height <= 0:
        raise H264SyntaxError("cropping leaves no picture")
    return width, height


@dataclass(frozen=True, slots=True)
class _Vui:
    """`restriction_at`, `reorder_at`: where bitstream_restriction_flag and max_num_reorder_frames
    are, in bits; None where they are absent."""

    restriction_at: int | None = None
    reorder_at: int | None = None
    reorder_frames: int | None = None
    chroma_location: int = 0


def _vui(bits: BitReader) -> _Vui:
    """Read vui_parameters (E.1.1) up to the reordering depth; decoders here do not use the rest.
    Raises H264SyntaxError."""
    chroma_location = 0
    if bits.flag() and bits.bits(8) == _ALL_ASPECT_VALUES:
        bits.bits(32)
    if bits.flag():
        bits.flag()  # overscan_appropriate_flag
    if bits.flag():
        bits.bits(4)  # video_format, video_full_range_flag
        if bits.flag():
            bits.bits(24)  # colour primaries, transfer characteristics, matrix
    if bits.flag():
        chroma_location = bits.ue(5)
        bits.ue(5)  # of the bottom field
    if bits.flag():
        bits.bits(65)  # num_units_in_tick, time_scale, fixed_frame_rate_flag
    nal_hrd = bits.flag()
    if nal_hrd:
        _skip_hrd(bits)
    vcl_hrd = bits.flag()
    if vcl_hrd:
        _skip_hrd(bits)
    if nal_hrd or vcl_hrd:
        bits.flag()  # low_delay_hrd_flag
    bits.flag()  # pic_struct_present_flag
    restriction_at = bits.at
    if not bits.flag():
        return _Vui(restriction_at, chroma_location=chroma_location)
    bits.flag()  # motion_vectors_over_pic_boundaries_flag
    for _ in range(4):
        bits.ue()
    reorder_at = bits.at
    return _Vui(restriction_at, reorder_at, bits.ue(), chroma_location)


def _skip_hrd(bits: BitReader) -> None:
    count = bits.ue(31) + 1
    bits.bits(8)
    for _ in range(count):
        bits.ue()
        bits.ue()
        bits.flag()
    bits.bits(20)
