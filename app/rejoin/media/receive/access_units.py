"""NAL units of one video stream to access units for the decoder, and what each means for it. Pure.

What has no picture in it (SEI, delimiters, parameter sets with a time of their own) waits for the
next picture. Every key frame carries its parameter sets, and a stream without B slices is decoded
without reordering, whatever it announces.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from rejoin.media.receive.h264_bits import H264SyntaxError
from rejoin.media.receive.h264_parameters import (
    MAX_PARAMETER_SET_BYTES,
    SequenceParameters,
    read_sps,
)
from rejoin.media.receive.h264_units import (
    B_SLICE,
    FILLER,
    IDR_SLICE,
    LAST_FOR_DECODERS,
    PPS,
    SEI,
    SPS,
    SliceStart,
    is_reference,
    is_slice,
    pps_numbers,
    recovery_frame_count,
    slice_start,
    type_of,
)

START_CODE = b"\0\0\0\1"

MAX_WAITING_UNITS = 64
MAX_WAITING_BYTES = 64 * 1024
"""How much without a picture may wait for one. With more, all of it is dropped."""

MAX_RECOVERY_FRAMES = 300
"""A longer recovery is not waited for: it would take longer than any answer to PLI. x264 needs as
many frames as the picture has columns of macroblocks, 120 for 1080p."""


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One picture for the decoder, as an Annex B stream.

    `key`: decoding can start here, and is whole `recovers_after` reference pictures later: at once
    for an IDR picture. `reference`: later pictures may depend on it. `reorder_frames`: how many
    pictures the decoder may hold back before it returns this one. `flush`: empty the decoder first,
    because it reorders from here on. `unsupported`: why it must not be decoded, in a few words.
    """

    data: bytes
    key: bool
    recovers_after: int = 0
    reference: bool = True
    reorder_frames: int = 0
    flush: bool = False
    unsupported: str | None = None


@dataclass(frozen=True, slots=True)
class _Sps:
    unit: bytes
    without_reordering: bytes
    parameters: SequenceParameters
    unsupported: str | None


@dataclass(frozen=True, slots=True)
class _Pps:
    unit: bytes
    sps: int


@dataclass(slots=True)
class _Picture:
    """What the units of one access unit say together."""

    first: SliceStart | None = None
    slices: int = 0
    idr: bool = False
    reference: bool = False
    recovers_after: int | None = None
    sps: bool = False
    pps: bool = False
    uses: set[int] = field(default_factory=set)
    """The pic_parameter_set_id of each slice."""


class AccessUnits:
    """The access units of one stream, in decoding order."""

    def __init__(self, parameter_sets: Iterable[bytes] = ()) -> None:
        """`parameter_sets`: SPS and PPS units that the answer announced (sprop-parameter-sets)."""
        self._sps: dict[int, _Sps] = {}
        self._pps: dict[int, _Pps] = {}
        self._waiting: list[bytes] = []
        self._b_slice_seen = False
        self._reorders = False
        """Whether the stream reorders as it announces: from the key frame after a B slice on."""
        for unit in parameter_sets:
            self._note_parameter_set(unit)

    def add(self, units: Iterable[bytes], *, after_loss: bool = False) -> AccessUnit | None:
        """The NAL units of one RTP time; None where they hold no picture, and wait for the next.

        `after_loss`: something directly before them is missing.
        """
        if after_loss:
            # SEI that waits was about the missing picture, parameter sets are for all.
            self._waiting = [unit for unit in self._waiting if type_of(unit) in (SPS, PPS)]
        own = [unit for unit in units if 0 < type_of(unit) <= LAST_FOR_DECODERS]
        units = self._waiting + [unit for unit in own if type_of(unit) != FILLER]
        picture = self._read(units)
        if not picture.slices:
            fits = len(units) <= MAX_WAITING_UNITS and sum(map(len, units)) <= MAX_WAITING_BYTES
            self._waiting = units if fits else []
            return None
        self._waiting = []
        key = self._is_key(picture, own, after_loss)
        begins_to_reorder = key and self._b_slice_seen and not self._reorders
        self._reorders = self._reorders or begins_to_reorder
        used = [sps for pps in picture.uses if (sps := self._sps_of(pps)) is not None]
        sps = used[0] if used else None
        return AccessUnit(
            data=self._annex_b(units, picture, sps if key else None),
            key=key,
            recovers_after=0 if picture.idr else picture.recovers_after or 0,
            reference=picture.reference,
            reorder_frames=self._depth(sps),
            # FFmpeg would take an IDR picture for one that is out of order (its POC is lower)
            flush=begins_to_reorder and picture.idr,
            unsupported=next((each.unsupported for each in used if each.unsupported), None),
        )

    def _read(self, units: list[bytes]) -> _Picture:
        picture = _Picture()
        for unit in units:
            kind = type_of(unit)
            if is_slice(kind):
                start = slice_start(unit)
                if not picture.slices:
                    picture.first = start
                    picture.reference = is_reference(unit)
                if start is not None:
                    picture.uses.add(start.pps)
                picture.slices += 1
                picture.idr = picture.idr or kind == IDR_SLICE
                self._b_slice_seen = self._b_slice_seen or (
                    start is not None and start.kind == B_SLICE
                )
            elif kind == SEI and picture.recovers_after is None:
                picture.recovers_after = recovery_frame_count(unit)
            elif kind in (SPS, PPS):
                self._note_parameter_set(unit)
                picture.sps = picture.sps or kind == SPS
                picture.pps = picture.pps or kind == PPS
        return picture

    def _note_parameter_set(self, unit: bytes) -> None:
        if len(unit) > MAX_PARAMETER_SET_BYTES:
            return
        if type_of(unit) == PPS and (numbers := pps_numbers(unit)) is not None:
            self._pps[numbers[0]] = _Pps(unit, numbers[1])
        elif type_of(unit) == SPS:
            known = next((each for each in self._sps.values() if each.unit == unit), None)
            if known is None:
                try:
                    read = read_sps(unit)
                except H264SyntaxError:
                    return  # a decoder refuses it too
                self._sps[read.number] = _Sps(
                    unit, read.with_no_reordering(), read, read.unsupported()
                )

    def _is_key(self, picture: _Picture, own: list[bytes], after_loss: bool) -> bool:
        """Decoding can start here, unless no parameter sets are known for it, or its first slices
        are among what is missing before it."""
        if not picture.idr and (
            picture.recovers_after is None or picture.recovers_after > MAX_RECOVERY_FRAMES
        ):
            return False
        if picture.first is None:
            return True
        if not picture.sps and self._sps_of(picture.first.pps) is None:
            return False
        beheaded = is_slice(type_of(own[0])) and picture.first.first_macroblock > 0
        return not (after_loss and beheaded)

    def _sps_of(self, pps_number: int) -> _Sps | None:
        pps = self._pps.get(pps_number)
        return None if pps is None else self._sps.get(pps.sps)

    def _depth(self, sps: _Sps | None) -> int:
        if not self._reorders or sps is None:
            return 0
        announced = sps.parameters.reorder_frames
        return sps.parameters.reference_frames if announced is None else announced

    def _annex_b(self, units: list[bytes], picture: _Picture, key_sps: _Sps | None) -> bytes:
        """The stream; a key frame that lacks its parameter sets gets those that are known."""
        if key_sps is not None and not (picture.sps and picture.pps):
            number = key_sps.parameters.number
            units = [
                key_sps.unit,
                *(pps.unit for pps in self._pps.values() if pps.sps == number),
                *(unit for unit in units if type_of(unit) not in (SPS, PPS)),
            ]
        parts: list[bytes] = []
        for unit in units:
            parts += (START_CODE, self._for_decoder(unit))
        return b"".join(parts)

    def _for_decoder(self, unit: bytes) -> bytes:
        if self._reorders or type_of(unit) != SPS:
            return unit
        for sps in self._sps.values():
            if sps.unit == unit:
                return sps.without_reordering
        return unit
