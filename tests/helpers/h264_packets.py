"""Small handmade H.264 pictures as RTP payloads, for the tests of the receive path."""

from __future__ import annotations

from rejoin.media.receive.rtp import RtpPacket

START = b"\0\0\0\1"
IDR = b"\x65\x88\x84" + bytes(range(33))
DELTA = b"\x41\x9a" + bytes(range(19))
"""Slices that begin at macroblock 0, I and P, with the parameter sets 0."""
SPS, PPS = bytes.fromhex("674d001feca0a0cfce80"), b"\x68\xce"
"""320 x 180."""
STAP = bytes([24]) + b"".join(len(u).to_bytes(2, "big") + u for u in (SPS, PPS))


def fragments(unit: bytes, size: int = 10) -> list[bytes]:
    """A NAL unit as FU-A payloads (RFC 6184, 5.8)."""
    indicator, kind, rest = unit[0] & 0xE0 | 28, unit[0] & 0x1F, unit[1:]
    pieces = [rest[at : at + size] for at in range(0, len(rest), size)]
    return [
        bytes([indicator, kind | 0x80 * (n == 0) | 0x40 * (n == len(pieces) - 1)]) + piece
        for n, piece in enumerate(pieces)
    ]


def frame(number: int, key: bool = False) -> list[tuple[int, bool, bytes]]:
    """(media time, marker, payload) of one picture of four packets."""
    payloads = [STAP, *fragments(IDR, 12)] if key else fragments(DELTA, 5)
    return [(number * 3000, p is payloads[-1], p) for p in payloads]


def stream(count: int) -> list[tuple[int, int, bool, bytes]]:
    """(sequence number, media time, marker, payload) of pictures, the first a key frame."""
    packets = [packet for n in range(count) for packet in frame(n, key=n == 0)]
    return [(sequence, *packet) for sequence, packet in enumerate(packets)]


def rtx_of(packet: RtpPacket, sequence: int, ssrc: int) -> RtpPacket:
    """The packet, retransmitted on an RTX stream of type 97 (RFC 4588)."""
    payload = packet.sequence_number.to_bytes(2) + packet.payload
    return RtpPacket(97, packet.marker, sequence, packet.timestamp, ssrc, payload)
