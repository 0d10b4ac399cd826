"""H.264 from x264 as NAL units, and parameter sets, SEI and RTP payloads made bit by bit."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy
from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from helpers.h264_packets import fragments
from rejoin.media.receive.access_units import AccessUnit, AccessUnits
from rejoin.media.receive.h264_bits import bytes_of, escape, ue_text

ACCESS_UNIT_DELIMITER = b"\x09\xf0"
FILLER = b"\x0c" + b"\xff" * 20 + b"\x80"
SEI_TEXT = b"\x06\x05\x12" + bytes(range(1, 17)) + b"hi\x80"
"""User data unregistered (D.1.7): 16 bytes of UUID and two letters."""


class NeverCompared(bytes):
    """A NAL unit that must not be compared: where each is compared with all others, many of them
    take seconds."""

    __hash__ = bytes.__hash__

    def __eq__(self, other: object) -> bool:
        raise AssertionError("it was compared")


def x264(
    count: int,
    parameters: str = "",
    *,
    size: tuple[int, int] = (320, 180),
    pixels: str = "yuv420p",
    low_delay: bool = True,
) -> list[list[bytes]]:
    """The NAL units of this many moving pictures at 30 fps, in decoding order; the first is IDR.

    `parameters`: of x264, as in `bframes=2:keyint=10`.
    """
    codec = CodecContext.create("libx264", "w")
    assert isinstance(codec, VideoCodecContext)
    codec.width, codec.height = size
    codec.pix_fmt = pixels
    codec.time_base = Fraction(1, 30)
    tune = {"tune": "zerolatency"} if low_delay else {}
    codec.options = {"preset": "ultrafast", "x264-params": parameters, **tune}
    noise = numpy.random.default_rng(1).integers(
        16, 235, (size[1] * 3 // 2, size[0]), dtype=numpy.uint8
    )
    data = []
    for number in range(count):
        frame = VideoFrame.from_ndarray(numpy.roll(noise, 2 * number, axis=1), format="yuv420p")
        frame = frame.reformat(format=pixels)
        frame.pts = number
        data += [bytes(packet) for packet in codec.encode(frame)]
    data += [bytes(packet) for packet in codec.encode(None)]
    return [units_of(each) for each in data]


def units_of(annex_b: bytes) -> list[bytes]:
    """The NAL units of an Annex B stream."""
    return [unit for unit in re.split(b"\0*\0\0\1", annex_b) if unit]


def kind(unit: bytes) -> int:
    return unit[0] & 0x1F


def without(units: list[bytes], *kinds: int) -> list[bytes]:
    """The units of other types."""
    return [unit for unit in units if kind(unit) not in kinds]


@dataclass(frozen=True)
class Vui:
    """Video usability information: as short as possible, or with everything in front."""

    full: bool = False
    reorder_frames: int | None = None
    """max_num_reorder_frames; None: no bitstream restriction."""
    buffered_frames: int = 16
    """max_dec_frame_buffering."""

    def bits(self) -> str:
        if self.full:
            one_cpb = ue_text(0) + "01010101" + ue_text(999) + ue_text(7) + "1" + "10111" * 4
            hrd = "1" + one_cpb + "1" + one_cpb + "0"
            head = "1" + "1" * 8 + "0" * 15 + "1" + "0" * 15 + "1"  # aspect ratio 1:1, 16 bits each
            head += "11" + "1" + "101" + "1" + "1" + "00000001" * 3 + "1" + ue_text(1) * 2
            head += "1" + format(1, "032b") + format(60, "032b") + "1" + hrd + "1"
        else:
            head = "0" * 8
        if self.reorder_frames is None:
            return head + "0"
        limits = "1" + ue_text(0) * 2 + ue_text(11) * 2
        return head + "1" + limits + ue_text(self.reorder_frames) + ue_text(self.buffered_frames)


@dataclass(frozen=True)
class Sps:
    """An SPS to be; 320 x 180 in Main profile unless a test wants something else."""

    profile_idc: int = 77
    constraints: int = 0
    level_idc: int = 31
    number: int = 0
    chroma_format: int = 1
    bit_depth: int = 8
    lossless: bool = False
    separate_planes: bool = False
    scaling_lists: bool = False
    picture_order: int = 0
    reference_frames: int = 4
    columns: int = 20
    rows: int = 12
    frames_only: bool = True
    crop_bottom: int = 6
    vui: Vui | None = None

    def unit(self) -> bytes:
        bits = format(0x67, "08b") + "".join(
            format(each, "08b") for each in (self.profile_idc, self.constraints, self.level_idc)
        )
        bits += ue_text(self.number)
        if self.profile_idc not in (66, 77, 88):
            bits += ue_text(self.chroma_format)
            bits += str(int(self.separate_planes)) if self.chroma_format == 3 else ""
            bits += ue_text(self.bit_depth - 8) * 2 + str(int(self.lossless))
            bits += self._scaling() if self.scaling_lists else "0"
        bits += ue_text(0) + self._order()
        bits += ue_text(self.reference_frames) + "0"
        bits += ue_text(self.columns - 1) + ue_text(self.rows - 1)
        bits += "1" if self.frames_only else "01"
        bits += "1"
        bits += "1" + ue_text(0) * 3 + ue_text(self.crop_bottom) if self.crop_bottom else "0"
        bits += "0" if self.vui is None else "1" + self.vui.bits()
        return escape(bytes_of(bits))

    def _order(self) -> str:
        if self.picture_order == 0:
            return ue_text(0) + ue_text(2)
        if self.picture_order == 1:
            return ue_text(1) + "0" + ue_text(1) + ue_text(2) + ue_text(2) + ue_text(3) * 2
        return ue_text(2)

    def _scaling(self) -> str:
        """A list that ends early, one of 16 equal deltas, then none."""
        lists = 12 if self.chroma_format == 3 else 8
        ends_early = "1" + ue_text(16)  # delta -8: the next scale is 0
        return "1" + ends_early + "1" + ue_text(0) * 16 + "0" * (lists - 2)

    def with_(self, **changes: object) -> Sps:
        return replace(self, **changes)  # type: ignore[arg-type]


def recovery_point(frames: int) -> bytes:
    """An SEI unit with a recovery point (D.1.8)."""
    payload = bytes_of(ue_text(frames) + "1000")
    return escape(b"\x06\x06" + bytes([len(payload)]) + payload + b"\x80")


def as_fragments(units: list[bytes], size: int = 200) -> list[bytes]:
    """RTP payloads: parameter sets and SEI in a STAP-A, slices as FU-A."""
    small = [unit for unit in units if kind(unit) > 5]
    stap = bytes([24]) + b"".join(len(unit).to_bytes(2, "big") + unit for unit in small)
    head = [stap] if small else []
    return head + [piece for unit in units if kind(unit) <= 5 for piece in fragments(unit, size)]


def through(
    pictures: list[list[bytes]], access_units: AccessUnits | None = None
) -> list[AccessUnit]:
    """Each picture, as the decoder gets it."""
    access_units = access_units or AccessUnits()
    added = [access_units.add(units) for units in pictures]
    return [unit for unit in added if unit is not None]
