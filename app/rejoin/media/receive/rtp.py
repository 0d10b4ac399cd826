"""RTP packets as the receive path reads them: header, payload, and an extension when one is asked.

RFC 3550 (5.1), RFC 8285 for the extensions, RFC 4588 for retransmissions. Pure. A thousand or more
of these come each second, so that what nobody reads is not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
SEND_TIME_UNITS = 1 << 18
"""What abs-send-time counts, in one second; it has 24 bits."""

HEADER_BYTES = 12
_HEADER = Struct("!BBHLL")
_WORDS = Struct("!HH")
_ONE_BYTE = 0xBEDE
_TWO_BYTES = 0x100
_PADDING, _RESERVED = 0, 15


@dataclass(slots=True)
class RtpPacket:
    """One packet. `marker` is 0 or 1; `extension` begins with its profile, empty without one."""

    payload_type: int
    marker: int
    sequence_number: int
    timestamp: int
    ssrc: int
    payload: bytes = b""
    padding_size: int = 0
    extension: bytes = b""

    def send_time(self, number: int) -> int | None:
        """abs-send-time, in `SEND_TIME_UNITS`, where it has this number; None without one."""
        value = extension_value(self.extension, number)
        return int.from_bytes(value, "big") if value is not None and len(value) == 3 else None


def parse(data: bytes) -> RtpPacket:
    """The packet in these bytes. Raises ValueError where they are none (RFC 3550, A.1).

    What stands inside an extension is not looked at here: media is not thrown away for it.
    """
    size = len(data)
    if size < HEADER_BYTES:
        raise ValueError("no room for an RTP header")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if first >> 6 != 2:
        raise ValueError("no RTP of version 2")
    at = HEADER_BYTES + 4 * (first & 0x0F)
    extension, padding = b"", 0
    if first & 0x10:
        if size < at + 4:
            raise ValueError("no room for the extension's header")
        began, at = at, at + 4 + 4 * _WORDS.unpack_from(data, at)[1]
        extension = data[began:at]
    if first & 0x20:
        padding = data[-1]
        if padding == 0:
            raise ValueError("padding of no bytes")
    if at > size - padding:
        raise ValueError("header and padding overlap")
    payload = data[at : size - padding]
    return RtpPacket(
        second & 0x7F, second >> 7, sequence, timestamp, ssrc, payload, padding, extension
    )


def extension_value(extension: bytes, number: int) -> bytes | None:
    """One element of a header extension, profile included; None where it is not in it."""
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
                return None  # RFC 8285, 4.2: nothing behind it is read
        else:
            if at == len(extension):
                return None
            found, size = head, extension[at]
            at += 1
        if found == number:
            return extension[at : at + size] if at + size <= len(extension) else None
        at += size
    return None


def repeated_by(packet: RtpPacket, payload_type: int, ssrc: int) -> RtpPacket:
    """What a retransmission repeats (RFC 4588, 4). Raises ValueError when it is cut short."""
    if len(packet.payload) < 2:
        raise ValueError("a retransmission without a sequence number")
    return RtpPacket(
        payload_type,
        packet.marker,
        int.from_bytes(packet.payload[:2], "big"),
        packet.timestamp,
        ssrc,
        packet.payload[2:],
        extension=packet.extension,
    )
