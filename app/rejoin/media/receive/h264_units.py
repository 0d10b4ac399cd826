"""Reads single H.264 NAL units: their type, the start of a slice, a recovery point, a PPS's ids.

ITU-T H.264, 7.3.1, 7.3.2.2, 7.3.3, 7.3.2.3 and D.1.8. For unreadable units the result is None: a
decoder will judge them.
"""

from __future__ import annotations

from dataclasses import dataclass

from rejoin.media.receive.h264_bits import BitReader, H264SyntaxError, unescape

SLICE, IDR_SLICE, SEI, SPS, PPS, FILLER = 1, 5, 6, 7, 8, 12
PARTITIONS = (2, 3, 4)
"""Data partitioning: the parts of a slice in units of their own (7.3.2.9), of Extended alone."""
ACCESS_UNIT_DELIMITER = 9
LAST_FOR_DECODERS = 12
"""Higher types are other layers, auxiliary pictures, and types defined by RTP or others: decoders
of the profiles offered here ignore them (7.4.1, table 7-1)."""

INTERLEAVED = (25, 26, 27, 29)
"""Not NAL units of H.264 but packets of RFC 6184's interleaved mode: STAP-B, MTAP16, MTAP24, FU-B
(5.4)."""

MAX_SEI_MESSAGES = 32
"""How many messages of one SEI unit are read."""

P_SLICE, B_SLICE, I_SLICE = 0, 1, 2
"""slice_type modulo 5 (7.4.3, table 7-6). Other values, SP and SI, are of the Extended profile."""

_RECOVERY_POINT = 6
_MAX_FRAME_NUMBER = 0xFFFF
_SLICE_START_BYTES = 20
"""Bytes that are enough to read a slice header or a PPS, emulation prevention included."""


@dataclass(frozen=True, slots=True)
class SliceStart:
    """`first_macroblock` is 0 for the first slice of a picture; `kind`: slice_type modulo 5; `pps`:
    pic_parameter_set_id."""

    first_macroblock: int
    kind: int
    pps: int


def type_of(unit: bytes) -> int:
    """nal_unit_type; 0 for an empty unit."""
    return unit[0] & 0x1F if unit else 0


def is_slice(kind: int) -> bool:
    """Whether units of this type carry picture content (VCL)."""
    return SLICE <= kind <= IDR_SLICE


def is_damaged(unit: bytes) -> bool:
    """forbidden_zero_bit: set on the way where bits of the unit are wrong (RFC 6184, 1.3)."""
    return unit[0] & 0x80 != 0


def is_reference(unit: bytes) -> bool:
    """nal_ref_idc: whether other pictures may depend on this one."""
    return unit[0] & 0x60 != 0


def slice_start(unit: bytes) -> SliceStart | None:
    """The start of a slice header; None if it cannot be read."""
    bits = BitReader(unescape(unit[1:_SLICE_START_BYTES]))
    try:
        return SliceStart(bits.ue(), bits.ue(9) % 5, bits.ue(255))
    except H264SyntaxError:
        return None


@dataclass(frozen=True, slots=True)
class PictureParameters:
    """`number`, `sps`: pic_parameter_set_id and seq_parameter_set_id. `slice_groups`: more than one
    is flexible macroblock ordering (FMO)."""

    number: int
    sps: int
    slice_groups: int


def read_pps(unit: bytes) -> PictureParameters | None:
    """The start of a PPS; None if it cannot be read."""
    bits = BitReader(unescape(unit[1:_SLICE_START_BYTES]))
    try:
        number, sps = bits.ue(255), bits.ue(31)
        bits.bits(2)  # entropy_coding_mode_flag, bottom_field_pic_order_in_frame_present_flag
        return PictureParameters(number, sps, 1 + bits.ue(7))
    except H264SyntaxError:
        return None


def recovery_frame_count(unit: bytes) -> int | None:
    """recovery_frame_cnt of an SEI unit: how many steps of frame_num later pictures are whole.

    None if the unit has no recovery point.
    """
    data = unescape(unit)
    at = 1
    for _ in range(MAX_SEI_MESSAGES):
        kind, at = _sei_number(data, at)
        size, at = _sei_number(data, at)
        if at + size > len(data):
            return None
        if kind == _RECOVERY_POINT:
            try:
                return BitReader(data[at : at + min(size, 8)]).ue(_MAX_FRAME_NUMBER)
            except H264SyntaxError:
                return None
        at += size
    return None


def _sei_number(data: bytes, at: int) -> tuple[int, int]:
    """A number coded as bytes of 255 and a last byte, and where the next one begins."""
    start = at
    while at < len(data) and data[at] == 0xFF:
        at += 1
    return 255 * (at - start) + (data[at] if at < len(data) else 0), at + 1
