"""What a hostile peer can make SCTP keep, measured; and that an honest one notices nothing."""

from __future__ import annotations

import random
import struct
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiortc import RTCPeerConnection
from aiortc.rtcsctptransport import (
    DATA_CHANNEL_ACK,
    DATA_CHANNEL_OPEN,
    SCTP_MAX_PACKET_LENGTH,
    WEBRTC_DCEP,
    WEBRTC_STRING,
    Chunk,
    DataChunk,
    ForwardTsnChunk,
    ReconfigChunk,
    SackChunk,
    StreamResetOutgoingParam,
    StreamResetResponseParam,
    parse_packet,
    serialize_packet,
)

from helpers.sctp_floods import FIRST, LAST, UNORDERED, WHOLE, Several, bundled, opening
from helpers.sctp_floods import data as chunk_of
from rejoin.rtc.sctp_limits import (
    CHANNELS,
    LABEL_MAX_BYTES,
    WINDOW_BYTES,
    limit_inbound,
)
from rejoin.rtc.sctp_reassembly import MESSAGE_MAX_BYTES

FRAGMENT_BYTES = 8_000
"""More than fits into a packet, so that a flood needs few chunks."""
CHUNKS = 1_600
"""As many fragments are 12 MiB."""
BUNDLE = 500
"""Chunks in a packet, where they are small."""
LIMIT_BYTES = 8 * 1024 * 1024
CHANNEL = 1


def data(tsn: int, flags: int, payload: bytes | None = None, **fields: int) -> DataChunk:
    filler = bytes(FRAGMENT_BYTES) if payload is None else payload
    return chunk_of(tsn, flags, filler, **{"stream": CHANNEL, **fields})


class Association:
    """An association that is up, without a network: the test is the other side."""

    def __init__(self, *, limited: bool = True, next_tsn: int = 2**31 - 10) -> None:
        self.pc = RTCPeerConnection()
        self.channel = self.pc.createDataChannel("x", negotiated=True, id=CHANNEL)
        sctp: Any = self.pc.sctp
        self.sctp: Any = sctp
        self.refused = 0
        self.received: list[bytes] = []
        self.packets: list[bytes] = []
        self.resets: list[StreamResetOutgoingParam] = []
        """What it asked the other side to reset."""
        self.failures = 0
        self.channel.on("message", self.received.append)
        if limited:
            limit_inbound(self.sctp, self._count_refused)
        self.sctp._association_state = self.sctp.State.ESTABLISHED
        self.next_tsn = next_tsn
        self.sctp._last_received_tsn = (next_tsn - 1) % 2**32
        self.sctp._remote_extensions = [ReconfigChunk.type]
        self.sctp._remote_port = 5000
        self.sctp.transport._send_data = self._send

    async def _send(self, packet: bytes) -> None:
        self.packets.append(packet)
        del self.packets[:-1]
        for chunk in parse_packet(packet)[3]:
            if isinstance(chunk, ReconfigChunk):
                self.resets += [
                    StreamResetOutgoingParam.parse(value)
                    for kind, value in chunk.params
                    if kind == 13
                ]

    def _count_refused(self) -> None:
        self.refused += 1

    async def send(self, chunk: Chunk) -> None:
        """One packet arrives."""
        packet = serialize_packet(5000, 5000, self.sctp._local_verification_tag, chunk)
        try:
            await self.sctp._handle_data(packet)
        except (AssertionError, ValueError, struct.error):
            self.failures += 1

    @property
    def sack(self) -> SackChunk:
        """The last packet that it sent."""
        (chunk,) = parse_packet(self.packets[-1])[3]
        assert isinstance(chunk, SackChunk)
        return chunk


@asynccontextmanager
async def association(
    *, limited: bool = True, next_tsn: int = 2**31 - 10
) -> AsyncIterator[Association]:
    there = Association(limited=limited, next_tsn=next_tsn)
    yield there
    there.sctp._association_state = there.sctp.State.CLOSED
    await there.pc.close()


# --- floods ---------------------------------------------------------------------------------------


def never_ending(tsn: int) -> Iterator[Chunk]:
    yield data(tsn, FIRST)
    for ahead in range(1, CHUNKS):
        yield data(tsn + ahead, 0)


def never_ending_unordered(tsn: int) -> Iterator[Chunk]:
    yield data(tsn, FIRST | UNORDERED)
    for ahead in range(1, CHUNKS):
        yield data(tsn + ahead, UNORDERED)


def beginnings(tsn: int) -> Iterator[Chunk]:
    for ahead in range(CHUNKS):
        yield data(tsn + ahead, FIRST | UNORDERED)


def without_a_beginning(tsn: int) -> Iterator[Chunk]:
    for ahead in range(CHUNKS):
        yield data(tsn + ahead, 0)


def every_other_number(tsn: int) -> Iterator[Chunk]:
    for ahead in range(1, 2 * CHUNKS, 2):
        yield data(tsn + ahead, FIRST)


def numbers_anywhere(tsn: int) -> Iterator[Chunk]:
    chance = random.Random(17)
    for _ in range(CHUNKS):
        yield data(tsn + chance.randrange(2**31), FIRST | UNORDERED)


def tiny_fragments(tsn: int) -> Iterator[Chunk]:
    fragments = (data(tsn + ahead, UNORDERED, b"x") for ahead in range(30_000))
    yield from bundled(fragments, BUNDLE)


def every_stream(tsn: int) -> Iterator[Chunk]:
    for ahead in range(CHUNKS):
        yield data(tsn + ahead, FIRST, stream=ahead * 2)


def messages_in_the_wrong_order(tsn: int) -> Iterator[Chunk]:
    for ahead in range(CHUNKS):
        yield data(tsn + ahead, WHOLE, number=1 + ahead % 30_000)


def whole_messages_behind_a_hole(tsn: int) -> Iterator[Chunk]:
    messages = (data(tsn + ahead, WHOLE | UNORDERED, b"x") for ahead in range(1, 9_000))
    yield from bundled(messages, BUNDLE)


def skipped_streams(tsn: int) -> Iterator[Chunk]:
    for ahead in range(64):
        skip = ForwardTsnChunk()
        skip.cumulative_tsn = (tsn + ahead) % 2**32
        skip.streams = [(ahead * 1024 + each, 1) for each in range(1024)]
        yield skip


def channels(tsn: int) -> Iterator[Chunk]:
    opened = (
        data(tsn + ahead, WHOLE, opening(b"x"), stream=2 + ahead * 2, protocol=WEBRTC_DCEP)
        for ahead in range(4_000)
    )
    yield from bundled(opened, BUNDLE)


def long_labels(tsn: int) -> Iterator[Chunk]:
    number = tsn
    for stream in range(2, 402, 2):
        message = opening(bytes([97]) * 50_000)
        pieces = [message[at : at + 8000] for at in range(0, len(message), 8000)]
        for piece in pieces:
            flags = FIRST * (piece is pieces[0]) | LAST * (piece is pieces[-1])
            yield data(number, flags, piece, stream=stream, protocol=WEBRTC_DCEP)
            number += 1


FLOODS: tuple[Callable[[int], Iterator[Chunk]], ...] = (
    never_ending,
    never_ending_unordered,
    beginnings,
    without_a_beginning,
    every_other_number,
    numbers_anywhere,
    tiny_fragments,
    every_stream,
    messages_in_the_wrong_order,
    whole_messages_behind_a_hole,
    skipped_streams,
    channels,
    long_labels,
)


@pytest.mark.parametrize("flood", FLOODS, ids=lambda flood: flood.__name__)
async def test_a_flood_leaves_less_than_8_mib(flood: Callable[[int], Iterator[Chunk]]) -> None:
    async with association() as there:
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for chunk in flood(there.next_tsn):
                await there.send(chunk)
            kept = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        assert kept < LIMIT_BYTES
        assert len(there.packets[-1]) <= SCTP_MAX_PACKET_LENGTH
        assert there.failures == 0


async def test_the_same_chunk_a_thousand_times_in_a_packet_is_reported_in_one_packet() -> None:
    async with association() as there:
        await there.send(Several([data(there.next_tsn, WHOLE, b"abcd")] * 800))
        assert len(there.packets[-1]) <= SCTP_MAX_PACKET_LENGTH
        assert there.received == [b"abcd"]


# --- honest peers ---------------------------------------------------------------------------------


def message(tsn: int, number: int, size: int) -> list[DataChunk]:
    pieces = range(0, size, FRAGMENT_BYTES)
    return [
        data(
            tsn + index,
            FIRST * (index == 0) | LAST * (index == len(pieces) - 1),
            bytes(min(FRAGMENT_BYTES, size - at)),
            number=number,
        )
        for index, at in enumerate(pieces)
    ]


async def test_a_message_of_64_kib_arrives_and_a_longer_one_is_passed_over() -> None:
    async with association() as there:
        tsn = there.next_tsn
        for number, size in enumerate((MESSAGE_MAX_BYTES, MESSAGE_MAX_BYTES + 1, 300_000, 5)):
            for chunk in message(tsn, number, size):
                await there.send(chunk)
                tsn += 1
        assert [len(each) for each in there.received] == [MESSAGE_MAX_BYTES, 5]
        assert there.refused == 2
        assert there.sack.cumulative_tsn == (tsn - 1) % 2**32
        assert there.sack.advertised_rwnd == WINDOW_BYTES


@pytest.mark.parametrize("seed", range(5))
async def test_a_long_message_in_any_order_is_passed_over(seed: int) -> None:
    chance = random.Random(seed)
    async with association() as there:
        chunks = message(there.next_tsn, 0, 200_000)
        chunks += message(there.next_tsn + len(chunks), 1, 3_000)
        chance.shuffle(chunks)
        for chunk in chunks:
            await there.send(chunk)
        assert [len(each) for each in there.received] == [3_000]
        assert there.sack.gaps == []
        assert there.sack.advertised_rwnd == WINDOW_BYTES


async def test_what_one_lost_chunk_holds_up_fills_the_window_and_is_delivered_whole() -> None:
    async with association() as there:
        tsn = there.next_tsn
        sent = 1
        while there.refused == 0:
            await there.send(data(tsn + sent, WHOLE, number=sent))
            sent += 1
        assert there.sack.cumulative_tsn == (tsn - 1) % 2**32
        assert there.sack.advertised_rwnd < 2 * FRAGMENT_BYTES
        assert sent > 100
        await there.send(data(tsn, WHOLE, number=0))
        assert len(there.received) == sent - 1
        assert there.sack.advertised_rwnd == WINDOW_BYTES
        await there.send(data(tsn + sent - 1, WHOLE, number=sent - 1))
        assert len(there.received) == sent


async def test_a_reset_stream_gives_its_part_of_the_window_back() -> None:
    async with association() as there:
        await there.send(data(there.next_tsn, FIRST, stream=8))
        assert there.sack.advertised_rwnd < WINDOW_BYTES
        there.sctp._inbound_streams.pop(8)  # as a reset does
        await there.send(data(there.next_tsn + 1, WHOLE, b"x"))
        assert there.sack.advertised_rwnd == WINDOW_BYTES


async def test_gaps_and_duplicates_are_reported_as_they_are() -> None:
    async with association() as there:
        tsn = there.next_tsn
        for ahead in (2, 3, 5, 5):
            await there.send(data(tsn + ahead, FIRST | UNORDERED))
        assert there.sack.gaps == [(3, 4), (6, 6)]
        assert there.sack.duplicates == [(tsn + 5) % 2**32]


# --- numbers that wrap ---


@pytest.mark.parametrize("missing", [2**32 - 2, 2**32 - 1, 2**32, 2**32 + 1])
async def test_a_hole_at_the_wrap_of_the_numbers_is_filled(missing: int) -> None:
    """aiortc sorts 0 before 4294967295 and acknowledges nothing behind the hole any more."""
    first = 2**32 - 4
    async with association(next_tsn=first) as there:
        numbers = [each for each in range(first, first + 8) if each != missing]
        for tsn in numbers:
            await there.send(data(tsn, WHOLE, b"%d" % tsn, number=tsn - first))
        assert there.sack.cumulative_tsn == (missing - 1) % 2**32
        await there.send(data(missing, WHOLE, b"%d" % missing, number=missing - first))
        assert there.sack.cumulative_tsn == (first + 7) % 2**32
        assert there.sack.gaps == []
        assert there.received == [b"%d" % tsn for tsn in range(first, first + 8)]


@pytest.mark.parametrize("given_up", [2**32 - 2, 2**32 - 1, 2**32])
async def test_what_was_given_up_at_the_wrap_holds_nothing_up(given_up: int) -> None:
    first = 2**32 - 3
    async with association(next_tsn=first) as there:
        for tsn in range(first, first + 6):
            if tsn != given_up:
                await there.send(data(tsn, WHOLE, b"%d" % tsn, number=tsn - first))
        skip = ForwardTsnChunk()
        skip.cumulative_tsn = given_up % 2**32
        skip.streams = [(CHANNEL, given_up - first)]
        await there.send(skip)
        assert there.sack.cumulative_tsn == (first + 5) % 2**32
        assert there.sack.gaps == []
        assert len(there.received) == 5


async def test_ordered_messages_pass_the_wrap_of_their_stream_s_numbers() -> None:
    async with association(next_tsn=2**32 - 3) as there:
        tsn = there.next_tsn
        there.sctp._get_inbound_stream(CHANNEL).sequence_number = 2**16 - 2
        for ahead in (0, 2, 3, 4, 1):
            await there.send(
                data(tsn + ahead, WHOLE, b"%d" % ahead, number=(65_534 + ahead) % 65_536)
            )
        assert there.received == [b"0", b"1", b"2", b"3", b"4"]


# --- acknowledgements and channels ----------------------------------------------------------------


async def test_an_acknowledgement_of_what_was_never_sent_is_not_worked_through() -> None:
    """aiortc counts through each block: 280 blocks of 65,535 numbers hold up its loop for seconds,
    and a number never sent makes it pass over every acknowledgement after it."""
    async with association() as there:
        there.channel._setReadyState("open")
        there.channel.send(b"one")
        there.channel.send(b"two")
        await there.sctp._data_channel_flush()
        before = there.sctp._last_sacked_tsn
        seen: list[list[tuple[int, int]]] = []
        for cumulative, gaps in (
            (before, [(2, 65_535)] * 280),
            (before, [(2, 2), (2, 2), (1, 1)]),
            (before + 3000, []),
        ):
            sack = SackChunk()
            sack.cumulative_tsn, sack.gaps = cumulative % 2**32, gaps
            await there.sctp._receive_chunk(sack)
            seen.append(sack.gaps)
        assert seen[:2] == [[], [(2, 2)]]
        assert there.sctp._last_sacked_tsn == before


async def test_a_bounded_number_of_channels_with_short_labels_is_opened() -> None:
    async with association() as there:
        tsn = there.next_tsn
        labels = (b"a" * LABEL_MAX_BYTES, b"b" * (LABEL_MAX_BYTES + 1), *[b"c"] * CHANNELS)
        for index, label in enumerate(labels):
            stream = 2 + 2 * index
            opened = opening(label)
            await there.send(data(tsn + index, WHOLE, opened, stream=stream, protocol=WEBRTC_DCEP))
        assert len(there.sctp._data_channels) == CHANNELS
        assert {len(each.label) for each in there.sctp._data_channels.values()} == {
            1,
            LABEL_MAX_BYTES,
        }
        assert there.refused == 1 + len(labels) - CHANNELS


TOO_LONG = opening(b"b" * (LABEL_MAX_BYTES + 1))
NOT_UTF8 = opening(b"\xff\xfe")
CUT = opening(b"label")[:-2]
NO_HEADER = bytes([DATA_CHANNEL_OPEN, 0, 0])


async def answered(there: Association, result: int = 1) -> None:
    """The other side answers the newest request to reset."""
    answer = ReconfigChunk()
    answer.params.append(
        (16, bytes(StreamResetResponseParam(there.resets[-1].request_sequence, result)))
    )
    await there.send(answer)


@pytest.mark.parametrize("message", [TOO_LONG, NOT_UTF8, CUT, NO_HEADER])
async def test_the_stream_of_a_channel_that_is_refused_is_reset(message: bytes) -> None:
    """RFC 8832, 6 and RFC 8831, 6.7: the other side sees its channel closed, not open for ever."""
    async with association() as there:
        await there.send(data(there.next_tsn, WHOLE, message, stream=8, protocol=WEBRTC_DCEP))
        assert (there.refused, there.failures) == (1, 0)
        assert [each.streams for each in there.resets] == [[8]]
        await answered(there)
        assert there.failures == 0
        # the stream can be used again, and what is open beside it goes on
        again = data(
            there.next_tsn + 1, WHOLE, opening(b"c"), stream=8, protocol=WEBRTC_DCEP, number=1
        )
        await there.send(again)
        assert there.sctp._data_channels[8].label == "c"
        await there.send(data(there.next_tsn + 2, WHOLE, b"on"))
        assert there.received == [b"on"]


async def test_several_refused_channels_are_reset_one_request_after_the_other() -> None:
    async with association() as there:
        tsn = there.next_tsn
        for ahead in range(4):
            refused = data(tsn + ahead, WHOLE, TOO_LONG, stream=8 + ahead, protocol=WEBRTC_DCEP)
            await there.send(refused)
        assert [each.streams for each in there.resets] == [[8]]
        await answered(there)
        assert [each.streams for each in there.resets] == [[8], [9, 10, 11]]
        await answered(there, result=2)  # denied
        assert there.failures == 0
        assert there.sctp._reconfig_request is None


async def test_a_second_open_on_a_channel_that_is_open_resets_nothing() -> None:
    async with association() as there:
        await there.send(data(there.next_tsn, WHOLE, opening(b"x"), protocol=WEBRTC_DCEP))
        await there.send(data(there.next_tsn + 1, WHOLE, b"on", number=1))
        assert (there.refused, there.resets, there.received) == (1, [], [b"on"])


async def test_nothing_is_reset_at_a_peer_that_cannot_and_a_flood_waits_in_a_bounded_queue() -> (
    None
):
    async with association() as there:
        there.sctp._remote_extensions = []
        tsn = there.next_tsn
        await there.send(data(tsn, WHOLE, TOO_LONG, stream=8, protocol=WEBRTC_DCEP))
        assert there.resets == []
        there.sctp._remote_extensions = [ReconfigChunk.type]
        for ahead in range(1, 600):
            refused = data(tsn + ahead, WHOLE, CUT, stream=8 + ahead, protocol=WEBRTC_DCEP)
            await there.send(refused)
        assert len(there.resets) == 1
        assert len(there.sctp._reconfig_queue) <= 135


async def test_a_message_that_cannot_be_read_holds_up_none_behind_it() -> None:
    """An exception in the middle of a packet would drop the chunks behind it."""
    async with association() as there:
        tsn = there.next_tsn
        await there.send(
            Several(
                [
                    data(tsn, WHOLE, b"\xff", protocol=WEBRTC_STRING),
                    data(tsn + 1, WHOLE, bytes([DATA_CHANNEL_ACK]), stream=9, protocol=WEBRTC_DCEP),
                    data(tsn + 2, WHOLE, b"on", number=1),
                ]
            )
        )
        assert (there.received, there.failures, there.refused) == ([b"on"], 0, 2)


async def test_the_limit_of_a_message_is_announced() -> None:
    pc = RTCPeerConnection()
    pc.createDataChannel("x")
    assert pc.sctp is not None
    limit_inbound(pc.sctp, lambda: None)
    sdp = (await pc.createOffer()).sdp
    await pc.close()
    assert "a=max-message-size:65536\r\n" in sdp
