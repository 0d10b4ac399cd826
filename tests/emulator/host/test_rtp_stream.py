"""One outgoing RTP stream: headers, retransmissions, reports, and the requests it passes on."""

from __future__ import annotations

import asyncio
import struct

import pytest
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_PLI,
    HeaderExtensionsMap,
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpSrPacket,
    RtpPacket,
    pack_remb_fci,
    unwrap_rtx,
)

from helpers.rtp_streams import (
    ManualClock,
    a_nack,
    a_stream,
    extensions,
    parameters,
)
from rejoin import tasks


async def test_frames_become_numbered_packets_with_one_marker() -> None:
    clock = ManualClock()
    stream, transport = a_stream(clock)
    await stream.send([b"early"], 0)
    assert transport.sent == []  # nothing before the start
    await stream.start(parameters(send_time=True))
    await stream.send([b"a" * 10, b"b" * 20, b"c" * 30], 3000)
    await stream.send([b"d"], 4500)
    extensions = HeaderExtensionsMap()
    extensions.configure(parameters(send_time=True))
    packets = [RtpPacket.parse(data, extensions) for data in transport.rtp]
    assert [packet.marker for packet in packets] == [0, 0, 1, 1]
    first = packets[0].sequence_number
    assert first < 32768
    assert [(packet.sequence_number - first) & 0xFFFF for packet in packets] == [0, 1, 2, 3]
    assert packets[0].timestamp == packets[2].timestamp
    assert (packets[3].timestamp - packets[2].timestamp) & 0xFFFFFFFF == 1500
    assert {packet.ssrc for packet in packets} == {1111}
    assert [packet.payload for packet in packets][:2] == [b"a" * 10, b"b" * 20]
    assert packets[0].extensions.abs_send_time == int(1000.0 * (1 << 18)) & 0xFFFFFF
    await stream.stop()
    assert isinstance(RtcpPacket.parse(transport.sent[-1])[0], RtcpByePacket)
    assert transport.senders == []
    count = len(transport.sent)
    await stream.send([b"late"], 6000)
    await stream.stop()
    assert len(transport.sent) == count


async def test_a_stream_that_has_stopped_keeps_no_packet() -> None:
    """Up to 8 MB, which else stays until the garbage collector finds the connection."""
    stream, _ = a_stream(ManualClock())
    await stream.start(parameters())
    await stream.send([b"a" * 1000] * 20, 3000)
    assert stream.history.bytes > 20_000
    await stream.stop()
    assert (len(stream.history), stream.history.bytes) == (0, 0)


@pytest.mark.parametrize("rtx", [False, True])
async def test_lost_packets_are_sent_again(rtx: bool) -> None:
    clock = ManualClock()
    stream, transport = a_stream(clock)
    await stream.start(parameters(rtx=rtx, send_time=rtx))
    await stream.send([b"zero", b"one", b"two"], 3000)
    sent = [RtpPacket.parse(data) for data in transport.rtp]
    clock.now += 0.050
    lost = [sent[0].sequence_number, sent[2].sequence_number, (sent[0].sequence_number - 9)]
    await stream.on_rtcp(a_nack(lost))
    again = [RtpPacket.parse(data, extensions()) for data in transport.rtp[3:]]
    assert len(again) == 2
    if rtx:
        assert {packet.ssrc for packet in again} == {2222}
        assert {packet.payload_type for packet in again} == {103}
        assert again[1].sequence_number == (again[0].sequence_number + 1) & 0xFFFF
        stamps = [each.extensions.abs_send_time for each in again]
        assert stamps == [int(clock.now * (1 << 18)) & 0xFFFFFF] * 2, (
            "the time of the retransmission"
        )
        again = [unwrap_rtx(packet, payload_type=102, ssrc=1111) for packet in again]
    for packet, original in zip(again, (sent[0], sent[2]), strict=True):
        assert packet.payload == original.payload
        assert packet.sequence_number == original.sequence_number
        assert packet.timestamp == original.timestamp
        assert packet.marker == original.marker
    # requested twice at once: sent once; requested too late: not at all
    await stream.on_rtcp(a_nack(lost))
    clock.now += 1.5
    await stream.on_rtcp(a_nack(lost))
    assert len(transport.rtp) == 5
    assert stream.counters.resent == 2
    await stream.stop()


@pytest.mark.parametrize("send_time", [False, True])
async def test_every_packet_has_the_next_transport_wide_number(send_time: bool) -> None:
    clock = ManualClock()
    sizes: list[int] = []

    def next_number(size_bytes: int, now: float) -> int:
        sizes.append(size_bytes)
        return 500 + len(sizes)

    stream, transport = a_stream(clock, next_number)
    terms = parameters(rtx=True, send_time=send_time, numbers=True)
    await stream.start(terms)
    await stream.send([b"zero", b"one"], 3000)
    clock.now += 0.050
    first = RtpPacket.parse(transport.rtp[0]).sequence_number
    await stream.on_rtcp(a_nack([first]))
    known = HeaderExtensionsMap()
    known.configure(terms)
    packets = [RtpPacket.parse(data, known) for data in transport.rtp]
    numbers = [packet.extensions.transport_sequence_number for packet in packets]
    assert numbers == [501, 502, 503], "the retransmission has a number of its own"
    assert packets[2].payload == first.to_bytes(2) + b"zero"
    assert sizes == [4, 3, 6]
    times = {packet.extensions.abs_send_time is not None for packet in packets}
    assert times == {send_time}
    await stream.stop()


async def test_reports_carry_one_clock_for_both_streams() -> None:
    clock = ManualClock()
    stream, transport = a_stream(clock)
    await stream.start(parameters())
    clock.now = 1002.0
    await stream.send([b"payload"], 180_000)
    timestamp = RtpPacket.parse(transport.rtp[0]).timestamp
    for _ in range(12_000):
        if transport.rtcp:
            break
        await asyncio.sleep(0.005)
    report = RtcpPacket.parse(transport.rtcp[0])[0]
    assert isinstance(report, RtcpSrPacket)
    assert report.sender_info.rtp_timestamp == timestamp  # both mean 2 s after the epoch
    assert (report.sender_info.packet_count, report.sender_info.octet_count) == (1, 7)
    clock.now = 1002.080
    lsr = report.sender_info.ntp_timestamp >> 16 & 0xFFFFFFFF
    seen = RtcpReceiverInfo(1111, 64, 0, 0, 0, lsr, round(0.030 * 65536))
    await stream.on_rtcp(RtcpRrPacket(ssrc=9, reports=[seen]))
    assert stream.counters.rtt_s == pytest.approx(0.050, abs=0.001)
    assert stream.counters.loss == 0.25
    await stream.stop()


async def test_key_frame_and_bitrate_requests_are_passed_on() -> None:
    stream, transport = a_stream(ManualClock())
    keys: list[None] = []
    rates: list[int] = []
    stream.on_key_frame_requested = lambda: keys.append(None)
    stream.on_bitrate_requested = rates.append
    await stream.start(parameters())
    for stream.answers_pli in (True, False):
        await stream.on_rtcp(RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=9, media_ssrc=1111))
    for fci in (pack_remb_fci(2_000_000, [1111]), pack_remb_fci(5, [77]), b"REMB", b"other"):
        await stream.on_rtcp(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=9, media_ssrc=0, fci=fci))
    assert len(keys) == 1
    assert len(rates) == 1
    assert rates[0] == pytest.approx(2_000_000, rel=0.01)
    transport.broken = True
    await stream.send([b"x"], 0)
    assert not stream.open
    await stream.stop()
    assert not tasks.alive()
    assert transport.senders == []


async def test_rtp_header_bits() -> None:
    """What RtpPacket.parse does not check: version 2, no padding, payload type in seven bits."""

    stream, transport = a_stream(ManualClock())
    await stream.start(parameters())
    await stream.send([b"x"], 0)
    first, second = struct.unpack_from("!BB", transport.rtp[0])
    assert (first, second) == (0x80, 0x80 | 102)
    await stream.stop()
