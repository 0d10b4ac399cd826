"""RTP packets: header, payload and, on request, one header extension; and where RTCP packets end.

RFC 3550 (5.1), RFC 8285 for the extensions, RFC 4588 for retransmissions. More than a thousand
packets arrive each second, so only what is needed is parsed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct

VIDEO_CLOCK_HZ = 90_000
"""Media time of video, for every codec here (RFC 6184, 8.2.1)."""
AUDIO_CLOCK_HZ = 48_000
"""Media time of sound: Opus always counts 48 kHz (RFC 7587, 4.1)."""

ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
SEND_TIME_UNITS = 1 << 18
"""Units of abs-send-time in one second."""
SEND_TIME_BYTES = 3

HEADER_BYTES = 12
_HEADER = Struct("!BBHLL")
_WORDS = Struct("!HH")
_ONE_BYTE = 0xBEDE
"""Profile of a header extension whose elements have one-byte headers (RFC 8285, 4.2)."""
_TWO_BYTES = 0x100
_PADDING, _RESERVED = 0, 15


@dataclass(slots=True)
class RtpPacket:
    """One packet. `marker` is 0 or 1. `extension` starts with its profile; empty if absent."""

    payload_type: int
    marker: int
    sequence_number: int
    timestamp: int
    ssrc: int
    payload: bytes = b""
    padding_size: int = 0
    extension: bytes = b""


def parse(data: bytes) -> RtpPacket:
    """Parse one packet. Raises ValueError if it is not a valid one (RFC 3550, A.1).

    The contents of a header extension are not checked: media is not dropped because of them.
    """
    size = len(data)
    if size < HEADER_BYTES:
        raise ValueError("too short for an RTP header")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if first >> 6 != 2:
        raise ValueError("not RTP version 2")
    at = HEADER_BYTES + 4 * (first & 0x0F)
    extension, padding = b"", 0
    if first & 0x10:
        if size < at + 4:
            raise ValueError("too short for the extension header")
        began, at = at, at + 4 + 4 * _WORDS.unpack_from(data, at)[1]
        extension = data[began:at]
    if first & 0x20:
        padding = data[-1]
        if padding == 0:
            raise ValueError("the padding length is 0")
    if at > size - padding:
        raise ValueError("header and padding overlap")
    payload = data[at : size - padding]
    return RtpPacket(
        second & 0x7F, second >> 7, sequence, timestamp, ssrc, payload, padding, extension
    )


def rtcp_packets(compound: bytes) -> Iterator[bytes]:
    """The packets of a compound RTCP packet (RFC 3550, 6.1); one that is cut off is left out."""
    at = 0
    while at + 4 <= len(compound):
        size = 4 + 4 * int.from_bytes(compound[at + 2 : at + 4])
        packet = compound[at : at + size]
        if len(packet) == size:
            yield packet
        at += size


def extension_value(extension: bytes, element_id: int) -> bytes | None:
    """One element of a header extension (which includes its profile); None if absent."""
    if len(extension) < 4:
        return None
    profile, at = _WORDS.unpack_from(extension)[0], 4
    if profile != _ONE_BYTE and profile >> 4 != _TWO_BYTES:
        return None
    short = profile == _ONE_BYTE
    while at < len(extension):
        head = extension[at]
        at += 1
        if head == _PADDING:
            continue
        if short:
            found, size = head >> 4, (head & 0x0F) + 1
            if found in (_PADDING, _RESERVED):
                return None  # RFC 8285, 4.2: nothing after this id is read
        else:
            if at == len(extension):
                return None
            found, size = head, extension[at]
            at += 1
        if found == element_id:
            return extension[at : at + size] if at + size <= len(extension) else None
        at += size
    return None


class ElementReader:
    """Reads one element of header extensions as a number, from this extension id.

    Thousands of packets a second have the same few layouts, so the headers of the elements up to
    this one are remembered as one mask, by the extension's length.
    """

    def __init__(self, element_id: int, size: int) -> None:
        """`size`: in bytes; an element of another size counts as absent."""
        self.element_id = element_id
        self._size = size
        self._most = (1 << 8 * size) - 1
        self._layouts: dict[int, tuple[int, int, int]] = {}

    def read(self, extension: bytes) -> int | None:
        """The number in a header extension, profile included; None if absent."""
        layout = self._layouts.get(len(extension))
        if layout is not None:
            shift, mask, headers = layout
            whole = int.from_bytes(extension) >> shift
            if whole & mask == headers:
                return whole & self._most
        value = extension_value(extension, self.element_id)
        if value is None or len(value) != self._size:
            return None
        if extension[:2] == _ONE_BYTE.to_bytes(2):
            self._remember(extension)
        return int.from_bytes(value)

    def _remember(self, extension: bytes) -> None:
        if len(self._layouts) >= 16:
            self._layouts.clear()
        mask, at = bytearray(b"\xff\xff\0\0"), 4
        while True:
            head = extension[at]
            mask.append(0xFF)
            at += 1
            if head == _PADDING:
                continue
            size = (head & 0x0F) + 1
            mask += bytes(size)
            at += size
            if head >> 4 == self.element_id:
                break
        bits = int.from_bytes(mask)
        headers = int.from_bytes(extension[:at]) & bits
        self._layouts[len(extension)] = (8 * (len(extension) - at), bits, headers)


def unwrap_rtx(packet: RtpPacket, payload_type: int, ssrc: int) -> RtpPacket:
    """The original packet inside an RTX packet (RFC 4588, 4), with its payload type and SSRC.

    Raises ValueError if the packet is too short to hold the original sequence number.
    """
    if len(packet.payload) < 2:
        raise ValueError("an RTX packet without the original sequence number")
    return RtpPacket(
        payload_type,
        packet.marker,
        int.from_bytes(packet.payload[:2], "big"),
        packet.timestamp,
        ssrc,
        packet.payload[2:],
        extension=packet.extension,
    )
