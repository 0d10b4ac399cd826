"""SCTP chunks as a test writes them: data, several in a packet, the opening of a channel."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from aiortc.rtcsctptransport import (
    DATA_CHANNEL_OPEN,
    SCTP_DATA_FIRST_FRAG,
    SCTP_DATA_LAST_FRAG,
    SCTP_DATA_UNORDERED,
    WEBRTC_BINARY,
    Chunk,
    DataChunk,
)

FIRST, LAST, UNORDERED = SCTP_DATA_FIRST_FRAG, SCTP_DATA_LAST_FRAG, SCTP_DATA_UNORDERED
WHOLE = FIRST | LAST


def data(tsn: int, flags: int, payload: bytes, **fields: int) -> DataChunk:
    """`fields`: stream, number (of the message in its stream), protocol."""
    chunk = DataChunk(flags)
    chunk.tsn = tsn % 2**32
    chunk.stream_id = fields.get("stream", 1)
    chunk.stream_seq = fields.get("number", 0)
    chunk.protocol = fields.get("protocol", WEBRTC_BINARY)
    chunk.user_data = payload
    return chunk


class Several(Chunk):
    """Several chunks, bundled in one packet."""

    def __init__(self, chunks: Iterable[DataChunk]) -> None:
        self._chunks = list(chunks)

    def __bytes__(self) -> bytes:
        return b"".join(map(bytes, self._chunks))


def bundled(chunks: Iterable[DataChunk], each: int) -> Iterator[Chunk]:
    """So many chunks in a packet."""
    waiting = list(chunks)
    for at in range(0, len(waiting), each):
        yield Several(waiting[at : at + each])


def opening(label: bytes) -> bytes:
    """A DATA_CHANNEL_OPEN (RFC 8832, 5.1)."""
    return struct.pack("!BBHLHH", DATA_CHANNEL_OPEN, 0, 0, 0, len(label), 0) + label
