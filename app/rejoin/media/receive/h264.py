"""The H.264 depacketizer (RFC 6184): RTP payloads of one frame to an Annex B access unit."""

from __future__ import annotations

from collections.abc import Iterable

START_CODE = b"\0\0\0\1"
_IDR = 5
_SPS = 7
_STAP_A = 24
_FU_A = 28


def depacketize(payloads: Iterable[bytes]) -> tuple[bytes, bool]:
    """Convert the payloads of one frame to an Annex B stream; also say if it is a key frame.

    Reads single NAL units (the only kind in packetization mode 0), STAP-A and FU-A. Other types and
    truncated units are skipped. An SPS counts as a key frame too, because a picture with a new size
    starts with one.
    """
    parts: list[bytes] = []
    key = False
    in_fragment = False
    for payload in payloads:
        if not payload:
            continue
        kind = payload[0] & 0x1F
        if 1 <= kind <= 23:
            in_fragment = False
            parts += (START_CODE, payload)
            key = key or kind in (_IDR, _SPS)
        elif kind == _STAP_A:
            in_fragment = False
            at = 1
            while at + 2 < len(payload):
                size = int.from_bytes(payload[at : at + 2], "big")
                unit = payload[at + 2 : at + 2 + size]
                at += 2 + size
                if size == 0 or len(unit) < size:
                    break
                parts += (START_CODE, unit)
                key = key or unit[0] & 0x1F in (_IDR, _SPS)
        elif kind == _FU_A and len(payload) > 2:
            header = payload[1]
            if header & 0x80:
                in_fragment = True
                parts += (START_CODE, bytes((payload[0] & 0xE0 | header & 0x1F,)))
                key = key or header & 0x1F in (_IDR, _SPS)
            if in_fragment:
                parts.append(payload[2:])
            if header & 0x40:
                in_fragment = False
    return b"".join(parts), key


def starts_mid_nal_unit(payload: bytes) -> bool:
    """Whether this payload continues a NAL unit that started in an earlier packet."""
    return len(payload) > 1 and payload[0] & 0x1F == _FU_A and not payload[1] & 0x80
