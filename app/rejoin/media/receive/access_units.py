"""NAL units of one video stream to access units for the decoder.

Pure. Units without a picture (SEI, delimiters, parameter sets with a timestamp of their own) wait
for the next picture. Every key frame carries its parameter sets, and a stream without B slices is
decoded without reordering, whatever it announces.
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
    ACCESS_UNIT_DELIMITER,
    B_SLICE,
    FILLER,
    IDR_SLICE,
    INTERLEAVED,
    LAST_FOR_DECODERS,
    PARTITIONS,
    PPS,
    SEI,
    SPS,
    PictureParameters,
    SliceStart,
    is_damaged,
    is_reference,
    is_slice,
    read_pps,
    recovery_frame_count,
    slice_start,
    type_of,
)

START_CODE = b"\0\0\0\1"

_BEGINS_A_PICTURE = (SEI, SPS, PPS, ACCESS_UNIT_DELIMITER)

MAX_WAITING_UNITS = 64
MAX_WAITING_BYTES = 64 * 1024
"""How many bytes may wait for a picture. With more, all of them are dropped."""

MAX_RECOVERY_FRAMES = 300
"""A longer recovery is not waited for: it would take longer than any answer to PLI. x264 needs as
many frames as the picture has columns of macroblocks, 120 for 1080p."""


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One picture for the decoder, as an Annex B stream.

    `key`: decoding can start here, and is whole `recovers_after` reference pictures later: at once
    for an IDR picture. `reference`: later pictures may depend on it. `reorder_frames`: how many
    pictures the decoder may hold back before it returns this one. `chroma_location`: that of
    `h264_parameters.SequenceParameters`. `flush`: empty the decoder first,
    because it reorders from here on. `unsupported`: why it must not be decoded, in a few words.
    `damaged`: one of its units, or one waiting before it, was marked as damaged and is left out.
    """

    data: bytes
    key: bool
    recovers_after: int = 0
    reference: bool = True
    reorder_frames: int = 0
    chroma_location: int = 0
    flush: bool = False
    unsupported: str | None = None
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class _Sps:
    unit: bytes
    with_reordering: bytes
    without_reordering: bytes
    parameters: SequenceParameters
    unsupported: str | None


@dataclass(frozen=True, slots=True)
class _Pps:
    unit: bytes
    parameters: PictureParameters

    @property
    def unsupported(self) -> str | None:
        several = self.parameters.slice_groups > 1
        return "flexible macroblock ordering (FMO)" if several else None


@dataclass(slots=True)
class _Picture:
    """The contents of one access unit."""

    units: list[bytes] = field(default_factory=list)
    """The units for the decoder, in order."""
    size: int = 0
    """Of the units, in bytes."""
    slices: int = 0
    starts: list[SliceStart] = field(default_factory=list)
    """The starts of its readable slices."""
    idr: bool = False
    reference: bool = False
    recovers_after: int | None = None
    sps: set[int] = field(default_factory=set)
    pps: set[int] = field(default_factory=set)
    """The numbers of its parameter sets."""
    unsupported: str | None = None
    damaged: bool = False

    @property
    def first_macroblock(self) -> int:
        return min((start.first_macroblock for start in self.starts), default=0)

    @property
    def uses(self) -> set[int]:
        """The pic_parameter_set_id of each slice."""
        return {start.pps for start in self.starts}


class AccessUnits:
    """The access units of one stream, in decoding order."""

    def __init__(self, parameter_sets: Iterable[bytes] = (), *, allow_444: bool = False) -> None:
        """`parameter_sets`: SPS and PPS units that the answer announced (sprop-parameter-sets).
        `allow_444`: whether the High 4:4:4 Predictive profile was offered."""
        self._allow_444 = allow_444
        self._sps: dict[int, _Sps] = {}
        self._pps: dict[int, _Pps] = {}
        self._picture = _Picture()
        """Units that wait for a picture."""
        self._keys_bring_sets = False
        """Whether the last key frame came with its parameter sets."""
        self._b_slice_seen = False
        self._reorders = False
        """Whether the stream reorders as it announces: from the key frame after a B slice on."""
        for unit in parameter_sets:
            self._note_parameter_set(unit)

    def add(self, units: Iterable[bytes], *, after_loss: bool = False) -> AccessUnit | None:
        """The NAL units of one RTP time; None where they hold no picture, and wait for the next.

        `after_loss`: something directly before them is missing.
        """
        picture = self._picture
        if after_loss:
            # Waiting SEI belonged to the missing picture; parameter sets are for all pictures.
            picture.units = [unit for unit in picture.units if type_of(unit) in (SPS, PPS)]
            picture.size = sum(map(len, picture.units))
            picture.recovers_after = None
        units, following = _split(list(units))
        self._read(units, picture)
        if not picture.slices and picture.unsupported is None:
            if len(picture.units) > MAX_WAITING_UNITS or picture.size > MAX_WAITING_BYTES:
                self._picture = _Picture(damaged=picture.damaged)
            return None
        self._picture = _Picture()
        finished = self._finished(picture, after_loss)
        self._read(following, self._picture)
        return finished

    def _finished(self, picture: _Picture, after_loss: bool) -> AccessUnit:
        key = self._is_key(picture, after_loss)
        begins_to_reorder = key and self._b_slice_seen and not self._reorders
        self._reorders = self._reorders or begins_to_reorder
        used = [pps for number in picture.uses if (pps := self._pps.get(number)) is not None]
        used_sps = [sps for pps in used if (sps := self._sps.get(pps.parameters.sps)) is not None]
        sps = used_sps[0] if used_sps else None
        reasons = [picture.unsupported]
        reasons += [each.unsupported for each in used_sps]
        reasons += [each.unsupported for each in used]
        return AccessUnit(
            data=self._annex_b(picture, sps if key else None),
            key=key,
            recovers_after=0 if picture.idr else picture.recovers_after or 0,
            reference=picture.reference,
            reorder_frames=self._depth(sps),
            chroma_location=0 if sps is None else sps.parameters.chroma_location,
            # FFmpeg would take an IDR picture for one that is out of order (its POC is lower)
            flush=begins_to_reorder and picture.idr,
            unsupported=next((each for each in reasons if each), None),
            damaged=picture.damaged,
        )

    # --- reading ----------------------------------------------------------------------------------

    def _read(self, units: Iterable[bytes], picture: _Picture) -> None:
        """Add the units that are for decoders to the picture."""
        for unit in units:
            kind = type_of(unit)
            if kind in INTERLEAVED:
                picture.unsupported = "packets in interleaved order"
            if not 0 < kind <= LAST_FOR_DECODERS:
                continue
            if is_damaged(unit):
                picture.damaged = True
            elif is_slice(kind):
                self._read_slice(unit, kind, picture)
                _keep(unit, picture)
            elif kind in (SPS, PPS):
                if self._note_parameter_set(unit, picture):
                    _keep(unit, picture)
            elif kind != FILLER:
                if kind == SEI and picture.recovers_after is None:
                    picture.recovers_after = recovery_frame_count(unit)
                _keep(unit, picture)

    def _read_slice(self, unit: bytes, kind: int, picture: _Picture) -> None:
        if kind in PARTITIONS:
            picture.unsupported = "slices in partitions"
        start = slice_start(unit)
        if start is not None:
            picture.starts.append(start)
            self._b_slice_seen = self._b_slice_seen or start.kind == B_SLICE
        if not picture.slices:
            picture.reference = is_reference(unit)
        picture.slices += 1
        picture.idr = picture.idr or kind == IDR_SLICE

    def _note_parameter_set(self, unit: bytes, picture: _Picture | None = None) -> bool:
        """Note it, for the picture too; False if it is no parameter set or cannot be read. Then no
        decoder gets it, because we could not judge what it demands."""
        if len(unit) > MAX_PARAMETER_SET_BYTES:
            return False
        if type_of(unit) == PPS and (read := read_pps(unit)) is not None:
            self._pps[read.number] = _Pps(unit, read)
            if picture is not None:
                picture.pps.add(read.number)
            return True
        if type_of(unit) == SPS and (sps := self._known_sps(unit)) is not None:
            number = sps.parameters.number
            self._sps[number] = sps
            if picture is not None:
                picture.sps.add(number)
            return True
        return False

    def _known_sps(self, unit: bytes) -> _Sps | None:
        for known in self._sps.values():
            if known.unit == unit:
                return known
        try:
            read = read_sps(unit)
        except H264SyntaxError:
            return None
        unsupported = read.unsupported(allow_444=self._allow_444)
        return _Sps(unit, read.with_reordering(), read.with_no_reordering(), read, unsupported)

    # --- what it means ----------------------------------------------------------------------------

    def _is_key(self, picture: _Picture, after_loss: bool) -> bool:
        """Decoding can start here, unless a part of the picture is missing or damaged, or its
        parameter sets are not known or may be among what is missing before it."""
        if picture.damaged or (
            not picture.idr
            and (picture.recovers_after is None or picture.recovers_after > MAX_RECOVERY_FRAMES)
        ):
            return False
        if any(self._sps_of(number) is None for number in picture.uses):
            return False
        if picture.first_macroblock > 0 or (
            after_loss and self._keys_bring_sets and not picture.sps
        ):
            return False
        self._keys_bring_sets = bool(picture.sps)
        return True

    def _sps_of(self, pps_number: int) -> _Sps | None:
        pps = self._pps.get(pps_number)
        return None if pps is None else self._sps.get(pps.parameters.sps)

    def _depth(self, sps: _Sps | None) -> int:
        if not self._reorders or sps is None:
            return 0
        announced = sps.parameters.reorder_frames
        return sps.parameters.reference_frames if announced is None else announced

    # --- what the decoder gets --------------------------------------------------------------------

    def _annex_b(self, picture: _Picture, key_sps: _Sps | None) -> bytes:
        """The Annex B stream; a key frame without parameter sets gets the known ones, so that all
        later frames can be decoded."""
        units = picture.units
        starts = [start.first_macroblock for start in picture.starts]
        if len(starts) == picture.slices and starts != sorted(starts):
            units = _in_raster_order(units, starts)
        if key_sps is not None:
            number = key_sps.parameters.number
            known = {n: pps for n, pps in self._pps.items() if pps.parameters.sps == number}
            if number not in picture.sps or not known.keys() <= picture.pps:
                units = [
                    key_sps.unit,
                    *(pps.unit for pps in known.values()),
                    *(unit for unit in units if type_of(unit) not in (SPS, PPS)),
                ]
        parts: list[bytes] = []
        for unit in units:
            written = self._for_decoder(unit) if type_of(unit) == SPS else unit
            if written is not None:
                parts += (START_CODE, written)
        return b"".join(parts)

    def _for_decoder(self, unit: bytes) -> bytes | None:
        """An SPS with the current reordering depth; None for one that no decoder may get: for
        unsupported video, or replaced by another one in the same access unit."""
        for sps in self._sps.values():
            if sps.unit == unit and sps.unsupported is None:
                return sps.with_reordering if self._reorders else sps.without_reordering
        return None


def _split(units: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """The units of one RTP time: those of its picture, and those that begin the next one,
    which stand behind the last slice (7.4.1.2.3)."""
    end = 1 + max((at for at, unit in enumerate(units) if is_slice(type_of(unit))), default=-1)
    own, behind = units[:end], units[end:]
    if not own:
        return units, []
    own += [unit for unit in behind if type_of(unit) not in _BEGINS_A_PICTURE]
    return own, [unit for unit in behind if type_of(unit) in _BEGINS_A_PICTURE]


def _keep(unit: bytes, picture: _Picture) -> None:
    picture.units.append(unit)
    picture.size += len(unit)


def _in_raster_order(units: list[bytes], first_macroblocks: list[int]) -> list[bytes]:
    """The slices sorted by where they begin, after all else. Baseline allows any order (arbitrary
    slice order, A.2.1); FFmpeg takes a slice that begins at macroblock 0 for a new picture."""
    slices = [unit for unit in units if is_slice(type_of(unit))]
    order = sorted(range(len(slices)), key=first_macroblocks.__getitem__)
    others = [unit for unit in units if not is_slice(type_of(unit))]
    return [*others, *(slices[at] for at in order)]
