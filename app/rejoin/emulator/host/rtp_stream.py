"""One outgoing RTP stream of the host, on aiortc's DTLS transport.

aiortc's RTCRtpSender is not used for sending: it keeps 128 packets for NACK and ignores PLI for
packets encoded elsewhere (measured, media.md). It only keeps its place in the SDP: `RtpStream`
sends with its SSRCs and receives the RTCP about them (`rtc/aiortc_seam`).
"""

from __future__ import annotations

import asyncio
import random
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiortc import RTCRtpSender
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpSendParameters
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpByePacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    unpack_remb_fci,
)

from rejoin import tasks
from rejoin.clock import Clock, boot_s
from rejoin.emulator.host.packet_history import PacketHistory
from rejoin.emulator.host.x264 import VIDEO_CLOCK_HZ
from rejoin.media.receive.transport_feedback import TRANSPORT_CC_URI
from rejoin.rtc import aiortc_seam

BURST_PACKETS = 16
"""Packets sent back to back before a pause of 1 ms. A key frame must not overflow a socket buffer
of 208 KiB, which is all that a stock Debian grants and which holds about 90 such packets."""
REPORT_EVERY_S = 1.0

_ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
_NTP_EPOCH_S = 2_208_988_800


@dataclass(slots=True)
class StreamCounters:
    """What one RTP stream has done since it started."""

    packets: int = 0
    octets: int = 0
    resent: int = 0
    nacked: int = 0
    key_frame_requests: int = 0
    rtt_s: float | None = None
    loss: float = 0.0


class RtpStream(aiortc_seam.RegisteredSender):
    """The outgoing RTP of one media section."""

    def __init__(
        self,
        sender: RTCRtpSender,
        *,
        clock_hz: int,
        epoch: float,
        clock: Clock = boot_s,
        next_number: Callable[[int, float], int] | None = None,
    ) -> None:
        """`epoch`: boot time of media time 0, the same for all streams of a connection.

        `next_number(size_bytes, now)`: the transport-wide sequence number of the next packet; None
        if the answer declined such feedback.
        """
        super().__init__(sender)
        self._sender = sender
        self._clock_hz, self._epoch, self._clock = clock_hz, epoch, clock
        # RTP time starts at a random value. The sequence number starts in the lower half, so that
        # the first wrap cannot be lost before SRTP has counted it (RFC 3711, 3.3.1).
        self._offset = random.getrandbits(32)
        self._sequence = random.getrandbits(15)
        self._rtx_sequence = random.getrandbits(15)
        self._codec: RTCRtpCodecParameters | None = None
        self._rtx_payload_type: int | None = None
        self._send_time_id: int | None = None
        self._number_id: int | None = None
        self._next_number = next_number
        self._cname = b""
        self._dtls: RTCDtlsTransport | None = None
        self._send_packet: aiortc_seam.PacketHandler | None = None
        self._reports: asyncio.Task[None] | None = None
        self._report_sent: tuple[int, float] | None = None
        self.history = PacketHistory()
        self.counters = StreamCounters()
        self.answers_nack = self.answers_pli = True
        self.stopped = False
        self._broken = False
        self.on_started: Callable[[], None] = lambda: None
        self.on_key_frame_requested: Callable[[], None] = lambda: None
        self.on_bitrate_requested: Callable[[int], None] = lambda _bps: None
        aiortc_seam.replace_sending(sender, send=self.start, stop=self.stop)

    @property
    def codec(self) -> RTCRtpCodecParameters | None:
        """The negotiated codec; None before the connection is up."""
        return self._codec

    @property
    def open(self) -> bool:
        return self._dtls is not None and not self.stopped and not self._broken

    async def start(self, parameters: RTCRtpSendParameters) -> None:
        """RTCPeerConnection calls this once DTLS is up, in place of `RTCRtpSender.send`."""
        if self._dtls is not None or self.stopped:
            return
        self._codec = parameters.codecs[0]
        for codec in parameters.codecs[1:]:
            if codec.name.lower() == "rtx" and (
                codec.parameters.get("apt") == self._codec.payloadType
            ):
                self._rtx_payload_type = codec.payloadType
        for extension in parameters.headerExtensions:
            if extension.uri == _ABS_SEND_TIME and 0 < extension.id < 15:
                self._send_time_id = extension.id
            if extension.uri == TRANSPORT_CC_URI and 0 < extension.id < 15:
                self._number_id = extension.id
        self._cname = (parameters.rtcp.cname or "").encode()
        self._dtls = self._sender.transport
        self._send_packet = aiortc_seam.rtp_sender(self._dtls)
        aiortc_seam.register_sender(self._dtls, self, parameters)
        self._reports = tasks.spawn(self._run_reports(), name="emulator-rtcp")
        self.on_started()

    async def stop(self) -> None:
        """Send RTCP BYE and then nothing more, in place of `RTCRtpSender.stop`."""
        if self.stopped:
            return
        self.stopped = True
        await tasks.cancel(self._reports)
        if self._dtls is not None:
            await self._put(bytes(RtcpByePacket(sources=[self.ssrc])))
            aiortc_seam.unregister_sender(self._dtls, self)
        self.history.clear()

    async def send(self, payloads: Sequence[bytes], media_time: int) -> None:
        """Send one frame: the marker on its last packet, a short pause after each burst.

        `media_time`: in units of the stream's clock, since the epoch.
        """
        if self._codec is None:
            return
        timestamp = (self._offset + media_time) & 0xFFFFFFFF
        for index, payload in enumerate(payloads):
            if not self.open:
                return
            if index and index % BURST_PACKETS == 0:
                await asyncio.sleep(0.001)
            now = self._clock()
            # Opus packets carry no marker within a talk spurt (RFC 7587, 4.1).
            last = index == len(payloads) - 1 and self._clock_hz == VIDEO_CLOCK_HZ
            packet = self._header(last, timestamp, len(payload), now) + payload
            self.history.add(self._sequence, packet, now)
            self._sequence = (self._sequence + 1) & 0xFFFF
            self.counters.packets += 1
            self.counters.octets += len(payload)
            await self._put(packet)

    def _header(self, marker: bool, timestamp: int, size_bytes: int, now: float) -> bytes:
        assert self._codec is not None
        extension = self._extension(size_bytes, now)
        first = 0x90 if extension else 0x80
        second = (self._codec.payloadType or 0) | (0x80 if marker else 0)
        header = struct.pack("!BBHII", first, second, self._sequence, timestamp, self._ssrc)
        return header + extension

    def _extension(self, size_bytes: int, now: float) -> bytes:
        """The header extension of a packet that is sent now: RFC 8285, one-byte form."""
        elements = b""
        if self._send_time_id is not None:
            elements += bytes((self._send_time_id << 4 | 2,)) + _send_time(now)
        if self._number_id is not None and self._next_number is not None:
            number = self._next_number(size_bytes, now)
            elements += struct.pack("!BH", self._number_id << 4 | 1, number)
        if not elements:
            return b""
        elements += bytes(-len(elements) % 4)
        return struct.pack("!HH", 0xBEDE, len(elements) // 4) + elements

    async def _put(self, data: bytes) -> None:
        if self._send_packet is None:
            return
        try:
            await self._send_packet(data)
        except ConnectionError:
            # The connection is closing, which its owner notices by itself.
            self._broken = True

    async def on_rtcp(self, packet: AnyRtcpPacket) -> None:
        match packet:
            case RtcpRrPacket() | RtcpSrPacket():
                self._read_reports(packet)
            case RtcpRtpfbPacket(fmt=fmt, lost=lost) if fmt == RTCP_RTPFB_NACK:
                await self._resend(lost)
            case RtcpPsfbPacket(fmt=fmt) if fmt == RTCP_PSFB_PLI:
                if self.answers_pli:
                    self.key_frame_requested()
            case RtcpPsfbPacket(fmt=fmt, fci=fci) if fmt == RTCP_PSFB_APP:
                try:
                    bitrate_bps, ssrcs = unpack_remb_fci(fci)
                except (ValueError, struct.error):
                    return
                if self.ssrc in ssrcs:
                    self.on_bitrate_requested(bitrate_bps)
            case _:
                pass

    def key_frame_requested(self) -> None:
        """The client asks for a key frame."""
        self.counters.key_frame_requests += 1
        self.on_key_frame_requested()

    async def _resend(self, lost: Sequence[int]) -> None:
        now = self._clock()
        self.counters.nacked += len(lost)
        if not self.answers_nack:
            return
        for sequence in lost:
            packet = self.history.find(sequence & 0xFFFF, now)
            if packet is None:
                continue
            self.counters.resent += 1
            await self._put(packet if self._rtx_payload_type is None else self._as_rtx(packet))

    def _as_rtx(self, packet: bytes) -> bytes:
        """The packet as one of the retransmission stream (RFC 4588)."""
        assert self._rtx_payload_type is not None
        head = 12 if not packet[0] & 0x10 else 16 + 4 * int.from_bytes(packet[14:16])
        # send time and number are those of the retransmission, not of the first transmission
        extension = self._extension(len(packet) - head + 2, self._clock())
        wrapped = (
            packet[:1]
            + bytes(((packet[1] & 0x80) | self._rtx_payload_type,))
            + self._rtx_sequence.to_bytes(2)
            + packet[4:8]
            + self.rtx_ssrc.to_bytes(4)
            + extension
            + packet[2:4]
            + packet[head:]
        )
        self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        return wrapped

    def _read_reports(self, packet: RtcpRrPacket | RtcpSrPacket) -> None:
        for report in packet.reports:
            if report.ssrc != self.ssrc:
                continue
            self.counters.loss = report.fraction_lost / 256
            if self._report_sent is not None and report.lsr == self._report_sent[0]:
                rtt_s = self._clock() - self._report_sent[1] - report.dlsr / 65536
                self.counters.rtt_s = max(0.0, rtt_s)

    async def _run_reports(self) -> None:
        while self.open:
            if self.counters.packets:
                now = self._clock()
                ntp = ntp_time(now, self._clock)
                info = RtcpSenderInfo(
                    ntp_timestamp=ntp,
                    rtp_timestamp=(self._offset + int((now - self._epoch) * self._clock_hz))
                    & 0xFFFFFFFF,
                    packet_count=self.counters.packets & 0xFFFFFFFF,
                    octet_count=self.counters.octets & 0xFFFFFFFF,
                )
                name = RtcpSourceInfo(ssrc=self.ssrc, items=[(1, self._cname)])
                self._report_sent = (ntp >> 16 & 0xFFFFFFFF, now)
                await self._put(
                    bytes(RtcpSrPacket(ssrc=self.ssrc, sender_info=info))
                    + bytes(RtcpSdesPacket(chunks=[name]))
                )
                await asyncio.sleep(REPORT_EVERY_S * random.uniform(0.8, 1.2))
            else:
                await asyncio.sleep(0.05)


def _send_time(now: float) -> bytes:
    """abs-send-time: 24 bits, seconds in 6.18 fixed point."""
    return (int(now * (1 << 18)) & 0xFFFFFF).to_bytes(3)


_wall_offset: list[float] = []


def ntp_time(at: float, clock: Clock = boot_s) -> int:
    """A boot time as 64-bit NTP time. The offset is read once, so no report shows a clock step."""
    if not _wall_offset:
        _wall_offset.append(time.time() - clock())
    return int((at + _wall_offset[0] + _NTP_EPOCH_S) * (1 << 32))
