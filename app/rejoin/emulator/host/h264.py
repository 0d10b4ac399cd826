"""H.264 into RTP payloads (RFC 6184): NAL units out of a byte stream, packets out of NAL units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

MAX_PAYLOAD_BYTES: Final = 1180
"""RTP payload bytes per packet: 1,200 with the header (our choice: below every common path MTU)."""

NAL_SEI: Final = 6
NAL_FILLER: Final = 12
_FU_A: Final = 28


def split_annexb(data: bytes) -> list[bytes]:
    """The NAL units of a byte stream with start codes, without those and without trailing zeros."""
    starts = []
    at = data.find(b"\x00\x00\x01")
    while at >= 0:
        starts.append(at + 3)
        at = data.find(b"\x00\x00\x01", at + 3)
    ends = [*(start - 3 for start in starts[1:]), len(data)] if starts else []
    units = [data[start:end].rstrip(b"\x00") for start, end in zip(starts, ends, strict=True)]
    return [unit for unit in units if unit]


def packetize(
    units: Sequence[bytes], limit: int = MAX_PAYLOAD_BYTES, *, mode: int = 1
) -> list[bytes]:
    """The RTP payloads of one access unit: single NAL unit packets and FU-A, at most `limit` bytes.

    `mode`: the packetization mode. Mode 0 has no fragments, so a NAL unit larger than the limit
    becomes one packet that IP has to fragment (RFC 6184, 5.6).
    """
    if mode == 0:
        return list(units)
    payloads: list[bytes] = []
    for unit in units:
        if len(unit) <= limit:
            payloads.append(unit)
            continue
        indicator = (unit[0] & 0xE0) | _FU_A
        kind = unit[0] & 0x1F
        room = limit - 2
        for at in range(1, len(unit), room):
            first, last = at == 1, at + room >= len(unit)
            header = kind | (0x80 if first else 0) | (0x40 if last else 0)
            payloads.append(bytes((indicator, header)) + unit[at : at + room])
    return payloads


def h264_profile(profile_level_id: str) -> str:
    """x264's name of a negotiated profile (RFC 6184, `profile-level-id`)."""
    idc = profile_level_id[:2].lower()
    return {"4d": "main", "64": "high", "f4": "high444"}.get(idc, "baseline")
