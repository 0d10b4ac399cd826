"""Bounds for what the other side can make SCTP keep or compute, for client and emulated host.

The seam's part for that (docs/adr/0026): it changes instances of aiortc's association, which
advertises a receive window and takes everything all the same. tests/rtc/test_library_contract.py
checks every name that is used here. Whoever keeps to the window never meets another bound.
"""

from __future__ import annotations

from collections.abc import Callable

from aiortc.rtcsctptransport import (
    DATA_CHANNEL_OPEN,
    SCTP_CHUNK_HEADER_LENGTH,
    SCTP_COMMON_HEADER_LENGTH,
    SCTP_DATA_FIRST_FRAG,
    SCTP_DATA_LAST_FRAG,
    SCTP_MAX_PACKET_LENGTH,
    SCTP_TSN_MODULO,
    WEBRTC_DCEP,
    DataChunk,
    InboundStream,
    RTCSctpCapabilities,
    RTCSctpTransport,
    SackChunk,
    tsn_plus_one,
)
from aiortc.utils import uint32_gte

from rejoin.rtc.aiortc_seam import override

MESSAGE_MAX_BYTES = 64 * 1024
"""Announced as `max-message-size` (RFC 8841). A longer message is acknowledged and dropped."""

WINDOW_BYTES = 1024 * 1024
"""The receive window: what may be kept of messages that are not whole or not in order yet."""

KEPT_MAX_BYTES = WINDOW_BYTES + 256 * 1024
"""The chunk that comes next in order is taken beyond the window, up to here: it may be the one that
all the others wait for (RFC 9260, 6.2)."""

CHUNK_OVERHEAD_BYTES = 1024
"""Counts for each kept chunk beside its payload: tiny fragments must be bounded too. It costs about
half of that in memory, but aiortc walks through what a stream keeps for each chunk that arrives."""

STREAMS = 1024
"""As in Chromium. What arrives on a stream beyond that is acknowledged and dropped."""

MISORDERED_MAX = 1024
"""Received chunks behind a missing one, whole messages included, which SCTP remembers by number."""

CHANNELS = 64
LABEL_MAX_BYTES = 1024
"""Of a data channel that the other side opens, with its protocol (RFC 8832, 5.1)."""

_SACK_HEADER_BYTES = 12
SACK_BLOCKS = (
    SCTP_MAX_PACKET_LENGTH
    - SCTP_COMMON_HEADER_LENGTH
    - SCTP_CHUNK_HEADER_LENGTH
    - _SACK_HEADER_BYTES
) // 4
"""Gap blocks and duplicates, 4 bytes each, that fit into a packet (RFC 9260, 3.3.4)."""

_GAP_MAX = 0xFFFF
_NO_PROTOCOL = 0
"""Reserved (RFC 9260, 15.5): aiortc passes such a message to nobody."""


class _TooLong(DataChunk):
    """Stands for all fragments so far of a message that is too long; `tsn` is that of the last."""


class BoundedStream(InboundStream):
    """An inbound stream that keeps no more of a message than it may be long."""

    def __init__(self, on_refused: Callable[[], None]) -> None:
        super().__init__()
        self._on_refused = on_refused

    def add_chunk(self, chunk: DataChunk) -> None:
        super().add_chunk(chunk)
        at = self.reassembly.index(chunk)
        goes_on = at > 0 and isinstance(self.reassembly[at - 1], _TooLong)
        if not goes_on and _payload_bytes(self.reassembly) <= MESSAGE_MAX_BYTES:
            return
        start, end = self._fragments_around(at)
        fragments = self.reassembly[start:end]
        if not fragments[0].flags & SCTP_DATA_FIRST_FRAG:
            return
        if isinstance(fragments[0], _TooLong):
            self.reassembly[start:end] = [_shortened(fragments)]
        elif _payload_bytes(fragments) > MESSAGE_MAX_BYTES:
            self._on_refused()
            self.reassembly[start:end] = [_shortened(fragments)]

    def _fragments_around(self, at: int) -> tuple[int, int]:
        """From where to where fragments follow each other within one message."""
        kept, start, end = self.reassembly, at, at + 1
        while start > 0 and _continues(kept[start - 1], kept[start]):
            start -= 1
        while end < len(kept) and _continues(kept[end - 1], kept[end]):
            end += 1
        return start, end


def _continues(before: DataChunk, chunk: DataChunk) -> bool:
    ended = before.flags & SCTP_DATA_LAST_FRAG
    return not ended and chunk.tsn == tsn_plus_one(before.tsn)


def _shortened(fragments: list[DataChunk]) -> _TooLong:
    first, last = fragments[0], fragments[-1]
    stub = _TooLong(first.flags | last.flags & SCTP_DATA_LAST_FRAG)
    stub.tsn, stub.stream_id, stub.stream_seq = last.tsn, first.stream_id, first.stream_seq
    stub.protocol = _NO_PROTOCOL
    return stub


def _payload_bytes(chunks: list[DataChunk]) -> int:
    return sum(len(chunk.user_data) for chunk in chunks)


def _cost(chunks: list[DataChunk]) -> int:
    """What they take of the receive window."""
    return _payload_bytes(chunks) + CHUNK_OVERHEAD_BYTES * len(chunks)


def limit_inbound(sctp: RTCSctpTransport, on_refused: Callable[[], None]) -> None:
    """Enforce the bounds of this module. Call it before the offer or answer is made.

    `on_refused()`: a chunk, a message or a data channel was dropped. A chunk that does not fit is
    not acknowledged, and nothing ends: what we send goes on.
    """
    sctp._inbound_streams_max = STREAMS
    sctp._advertised_rwnd = WINDOW_BYTES
    override(sctp, "getCapabilities", lambda: RTCSctpCapabilities(maxMessageSize=MESSAGE_MAX_BYTES))
    _limit_reassembly(sctp, on_refused)
    _limit_acknowledgements(sctp)
    _limit_channels(sctp, on_refused)


def _limit_reassembly(sctp: RTCSctpTransport, on_refused: Callable[[], None]) -> None:
    def get_inbound_stream(stream_id: int) -> InboundStream:
        streams = sctp._inbound_streams
        stream = streams.get(stream_id)
        if stream is None:
            stream = BoundedStream(on_refused)
            if stream_id < STREAMS:
                streams[stream_id] = stream
        return stream

    def takes(chunk: DataChunk, last: int) -> bool:
        room = sctp._advertised_rwnd - _cost([chunk])
        if chunk.tsn == tsn_plus_one(last):
            return bool(room >= WINDOW_BYTES - KEPT_MAX_BYTES)
        ahead = (chunk.tsn - last) % SCTP_TSN_MODULO
        return room >= 0 and ahead <= _GAP_MAX and len(sctp._sack_misordered) < MISORDERED_MAX

    async def receive_data(chunk: DataChunk) -> None:
        last = sctp._last_received_tsn
        if last is None:
            return  # before the association (RFC 9260, 8.4)
        known = uint32_gte(last, chunk.tsn) or chunk.tsn in sctp._sack_misordered
        if known or takes(chunk, last):
            await original(chunk)
        else:
            sctp._sack_needed = True
            on_refused()

    original = override(sctp, "_receive_data_chunk", receive_data)
    override(sctp, "_get_inbound_stream", get_inbound_stream)


def _limit_acknowledgements(sctp: RTCSctpTransport) -> None:
    async def send_sack() -> None:
        """aiortc's, whose packet may be too large to be sent, with the window that there is."""
        last = sctp._last_received_tsn
        if last is None:
            return
        kept = sum(_cost(stream.reassembly) for stream in sctp._inbound_streams.values())
        sctp._advertised_rwnd = WINDOW_BYTES - kept
        sack = SackChunk()
        sack.cumulative_tsn = last
        sack.advertised_rwnd = max(0, sctp._advertised_rwnd)
        sack.gaps = _gap_blocks(last, sctp._sack_misordered)
        sack.duplicates = sctp._sack_duplicates[: SACK_BLOCKS - len(sack.gaps)]
        sctp._sack_duplicates.clear()
        sctp._sack_needed = False
        await sctp._send_chunk(sack)

    async def receive_sack(chunk: SackChunk) -> None:
        """Only of what was sent: aiortc walks through every number of every gap block."""
        outstanding = (sctp._local_tsn - 1 - chunk.cumulative_tsn) % SCTP_TSN_MODULO
        if outstanding >= SCTP_TSN_MODULO // 2:
            return
        acknowledged, reached = [], 0
        for first, last in chunk.gaps:
            if reached < first <= last <= outstanding:
                acknowledged.append((first, last))
                reached = last
        chunk.gaps = acknowledged
        await original(chunk)

    original = override(sctp, "_receive_sack_chunk", receive_sack)
    override(sctp, "_send_sack", send_sack)


def _gap_blocks(last_received: int, misordered: set[int]) -> list[tuple[int, int]]:
    """The first blocks of numbers that were received behind a missing one (RFC 9260, 3.3.4)."""
    blocks: list[tuple[int, int]] = []
    for ahead in sorted((tsn - last_received) % SCTP_TSN_MODULO for tsn in misordered):
        if blocks and ahead == blocks[-1][1] + 1:
            blocks[-1] = (blocks[-1][0], ahead)
        elif len(blocks) < SACK_BLOCKS and ahead <= _GAP_MAX:
            blocks.append((ahead, ahead))
        else:
            break
    return blocks


def _limit_channels(sctp: RTCSctpTransport, on_refused: Callable[[], None]) -> None:
    async def receive(stream_id: int, pp_id: int, data: bytes) -> None:
        opens = pp_id == WEBRTC_DCEP and data[:1] == bytes([DATA_CHANNEL_OPEN])
        too_many = len(sctp._data_channels) >= CHANNELS
        if opens and (too_many or len(data) > 12 + LABEL_MAX_BYTES):
            on_refused()
        else:
            await original(stream_id, pp_id, data)

    original = override(sctp, "_data_channel_receive", receive)
