"""Our own RTP receivers behind aiortc's `RtpReceiver` protocol: packets in, whole frames out.

The pure parts come first and are told the time: `VideoAssembly` (order, loss, retransmission
requests, whole frames), `KeyFrameRequests` (when to ask for a key frame), `AudioOrder` and
`Reception` (RFC 3550 statistics). `VideoReceiver` and `AudioReceiver` connect them to a DTLS
transport; `install` puts one in place of an `RTCRtpReceiver`'s own receiving.

Limits of this form: no RTX, no FEC, and no bandwidth estimate is sent, so none is offered.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters
from aiortc.rtcrtpreceiver import RTCRtpReceiver
from aiortc.rtp import (
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpByePacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    RtpPacket,
)

from rejoin.clock import Clock
from rejoin.rtc.transport import override
from rejoin.tasks import cancel, spawn

DEADLINE_MIN_S = 0.150
DEADLINE_MAX_S = 0.500
"""A missing packet is waited for this long, longer with the round trip (media.md)."""

NACK_EVERY_MIN_S = 0.050
KEY_FRAME_EVERY_S = 0.300
KEY_FRAME_ANSWER_S = 1.0
"""A key frame this soon after we asked for one was the answer to it."""

JUMP_PACKETS = 500
"""More packets missing at once than this: an outage; nothing of it is asked for again."""

START_PACKETS = 64
"""How far before the first packet that arrived the stream may really have begun."""

MISORDER_PACKETS = 3000
"""Further back than this is not late but a new start (RFC 3550, MAX_MISORDER, wider)."""

BUFFER_BYTES = 8 * 1024 * 1024
AUDIO_DEPTH = 3
AUDIO_WAIT_S = 0.060
_VIDEO_CLOCK_HZ = 90_000
_AUDIO_CLOCK_HZ = 48_000

_START_CODE = b"\0\0\0\1"
_NAL_IDR = 5
_NAL_SPS = 7
_STAP_A = 24
_FU_A = 28


# --- pure: H.264 payloads (RFC 6184) ------------------------------------------------------------


def depacketize(payloads: Iterable[bytes]) -> tuple[bytes, bool]:
    """Payloads of one frame as an Annex B stream, and whether it holds a key frame.

    Single NAL units, STAP-A and FU-A are read; whatever else or whatever is cut short is left out.
    """
    stream = bytearray()
    key = False
    in_fragment = False
    for payload in payloads:
        if not payload:
            continue
        kind = payload[0] & 0x1F
        if 1 <= kind <= 23:
            in_fragment = False
            stream += _START_CODE
            stream += payload
            key = key or kind in (_NAL_IDR, _NAL_SPS)
        elif kind == _STAP_A:
            in_fragment = False
            at = 1
            while at + 2 < len(payload):
                size = int.from_bytes(payload[at : at + 2], "big")
                unit = payload[at + 2 : at + 2 + size]
                at += 2 + size
                if size == 0 or len(unit) < size:
                    break
                stream += _START_CODE
                stream += unit
                key = key or unit[0] & 0x1F in (_NAL_IDR, _NAL_SPS)
        elif kind == _FU_A and len(payload) > 2:
            header = payload[1]
            if header & 0x80:
                in_fragment = True
                stream += _START_CODE
                stream.append(payload[0] & 0xE0 | header & 0x1F)
                key = key or header & 0x1F in (_NAL_IDR, _NAL_SPS)
            if in_fragment:
                stream += payload[2:]
            if header & 0x40:
                in_fragment = False
    return bytes(stream), key


def begins_inside_unit(payload: bytes) -> bool:
    """Whether this payload continues a NAL unit whose beginning was in another packet."""
    return len(payload) > 1 and payload[0] & 0x1F == _FU_A and not payload[1] & 0x80


# --- pure: order, loss and frames ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One access unit. `after_loss`: something before it is missing."""

    data: bytes
    rtp_timestamp: int
    key: bool
    after_loss: bool


@dataclass(slots=True)
class _Stored:
    timestamp: int
    marker: bool
    payload: bytes


@dataclass(slots=True)
class _Gap:
    noticed_at: float
    asked_at: float | None = None


class VideoAssembly:
    """Packets of one video stream in any order; whole frames in order, loss by deadline."""

    def __init__(self) -> None:
        self.packets_late = 0
        self.frames_broken = 0
        self.nacked = 0
        self._stored: dict[int, _Stored] = {}
        self._bytes = 0
        self._next: int | None = None
        self._highest = 0
        self._gaps: dict[int, _Gap] = {}
        self._after_loss = False
        self._began = False
        self._seen_from = 0
        self._seen = 0

    @property
    def waiting(self) -> bool:
        """Whether something is missing, so that `poll` and `to_nack` have work as time goes on."""
        return bool(self._gaps)

    def add(
        self, sequence: int, timestamp: int, marker: bool, payload: bytes, now: float
    ) -> list[EncodedFrame]:
        """Take one packet; the frames that are whole now."""
        number = self._unwrap(sequence, now)
        if number is None:
            self.packets_late += 1
            return []
        if number in self._stored:
            return []
        self._gaps.pop(number, None)
        if number > self._highest:
            missing = number - self._highest - 1
            if missing > JUMP_PACKETS:
                self._start_again(number)
            else:
                for skipped in range(self._highest + 1, number):
                    self._gaps[skipped] = _Gap(now)
            self._highest = number
        self._stored[number] = _Stored(timestamp, marker, payload)
        self._bytes += len(payload)
        if self._bytes > BUFFER_BYTES:
            self._start_again(self._highest + 1)
        return self._whole_frames()

    def poll(self, now: float, rtt_s: float | None) -> list[EncodedFrame]:
        """Give up what has been missing for too long; the frames that come free by it."""
        deadline_s = DEADLINE_MIN_S
        if rtt_s is not None:
            deadline_s = min(DEADLINE_MAX_S, max(deadline_s, 1.5 * rtt_s + 0.05))
        frames = []
        for number in sorted(self._gaps):
            gap = self._gaps.get(number)
            if gap is not None and now - gap.noticed_at >= deadline_s:
                self._skip_past(number)
                frames += self._whole_frames()
        return frames

    def to_nack(self, now: float, rtt_s: float | None) -> list[int]:
        """Sequence numbers to ask for again now: at once, then about each round trip."""
        every_s = max(NACK_EVERY_MIN_S, rtt_s or 0.0)
        due = []
        for number, gap in self._gaps.items():
            if gap.asked_at is None or now - gap.asked_at >= every_s:
                gap.asked_at = now
                due.append(number)
        self.nacked += len(due)
        return [number & 0xFFFF for number in sorted(due)]

    def _unwrap(self, sequence: int, now: float) -> int | None:
        """The 16-bit number on an endless scale; None when it is late or a repetition."""
        if self._next is None:
            self._next = sequence
            self._highest = sequence - 1
            return sequence
        ahead = (sequence - self._highest) & 0xFFFF
        if ahead < 0x8000:
            return self._highest + ahead
        number = self._highest + ahead - 0x10000
        if number >= self._next:
            return number
        if not self._began and number >= self._next - START_PACKETS:
            for skipped in range(number + 1, self._next):
                self._gaps[skipped] = _Gap(now)
            self._next = number
            return number
        if number >= self._next - MISORDER_PACKETS:
            return None
        return self._highest + ahead

    def _start_again(self, number: int) -> None:
        """Forget everything before `number`."""
        self.frames_broken += 1
        self._stored.clear()
        self._bytes = 0
        self._gaps.clear()
        self._next = number
        self._after_loss = True

    def _skip_past(self, lost: int) -> None:
        """Give up every frame that a packet up to `lost` belonged to."""
        assert self._next is not None
        self.frames_broken += 1
        self._after_loss = True
        self._began = True
        before = [n for n in self._stored if n < lost]
        broken = {self._stored[n].timestamp for n in before}
        for number in before:
            self._remove(number)
        for number in [n for n in self._gaps if n <= lost]:
            del self._gaps[number]
        at = lost + 1
        first = self._stored.get(at)
        if first is not None and begins_inside_unit(first.payload):
            broken.add(first.timestamp)
        while (packet := self._stored.get(at)) is not None and packet.timestamp in broken:
            self._remove(at)
            at += 1
        self._next = at

    def _remove(self, number: int) -> None:
        self._bytes -= len(self._stored.pop(number).payload)

    def _whole_frames(self) -> list[EncodedFrame]:
        frames = []
        while (end := self._end_of_next_frame()) is not None:
            assert self._next is not None
            packets = [self._stored[number] for number in range(self._next, end)]
            for number in range(self._next, end):
                self._remove(number)
            self._next = end
            self._began = True
            data, key = depacketize(packet.payload for packet in packets)
            if data:
                frames.append(EncodedFrame(data, packets[-1].timestamp, key, self._after_loss))
                self._after_loss = False
        return frames

    def _end_of_next_frame(self) -> int | None:
        """Number after the next whole frame, or after one empty packet (padding between frames).

        What was looked at once is not looked at again: `_seen` is where the look ended.
        """
        assert self._next is not None
        at = self._seen if self._seen > self._next and self._next == self._seen_from else self._next
        self._seen_from = self._next
        while (packet := self._stored.get(at)) is not None:
            if at > self._next and packet.timestamp != self._stored[self._next].timestamp:
                return at
            at += 1
            if packet.marker or (not packet.payload and at == self._next + 1):
                return at
        self._seen = at
        return None


class KeyFrameRequests:
    """When to ask for a key frame, and whether to wait for it with what comes before.

    We wait only for a host that is known to answer; a wait has an end even then.
    """

    def __init__(self) -> None:
        self.sent = 0
        self.host_answers = False
        self._wanted_since: float | None = None
        self._sent_at: float | None = None

    @property
    def wanted(self) -> bool:
        return self._wanted_since is not None

    def want(self, now: float) -> None:
        if self._wanted_since is None:
            self._wanted_since = now

    def due(self, now: float, rtt_s: float | None) -> bool:
        """Whether to send one now; a True answer counts as sent."""
        if self._wanted_since is None:
            return False
        every_s = max(KEY_FRAME_EVERY_S, 1.5 * (rtt_s or 0.0))
        if self._sent_at is not None and now - self._sent_at < every_s:
            return False
        self._sent_at = now
        self.sent += 1
        return True

    def arrived(self, now: float) -> None:
        """A key frame came."""
        if self._sent_at is not None and now - self._sent_at <= KEY_FRAME_ANSWER_S:
            self.host_answers = True
        self._wanted_since = None

    def hold_back(self, now: float) -> bool:
        """Whether frames that depend on a lost one should wait for the key frame."""
        if self._wanted_since is None or not self.host_answers:
            return False
        if now - self._wanted_since > KEY_FRAME_ANSWER_S:
            self.host_answers = False
            return False
        return True


@dataclass(frozen=True, slots=True)
class OrderedAudio:
    """One audio packet in its turn; `lost_before`: how many before it never came."""

    payload: bytes
    lost_before: int


class AudioOrder:
    """A two-to-three-packet jitter buffer: in order, never waiting longer than 60 ms."""

    def __init__(self) -> None:
        self.packets_late = 0
        self._next: int | None = None
        self._stored: dict[int, tuple[float, bytes]] = {}

    def add(self, sequence: int, payload: bytes, now: float) -> list[OrderedAudio]:
        if self._next is None:
            self._next = sequence
        number = self._next + ((sequence - self._next + 0x8000) & 0xFFFF) - 0x8000
        if number < self._next:
            self.packets_late += 1
            if self._next - number < 100:
                return []
            self._stored.clear()
            self._next = number
        self._stored[number] = (now, payload)
        return self.poll(now)

    def poll(self, now: float) -> list[OrderedAudio]:
        """The packets whose turn it is by now."""
        ready = []
        while self._stored and self._next is not None:
            first = min(self._stored)
            arrived_at, payload = self._stored[first]
            patient = len(self._stored) < AUDIO_DEPTH and now - arrived_at < AUDIO_WAIT_S
            if first != self._next and patient:
                break
            del self._stored[first]
            ready.append(OrderedAudio(payload, first - self._next))
            self._next = first + 1
        return ready


# --- pure: what RTCP and the badge want to know -------------------------------------------------


class Reception:
    """RFC 3550 statistics of one stream: A.1 sequence numbers, A.3 loss, A.8 jitter."""

    def __init__(self, clock_rate_hz: int) -> None:
        self.packets_received = 0
        self.bytes_received = 0
        self.ssrc: int | None = None
        self._clock_rate_hz = clock_rate_hz
        self._base = 0
        self._highest = 0
        self._jitter = 0.0
        self._transit: float | None = None
        self._reported = (0, 0)
        self._history: deque[tuple[float, int, int]] = deque()
        self._sender_report: tuple[int, float] | None = None
        self._received_since_base = 0

    def add(self, packet: RtpPacket, now: float) -> None:
        size = len(packet.payload) + packet.padding_size
        self.packets_received += 1
        self.bytes_received += size
        sequence = packet.sequence_number
        if packet.ssrc != self.ssrc:
            self.ssrc = packet.ssrc
            self._start(sequence)
        ahead = (sequence - self._highest) & 0xFFFF
        if ahead < 0x8000:
            self._highest += ahead
        self._received_since_base += 1
        transit = now * self._clock_rate_hz - packet.timestamp
        if self._transit is not None and ahead:
            # media time wraps at 32 bits, and so does the difference
            moved = abs((transit - self._transit + 2**31) % 2**32 - 2**31)
            self._jitter += (moved - self._jitter) / 16
        self._transit = transit

    def _start(self, sequence: int) -> None:
        self._base = self._highest = sequence
        self._received_since_base = 0
        self._reported = (0, 0)
        self._history.clear()
        self._transit = None
        self._jitter = 0.0
        self._sender_report = None

    @property
    def packets_expected(self) -> int:
        return self._highest - self._base + 1 if self.ssrc is not None else 0

    @property
    def packets_lost(self) -> int:
        """Cumulative, since the stream began; repetitions can make it negative (RFC 3550)."""
        return self.packets_expected - self._received_since_base

    @property
    def jitter_s(self) -> float:
        return self._jitter / self._clock_rate_hz

    def loss(self, now: float, window_s: float) -> float:
        """Share of packets missing in the last `window_s`, 0..1; call it often."""
        expected, received = self.packets_expected, self._received_since_base
        self._history.append((now, expected, received))
        while len(self._history) > 2 and now - self._history[1][0] >= window_s:
            self._history.popleft()
        _, expected_then, received_then = self._history[0]
        due = expected - expected_then
        if due <= 0:
            return 0.0
        return min(1.0, max(0.0, 1.0 - (received - received_then) / due))

    @property
    def sender_reported_at(self) -> float | None:
        """When the newest sender report of this stream arrived; None before the first."""
        return None if self._sender_report is None else self._sender_report[1]

    def sender_reported(self, ntp_timestamp: int, now: float) -> None:
        self._sender_report = ((ntp_timestamp >> 16) & 0xFFFFFFFF, now)

    def report(self, now: float) -> RtcpReceiverInfo | None:
        """The next report block; None before the first packet."""
        if self.ssrc is None:
            return None
        expected, received = self.packets_expected, self._received_since_base
        due = expected - self._reported[0]
        lost = due - (received - self._reported[1])
        self._reported = (expected, received)
        fraction = min(255, (lost << 8) // due) if due > 0 and lost > 0 else 0
        lsr, dlsr = 0, 0
        if self._sender_report is not None:
            lsr, heard_at = self._sender_report
            dlsr = min(0xFFFFFFFF, int((now - heard_at) * 65536))
        return RtcpReceiverInfo(
            ssrc=self.ssrc,
            fraction_lost=fraction,
            packets_lost=max(-(1 << 23), min(self.packets_lost, (1 << 23) - 1)),
            highest_sequence=self._highest & 0xFFFFFFFF,
            jitter=min(0xFFFFFFFF, int(self._jitter)),
            lsr=lsr,
            dlsr=dlsr,
        )


# --- on the connection --------------------------------------------------------------------------


class FrameSink(Protocol):
    """Who decodes; `submit` never blocks."""

    def submit(self, frame: EncodedFrame) -> None: ...


class _Receiver:
    """What video and audio share: registration, reports, counters, an end without waiting."""

    def __init__(
        self,
        dtls: RTCDtlsTransport,
        rtcp_ssrc: int,
        *,
        clock_rate_hz: int,
        clock: Clock,
        name: str,
        on_bye: Callable[[], None],
    ) -> None:
        self.reception = Reception(clock_rate_hz)
        self.packets_failed = 0
        self.dtls = dtls
        self._rtcp_ssrc = rtcp_ssrc
        self._clock = clock
        self._name = name
        self._on_bye = on_bye
        self._media_ssrc: int | None = None
        self._payload_types: set[int] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._started = False
        self._stopped = False

    async def receive(self, parameters: RTCRtpReceiveParameters) -> None:
        """Take the place of `RTCRtpReceiver.receive`: called by aiortc once DTLS is up."""
        if self._started or self._stopped:
            return
        self._started = True
        self._payload_types = {
            codec.payloadType for codec in parameters.codecs if codec.payloadType is not None
        }
        if parameters.encodings:
            self._media_ssrc = parameters.encodings[0].ssrc
        self.dtls._register_rtp_receiver(self, parameters)
        self._tasks = [
            spawn(self._report(), name=f"{self._name}-reports"),
            spawn(self._tick(), name=f"{self._name}-tick"),
        ]
        await self._began()

    async def stop(self) -> None:
        """Take the place of `RTCRtpReceiver.stop`: no thread is joined, nothing is awaited long."""
        if self._started and not self._stopped:
            self.dtls._unregister_rtp_receiver(self)
        self._stopped = True
        tasks, self._tasks = self._tasks, []
        await cancel(*tasks)

    def _handle_disconnect(self) -> None:
        """DTLS went down; the peer sees that by itself."""

    async def _handle_rtcp_packet(self, packet: AnyRtcpPacket) -> None:
        if isinstance(packet, RtcpSrPacket):
            self.reception.sender_reported(packet.sender_info.ntp_timestamp, self._clock())
        elif isinstance(packet, RtcpByePacket):
            self._on_bye()

    async def _handle_rtp_packet(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        if self._stopped or packet.payload_type not in self._payload_types:
            return
        now = self._clock()
        fresh = packet.ssrc != self._media_ssrc
        self._media_ssrc = packet.ssrc
        self.reception.add(packet, now)
        await self._take(packet, now, fresh)

    async def _began(self) -> None: ...

    async def _take(self, packet: RtpPacket, now: float, new_stream: bool) -> None:
        raise NotImplementedError

    async def _tick(self) -> None:
        raise NotImplementedError

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(0.5 + random.random())
            block = self.reception.report(self._clock())
            if block is not None:
                await self._send(RtcpRrPacket(ssrc=self._rtcp_ssrc, reports=[block]))

    async def _send(self, packet: AnyRtcpPacket) -> None:
        try:
            await self.dtls._send_rtp(bytes(packet))
        except ConnectionError:
            return


class VideoReceiver(_Receiver):
    """Video: whole frames to the decoder, NACK for what is missing, PLI for key frames."""

    def __init__(
        self,
        dtls: RTCDtlsTransport,
        rtcp_ssrc: int,
        *,
        sink: FrameSink,
        rtt_s: Callable[[], float | None],
        clock: Clock,
        name: str,
        on_bye: Callable[[], None],
    ) -> None:
        super().__init__(
            dtls,
            rtcp_ssrc,
            clock_rate_hz=_VIDEO_CLOCK_HZ,
            clock=clock,
            name=name,
            on_bye=on_bye,
        )
        self.frames_received = 0
        self.frames_held_back = 0
        self.key_frames_received = 0
        self.requests = KeyFrameRequests()
        self._sink = sink
        self._rtt_s = rtt_s
        self._assembly = VideoAssembly()
        self._had_key_frame = False
        self._nacked_before = 0

    @property
    def nack_count(self) -> int:
        """Packets asked for again, each asking counted."""
        return self._nacked_before + self._assembly.nacked

    @property
    def pli_count(self) -> int:
        return self.requests.sent

    async def request_key_frame(self) -> None:
        """Ask the host for a key frame, now or as soon as the last asking is 300 ms old."""
        self.requests.want(self._clock())
        await self._ask()

    async def _began(self) -> None:
        await self.request_key_frame()

    async def _take(self, packet: RtpPacket, now: float, new_stream: bool) -> None:
        if new_stream:
            self._nacked_before += self._assembly.nacked
            self._assembly = VideoAssembly()
            self._had_key_frame = False
            await self.request_key_frame()
        frames = self._assembly.add(
            packet.sequence_number,
            packet.timestamp,
            packet.marker == 1,
            packet.payload,
            now,
        )
        self._forward(frames, now)
        if self._assembly.waiting:
            await self._nack(now)
        if self.requests.wanted:
            await self._ask()

    async def _tick(self) -> None:
        while True:
            busy = self._assembly.waiting or self.requests.wanted
            await asyncio.sleep(0.010 if busy else 0.040)
            now = self._clock()
            if self._assembly.waiting:
                self._forward(self._assembly.poll(now, self._rtt_s()), now)
                await self._nack(now)
            await self._ask()

    def _forward(self, frames: list[EncodedFrame], now: float) -> None:
        for frame in frames:
            self.frames_received += 1
            if frame.key:
                self.key_frames_received += 1
                self._had_key_frame = True
                self.requests.arrived(now)
            elif frame.after_loss or not self._had_key_frame:
                self.requests.want(now)
            if not self._had_key_frame or self.requests.hold_back(now):
                self.frames_held_back += 1
            else:
                self._sink.submit(frame)

    async def _ask(self) -> None:
        ssrc = self._media_ssrc
        if ssrc is None or self._stopped or not self._started:
            return
        if self.requests.due(self._clock(), self._rtt_s()):
            await self._send(
                RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=self._rtcp_ssrc, media_ssrc=ssrc)
            )

    async def _nack(self, now: float) -> None:
        lost = self._assembly.to_nack(now, self._rtt_s())
        if lost and self._media_ssrc is not None:
            await self._send(
                RtcpRtpfbPacket(
                    fmt=RTCP_RTPFB_NACK,
                    ssrc=self._rtcp_ssrc,
                    media_ssrc=self._media_ssrc,
                    lost=lost,
                )
            )


class AudioReceiver(_Receiver):
    """Audio: packets in order to `play`, one callable per packet; a lost one is skipped."""

    def __init__(
        self,
        dtls: RTCDtlsTransport,
        rtcp_ssrc: int,
        *,
        play: Callable[[bytes], None],
        clock: Clock,
        name: str,
        on_bye: Callable[[], None],
    ) -> None:
        super().__init__(
            dtls,
            rtcp_ssrc,
            clock_rate_hz=_AUDIO_CLOCK_HZ,
            clock=clock,
            name=name,
            on_bye=on_bye,
        )
        self.packets_concealed = 0
        self._play = play
        self._order = AudioOrder()

    async def _take(self, packet: RtpPacket, now: float, new_stream: bool) -> None:
        if new_stream:
            self._order = AudioOrder()
        if packet.payload:
            self._forward(self._order.add(packet.sequence_number, packet.payload, now))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0.030)
            self._forward(self._order.poll(self._clock()))

    def _forward(self, packets: list[OrderedAudio]) -> None:
        for packet in packets:
            self.packets_concealed += packet.lost_before
            try:
                self._play(packet.payload)
            except Exception:
                self.packets_failed += 1


def install(receiver: RTCRtpReceiver, ours: VideoReceiver | AudioReceiver) -> None:
    """Let ours receive in place of aiortc's receiver; its decoder thread then never starts."""
    override(receiver, "receive", ours.receive)
    override(receiver, "stop", ours.stop)
