"""Pictures that repeat the one before them and have a strip of their own (ADR 0091).

A large game shows itself in every second picture. The picture between is not encoded as a whole:
its strip is a slice that a small encoder makes (intra), and one prepared slice says that everything
else is as before (P_Skip). Both slices get headers that fit into the stream of the large encoder.
No other picture refers to such a picture (nal_ref_idc 0), so the large encoder's own references are
the decoder's. References are to ITU-T H.264.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
from av.video.frame import PictureType

from rejoin.emulator.host.scenery import Plane
from rejoin.emulator.host.x264 import VIDEO_CLOCK_HZ, VideoFormat, open_x264, planes_of, units_of
from rejoin.media.receive.h264_bits import BitReader, bytes_of, escape, ue_text, unescape
from rejoin.media.receive.h264_units import (
    I_SLICE,
    IDR_SLICE,
    P_SLICE,
    PPS,
    SLICE,
    SPS,
    is_slice,
    type_of,
)

MACROBLOCK_PX: Final = 16
_QUANTIZER: Final = 34
"""Of the strip, which is flat."""
_HEADER_BYTES: Final = 32
"""More than the header of a slice takes."""
_HIGH_PROFILES: Final = (100, 110, 122, 244)


@dataclass(frozen=True, slots=True)
class _Parameters:
    """What slice headers depend on (7.3.2.1, 7.3.2.2)."""

    frame_number_bits: int
    arithmetic: bool
    """entropy_coding_mode_flag: CABAC."""
    quantizer: int
    """The number of references of a slice that names no other one."""


@dataclass(frozen=True, slots=True)
class _Slice:
    """A slice without its header. `bits`: its data, with the stop bit and what follows."""

    frame_number: int
    quantizer: int
    cabac_init: int
    bits: str


class StripPictures:
    """Makes them for one stream. For one thread."""

    def __init__(self, profile: str) -> None:
        """`profile`: as of `VideoFormat`, with 4:2:0 colour."""
        self._profile = profile
        self._strips: dict[int, _StripEncoder] = {}
        """By how many rows of macroblocks the strip has."""
        self._parameters: _Parameters | None = None
        self._frame_number: int | None = None

    def prepare(self, width: int, height: int, strip_px: int) -> None:
        """Prepare the first of these pictures now: that takes longer than a frame interval."""
        rows = -(-strip_px // MACROBLOCK_PX)
        black = (
            np.full((height >> half, width >> half), value, np.uint8)
            for half, value in ((0, 16), (1, 128), (1, 128))
        )
        self._strip(width, rows).encode(*black)
        self._skipped(width, height, rows)

    def sent(self, units: Iterable[bytes]) -> None:
        """The large encoder made this picture. Raises H264SyntaxError if it cannot be read."""
        units = list(units)
        kinds = {type_of(unit): unit for unit in reversed(units)}
        if SPS in kinds and PPS in kinds:
            self._parameters = _read_parameters(kinds[SPS], kinds[PPS])
        first = kinds.get(IDR_SLICE) or kinds[SLICE]
        assert self._parameters is not None, "it begins with a key frame"
        start = first[:_HEADER_BYTES]
        self._frame_number = _read_slice(start, self._parameters).frame_number

    def encode(self, y: Plane, u: Plane, v: Plane, strip_px: int) -> list[bytes]:
        """The two slices of a picture whose first `strip_px` rows are those of these planes."""
        parameters, former = self._parameters, self._frame_number
        assert parameters is not None
        assert former is not None
        height, width = y.shape
        rows = -(-strip_px // MACROBLOCK_PX)
        strip = self._strip(width, rows)
        columns = -(-width // MACROBLOCK_PX)
        number = (former + 1) % (1 << parameters.frame_number_bits)
        header = functools.partial(_slice_unit, parameters, number)
        return [
            header(I_SLICE, 0, strip.encode(y, u, v)),
            header(P_SLICE, rows * columns, self._skipped(width, height, rows)),
        ]

    def _strip(self, width: int, rows: int) -> _StripEncoder:
        strip = self._strips.get(rows)
        if strip is None:
            strip = self._strips[rows] = _StripEncoder(self._profile, width, rows)
        return strip

    def _skipped(self, width: int, height: int, rows: int) -> _Slice:
        """The slice for everything below this many rows of macroblocks."""
        columns, all_rows = (-(-side // MACROBLOCK_PX) for side in (width, height))
        return _skipped(self._profile, columns, all_rows - rows)


class _StripEncoder:
    def __init__(self, profile: str, width: int, rows: int) -> None:
        self._height = rows * MACROBLOCK_PX
        self._frame = av.VideoFrame(width, self._height, "yuv420p")
        self._planes = planes_of(self._frame)
        self._codec = _small_encoder(profile, width, self._height)
        self._count = 0

    def encode(self, y: Plane, u: Plane, v: Plane) -> _Slice:
        for own, plane in zip(self._planes, (y, u, v), strict=True):
            own[...] = plane[: own.shape[0]]
        self._frame.pts = self._count = self._count + 1
        self._frame.time_base = Fraction(1, VIDEO_CLOCK_HZ)
        self._frame.pict_type = PictureType.I
        return _slice_of(units_of(self._codec.encode(self._frame)))


def _small_encoder(profile: str, width: int, height: int) -> Any:
    """av's CodecContext of this profile: one slice a picture, and a quantizer that stays."""
    codec = open_x264(VideoFormat(width, height, 60, 1_000_000, profile), "yuv420p")
    codec.bit_rate = 0
    codec.thread_count = 1
    options = dict(codec.options)
    del options["maxrate"], options["bufsize"]
    options["x264-params"] += f":qp={_QUANTIZER}"
    codec.options = options
    return codec


@functools.cache
def _skipped(profile: str, columns: int, rows: int) -> _Slice:
    """A slice of this many unchanged macroblocks. Its bits do not depend on their place: skipping
    needs no neighbour, and a slice has none outside."""
    width, height = columns * MACROBLOCK_PX, rows * MACROBLOCK_PX
    codec = _small_encoder(profile, width, height)
    black = np.full((height * 3 // 2, width), 128, np.uint8)
    black[:height] = 16
    frame = av.VideoFrame.from_ndarray(black, "yuv420p")
    frame.time_base = Fraction(1, VIDEO_CLOCK_HZ)
    units: list[bytes] = []
    for number in range(2):
        frame.pts = number
        frame.pict_type = PictureType.NONE if number else PictureType.I
        units += units_of(codec.encode(frame))
    return _slice_of(units)


def _slice_of(units: list[bytes]) -> _Slice:
    """The last slice of an encoder's output."""
    kinds = {type_of(unit): unit for unit in units}
    parameters = _read_parameters(kinds[SPS], kinds[PPS])
    return _read_slice([unit for unit in units if is_slice(type_of(unit))][-1], parameters)


def _read_parameters(sps: bytes, pps: bytes) -> _Parameters:
    """Read the parts of x264's parameter sets on which slice headers depend."""
    bits = BitReader(unescape(sps)[1:])
    profile = bits.bits(8)
    bits.bits(16)  # constraints and level
    bits.ue()
    if profile in _HIGH_PROFILES:
        bits.ue(1)  # chroma_format_idc: 4:2:0
        bits.ue()
        bits.ue()
        bits.bits(2)  # no scaling matrix
    frame_number_bits = bits.ue() + 4
    assert bits.ue() == 2, "the order of pictures is that of their frame numbers"
    bits = BitReader(unescape(pps)[1:])
    bits.ue()
    bits.ue()
    arithmetic = bits.flag()
    bits.flag()
    bits.ue(0)  # one slice group
    bits.ue()
    bits.ue()
    assert bits.bits(3) == 0, "no weighted prediction"
    return _Parameters(frame_number_bits, arithmetic, 26 + bits.se())


def _read_slice(unit: bytes, parameters: _Parameters) -> _Slice:
    """A slice of x264's, of a frame, with the only reference that there is (7.3.3)."""
    raw = unescape(unit)[1:]
    bits = BitReader(raw)
    bits.ue()
    kind = bits.ue() % 5
    bits.ue()
    frame_number = bits.bits(parameters.frame_number_bits)
    if type_of(unit) == IDR_SLICE:
        bits.ue()  # idr_pic_id
    if kind == P_SLICE:
        if bits.flag():  # num_ref_idx_active_override_flag
            bits.ue()
        assert not bits.flag(), "references are not reordered"
    if unit[0] & 0x60:
        bits.bits(2 if type_of(unit) == IDR_SLICE else 1)  # dec_ref_pic_marking
    cabac_init = bits.ue() if parameters.arithmetic and kind == P_SLICE else 0
    quantizer = parameters.quantizer + bits.se()
    assert bits.ue() == 1, "no deblocking"
    if parameters.arithmetic:
        bits.bits(-bits.at % 8)  # cabac_alignment_one_bit
    return _Slice(frame_number, quantizer, cabac_init, bits.text(bits.at, 8 * len(raw)))


def _slice_unit(
    parameters: _Parameters, frame_number: int, kind: int, first_macroblock: int, coded: _Slice
) -> bytes:
    """The slice as a unit to which no other picture refers."""
    header = ue_text(first_macroblock) + ue_text(kind) + ue_text(0)
    header += format(frame_number, f"0{parameters.frame_number_bits}b")
    if kind == P_SLICE:
        header += "00"  # the references that the PPS says, in their order
        if parameters.arithmetic:
            header += ue_text(coded.cabac_init)
    delta = coded.quantizer - parameters.quantizer
    header += ue_text(2 * delta - 1 if delta > 0 else -2 * delta)
    header += ue_text(1)  # no deblocking
    if parameters.arithmetic:
        header += "1" * (-len(header) % 8)
    whole = (header + coded.bits).rstrip("0")  # the last one is the stop bit
    return escape(bytes((SLICE,)) + bytes_of(whole[:-1]))
