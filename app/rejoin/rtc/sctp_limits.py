"""Bounds for what the other side can make SCTP keep or compute, for client and emulated host.

The seam's part for that (docs/adr/0026): it changes instances of aiortc's association, which
advertises a receive window and takes everything all the same. tests/rtc/test_library_contract.py
checks every name that is used here. A peer that keeps to the window never reaches another bound.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from aiortc.rtcsctptransport import (
    DATA_CHANNEL_OPEN,
    RECONFIG_MAX_STREAMS,
    SCTP_CHUNK_HEADER_LENGTH,
    SCTP_COMMON_HEADER_LENGTH,
    SCTP_MAX_PACKET_LENGTH,
    SCTP_TSN_MODULO,
    WEBRTC_DCEP,
    WEBRTC_STRING,
    DataChunk,
    ForwardTsnChunk,
    ReconfigChunk,
    RTCSctpCapabilities,
    RTCSctpTransport,
    SackChunk,
    tsn_plus_one,
)
from aiortc.utils import uint16_add, uint32_gte

from rejoin.rtc.aiortc_seam import override
from rejoin.rtc.sctp_reassembly import CHUNK_OVERHEAD_BYTES, MESSAGE_MAX_BYTES, BoundedStream

WINDOW_BYTES = 1024 * 1024
"""The receive window: what may be kept of messages that are not whole or not in order yet."""

KEPT_MAX_BYTES = WINDOW_BYTES + 256 * 1024
"""The chunk that comes next in order is taken beyond the window, up to here: it may be the one that
all the others wait for (RFC 9260, 6.2)."""

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
_OPEN_HEADER = struct.Struct("!8xHH")
"""Of a DATA_CHANNEL_OPEN: its last fields are the lengths of label and protocol."""


def limit_inbound(sctp: RTCSctpTransport, on_refused: Callable[[], None]) -> None:
    """Enforce the bounds of this module. Call it before the offer or answer is made.

    `on_refused()`: a chunk, a message or a data channel was dropped. A chunk that does not fit is
    not acknowledged, and nothing ends: what we send goes on.
    """
    sctp._inbound_streams_max = STREAMS
    sctp._advertised_rwnd = WINDOW_BYTES
    override(sctp, "getCapabilities", lambda: RTCSctpCapabilities(maxMessageSize=MESSAGE_MAX_BYTES))
    _count_past_the_wrap(sctp, _limit_streams(sctp, on_refused))
    _limit_chunks(sctp, on_refused)
    _limit_acknowledgements(sctp)
    _limit_channels(sctp, on_refused)


def _limit_streams(
    sctp: RTCSctpTransport, on_refused: Callable[[], None]
) -> Callable[[int], BoundedStream]:
    """Returns a function that finds or makes the stream with a number."""

    def get_inbound_stream(stream_id: int) -> BoundedStream:
        stream = sctp._inbound_streams.get(stream_id)
        if not isinstance(stream, BoundedStream):
            stream = BoundedStream(stream_id, on_refused)
            if stream_id < STREAMS:
                sctp._inbound_streams[stream_id] = stream
        return stream

    override(sctp, "_get_inbound_stream", get_inbound_stream)
    return get_inbound_stream


def _limit_chunks(sctp: RTCSctpTransport, on_refused: Callable[[], None]) -> None:
    def takes(chunk: DataChunk, last: int) -> bool:
        room = sctp._advertised_rwnd - len(chunk.user_data) - CHUNK_OVERHEAD_BYTES
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


def _count_past_the_wrap(sctp: RTCSctpTransport, stream_of: Callable[[int], BoundedStream]) -> None:
    """aiortc sorts what came behind a missing number as integers: a hole at 2^32 would stay one.

    It also sorts and filters all of it for each chunk.
    """

    def advance(last: int) -> None:
        """Move on from this number to the last one before the first missing number."""
        while (following := tsn_plus_one(last)) in sctp._sack_misordered:
            sctp._sack_misordered.remove(following)
            last = following
        sctp._last_received_tsn = last

    def mark_received(tsn: int) -> bool:
        """Note this number; returns whether it was received before."""
        last = sctp._last_received_tsn
        if last is None or uint32_gte(last, tsn) or tsn in sctp._sack_misordered:
            if len(sctp._sack_duplicates) < SACK_BLOCKS:
                sctp._sack_duplicates.append(tsn)
            return True
        sctp._sack_misordered.add(tsn)
        advance(last)
        return False

    async def receive_forward_tsn(chunk: ForwardTsnChunk) -> None:
        """What the other side gave up counts as received (RFC 3758, 3.6)."""
        sctp._sack_needed = True
        last = sctp._last_received_tsn
        if last is None or uint32_gte(last, chunk.cumulative_tsn):
            return
        sctp._sack_misordered = {
            tsn for tsn in sctp._sack_misordered if not uint32_gte(chunk.cumulative_tsn, tsn)
        }
        advance(chunk.cumulative_tsn)
        for stream_id, number in chunk.streams:
            stream = stream_of(stream_id)
            stream.skip_to(uint16_add(number, 1))
            for message in stream.pop_messages():
                await sctp._receive(*message)
        for each in sctp._inbound_streams.values():
            each.prune_chunks(chunk.cumulative_tsn)
        await sctp._reset_deferred_streams()

    override(sctp, "_mark_received", mark_received)
    override(sctp, "_receive_forward_tsn_chunk", receive_forward_tsn)


def _kept_bytes(sctp: RTCSctpTransport) -> int:
    """How much of the receive window the kept chunks take."""
    return sum(
        stream.cost
        for stream in sctp._inbound_streams.values()
        if isinstance(stream, BoundedStream)
    )


def _limit_acknowledgements(sctp: RTCSctpTransport) -> None:
    async def send_sack() -> None:
        """In place of aiortc's: with the real window, and small enough for one packet."""
        last = sctp._last_received_tsn
        if last is None:
            return
        sctp._advertised_rwnd = WINDOW_BYTES - _kept_bytes(sctp)
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
        if not opens and _is_readable(pp_id, data, stream_id in sctp._data_channels):
            await receive_as_aiortc(stream_id, pp_id, data)
        elif not opens:
            on_refused()
        elif stream_id in sctp._data_channels:
            on_refused()  # an open channel on that stream goes on
        elif len(sctp._data_channels) < CHANNELS and _opens_a_channel(data):
            await receive_as_aiortc(stream_id, pp_id, data)
        else:
            on_refused()
            await reset(stream_id)

    async def reset(stream_id: int) -> None:
        """Close a channel that was refused (RFC 8832, 6; RFC 8831, 6.7)."""
        waiting = sctp._reconfig_queue
        if (
            ReconfigChunk.type in sctp._remote_extensions
            and stream_id not in waiting
            and len(waiting) < RECONFIG_MAX_STREAMS
        ):
            waiting.append(stream_id)
            await sctp._transmit_reconfig()

    def when_open(original: Callable[[int], None]) -> Callable[[int], None]:
        """aiortc expects a channel on each stream that it reset."""

        def done(stream_id: int) -> None:
            if stream_id in sctp._data_channels:
                original(stream_id)
            else:
                sctp._data_channel_outbound_reset.discard(stream_id)

        return done

    receive_as_aiortc = override(sctp, "_data_channel_receive", receive)
    closed, reset_done = sctp._data_channel_closed, sctp._data_channel_reset
    override(sctp, "_data_channel_closed", when_open(closed))
    override(sctp, "_data_channel_reset", when_open(reset_done))


def _is_readable(pp_id: int, data: bytes, is_open: bool) -> bool:
    """Whether aiortc can pass it on: it raises at an ACK without a channel and at invalid UTF-8."""
    return is_open if pp_id == WEBRTC_DCEP else pp_id != WEBRTC_STRING or _is_utf8(data)


def _opens_a_channel(message: bytes) -> bool:
    """Whether it is a well-formed DATA_CHANNEL_OPEN with a short label (RFC 8832, 5.1)."""
    if not _OPEN_HEADER.size <= len(message) <= _OPEN_HEADER.size + LABEL_MAX_BYTES:
        return False
    label_bytes, protocol_bytes = _OPEN_HEADER.unpack_from(message)
    names = message[_OPEN_HEADER.size :]
    if label_bytes + protocol_bytes > len(names):
        return False
    label, protocol = names[:label_bytes], names[label_bytes : label_bytes + protocol_bytes]
    return _is_utf8(label) and _is_utf8(protocol)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
