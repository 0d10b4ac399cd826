"""The H.264 depacketizer (RFC 6184): the RTP payloads of one frame to NAL units."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from rejoin.media.receive.h264_units import (
    ACCESS_UNIT_DELIMITER,
    I_SLICE,
    IDR_SLICE,
    INTERLEAVED,
    SPS,
    is_slice,
    slice_start,
    type_of,
)

_STAP_A = 24
_FU_A = 28

MAX_UNITS = 4096
"""NAL units of one frame. A picture of the largest size with a slice for each row of macroblocks
has 144; one in which each slice fits a packet, a thousand."""


def nal_units(payloads: Iterable[bytes]) -> list[bytes]:
    """The NAL units in the payloads of one frame, in order.

    Reads single NAL units (the only kind in packetization mode 0), STAP-A and FU-A. Other types and
    truncated units are skipped. Of the interleaved mode (STAP-B, MTAP, FU-B), which is not offered,
    the first byte is kept so that it is recognised. Units beyond `MAX_UNITS` are dropped.
    """
    units: list[bytes] = []
    fragments: list[bytes] = []
    for payload in payloads:
        if not payload or len(units) >= MAX_UNITS:
            continue
        kind = payload[0] & 0x1F
        if kind == _FU_A:
            if len(payload) < 2:
                continue
            header = payload[1]
            if header & 0x80:
                _end(fragments, units)
                fragments.append(bytes((payload[0] & 0xE0 | header & 0x1F,)))
            if fragments:
                fragments.append(payload[2:])
            if header & 0x40:
                _end(fragments, units)
        elif kind <= _STAP_A:
            _end(fragments, units)
            if kind == _STAP_A:
                units += islice(_aggregated(payload), MAX_UNITS)
            elif kind:
                units.append(payload)
        elif kind in INTERLEAVED:
            units.append(payload[:1])
    _end(fragments, units)
    return units


def _end(fragments: list[bytes], units: list[bytes]) -> None:
    """End the unit of the fragments so far: no later fragment continues it."""
    if fragments:
        unit = b"".join(fragments)
        if len(unit) > 1:
            units.append(unit)
        fragments.clear()


def _aggregated(payload: bytes) -> Iterable[bytes]:
    """The NAL units in a STAP-A (RFC 6184, 5.7.1)."""
    at = 1
    while at + 2 < len(payload):
        size = int.from_bytes(payload[at : at + 2], "big")
        unit = payload[at + 2 : at + 2 + size]
        at += 2 + size
        if size == 0 or len(unit) < size:
            break
        yield unit


def starts_mid_nal_unit(payload: bytes) -> bool:
    """Whether this payload continues a NAL unit that started in an earlier packet."""
    return len(payload) > 1 and payload[0] & 0x1F == _FU_A and not payload[1] & 0x80


def may_lack_its_start(payload: bytes) -> bool:
    """Whether a packet before this payload may hold a part that makes its picture a key frame.

    No if the first NAL unit is a delimiter or an SPS, or a slice that is no key frame's (P, B, or
    unreadable). Before anything else there may be parameter sets, SEI or slices.
    """
    if starts_mid_nal_unit(payload):
        return True
    unit = payload
    if type_of(payload) == _STAP_A:
        unit = next(iter(_aggregated(payload)), b"")
    elif type_of(payload) == _FU_A:
        unit = payload[1:]  # the FU header has the unit's type where its own header has it
    kind = type_of(unit)
    if is_slice(kind):
        start = slice_start(unit)
        return start is not None and (kind == IDR_SLICE or start.kind == I_SLICE)
    return kind not in (ACCESS_UNIT_DELIMITER, SPS)
