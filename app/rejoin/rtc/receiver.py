"""Our RTP receivers, in place of aiortc's: RTP packets in, whole frames and RTCP feedback out.

What to do with a packet is decided by `media/receive/inbound_video` and `audio_reorder`, which are
pure. `VideoReceiver` and `AudioReceiver` connect them to a DTLS transport.
"""

from __future__ import annotations

import asyncio
import enum
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol, assert_never

from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpByePacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    pack_remb_fci,
)

from rejoin.clock import Clock
from rejoin.core.model import ConnectionNumber
from rejoin.media.receive.audio_reorder import AudioReorder, OrderedAudio
from rejoin.media.receive.inbound_video import (
    MAX_BPS,
    Decode,
    Fir,
    InboundVideo,
    Nack,
    Negotiated,
    Pli,
    ReceiveAction,
    Refuse,
    Remb,
)
from rejoin.media.receive.jitter_buffer import EncodedFrame
from rejoin.media.receive.receive_statistics import ReceiveStatistics, ReportBlock
from rejoin.media.receive.rtp import ABS_SEND_TIME, AUDIO_CLOCK_HZ, RtpPacket
from rejoin.media.receive.sources import PlayingSource, ReceivedSources
from rejoin.rtc.aiortc_seam import (
    RegisteredReceiver,
    register_receiver,
    rtp_sender,
    unregister_receiver,
)
from rejoin.rtc.codecs import offered_video_types
from rejoin.rtc.transport_cc import FEEDBACK
from rejoin.tasks import cancel, spawn

TICK_S = 0.010
"""Period of the timer that runs while a packet is missing or a key frame is awaited."""


class FrameSink(Protocol):
    """The decoder; `submit` never blocks."""

    def submit(self, frame: EncodedFrame) -> None: ...


OnFrame = Callable[[ConnectionNumber, EncodedFrame], None]


def copied(sink: FrameSink, number: ConnectionNumber, on_frame: OnFrame | None) -> FrameSink:
    """The sink; where there is `on_frame`, a tester sees its frames too."""
    return sink if on_frame is None else _CopiedSink(sink, number, on_frame)


class _CopiedSink:
    def __init__(self, sink: FrameSink, number: ConnectionNumber, on_frame: OnFrame) -> None:
        self._sink = sink
        self._number = number
        self._on_frame = on_frame

    def submit(self, frame: EncodedFrame) -> None:
        self._sink.submit(frame)
        self._on_frame(self._number, frame)


class _State(enum.Enum):
    NEW = enum.auto()
    RECEIVING = enum.auto()
    STOPPED = enum.auto()


class _Receiver(RegisteredReceiver):
    """What video and audio share: registration, receiver reports, feedback, timer."""

    def __init__(
        self,
        dtls: RTCDtlsTransport,
        rtcp_ssrc: int,
        *,
        clock: Clock,
        name: str,
        sources: ReceivedSources,
    ) -> None:
        """`sources`: those of all receivers of the connection."""
        self.dtls = dtls
        self.feedback_failed = 0
        """RTCP packets of ours that could not be encoded or sent."""
        self._rtcp_ssrc = rtcp_ssrc
        self._clock = clock
        self._name = name
        self._sources = sources
        self._payload_types: frozenset[int] = frozenset()
        """Those of media, without RTX."""
        self._may_send: Callable[[], bool] = lambda: True
        self._tasks: list[asyncio.Task[None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._feedback: asyncio.Queue[AnyRtcpPacket] = asyncio.Queue()
        self._state = _State.NEW

    def send_only_if(self, may_send: Callable[[], bool]) -> None:
        """Ask for nothing while `may_send()` is False: it would not leave this machine, and must
        not count as asked. Call it before the first packet."""
        self._may_send = may_send

    async def receive(self, parameters: RTCRtpReceiveParameters) -> None:
        """Called by aiortc once DTLS is up, in place of `RTCRtpReceiver.receive`."""
        if self._state is not _State.NEW:
            return
        self._state = _State.RECEIVING
        parameters = self._completed(parameters)
        self._payload_types = media_payload_types(parameters)
        register_receiver(self.dtls, self, parameters)
        self._tasks = [
            spawn(self._report(), name=f"{self._name}-reports"),
            spawn(self._send_feedback(), name=f"{self._name}-feedback"),
        ]
        self._on_start(parameters)

    async def stop(self) -> None:
        """In place of `RTCRtpReceiver.stop`; only cancels our tasks, so it returns at once."""
        if self._state is _State.RECEIVING:
            unregister_receiver(self.dtls, self)
        self._state = _State.STOPPED
        if self._timer is not None:
            self._timer.cancel()
        tasks, self._tasks = self._tasks, []
        await cancel(*tasks)

    def on_rtcp(self, packet: AnyRtcpPacket) -> None:
        if isinstance(packet, RtcpSrPacket):
            info = packet.sender_info
            now = self._clock()
            self.reception.add_sender_report(info.ntp_timestamp, info.rtp_timestamp, now)
            if packet.ssrc == self.reception.ssrc:  # not that of its RTX stream
                self.reception.count_sent(info.packet_count, now)
        elif isinstance(packet, RtcpByePacket):
            self._sources.on_bye(packet.sources)

    def on_packet(self, packet: RtpPacket, now: float) -> None:
        """One packet of this receiver's streams arrived at boot time `now`; never blocks."""
        if self._state is not _State.STOPPED:
            if packet.payload_type in self._payload_types:
                self._sources.on_rtp(packet.ssrc)
            try:
                self._on_packet(packet, now)
            finally:
                if self._timer is None and self._needs_tick:
                    self._set_timer()

    def _set_timer(self) -> None:
        """Only while a tick is needed: a stream that lacks nothing has no timer."""
        if self._timer is None and self._needs_tick and self._state is _State.RECEIVING:
            self._timer = asyncio.get_running_loop().call_later(TICK_S, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        try:
            self._on_tick()
        finally:
            self._set_timer()

    @property
    def reception(self) -> ReceiveStatistics:
        raise NotImplementedError

    def _completed(self, parameters: RTCRtpReceiveParameters) -> RTCRtpReceiveParameters:
        """What to receive, if it is more than what the answer lists."""
        return parameters

    def _on_start(self, parameters: RTCRtpReceiveParameters) -> None:
        raise NotImplementedError

    def _on_packet(self, packet: RtpPacket, now: float) -> None:
        raise NotImplementedError

    @property
    def _needs_tick(self) -> bool:
        """Whether something must be done after a while even if no packet arrives."""
        raise NotImplementedError

    def _on_tick(self) -> None:
        raise NotImplementedError

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(0.5 + random.random())
            if not self._may_send():
                continue  # the next report that leaves covers the time since the last that did
            block = self.reception.report_block(self._clock())
            if block is not None:
                self._send(RtcpRrPacket(ssrc=self._rtcp_ssrc, reports=[_receiver_info(block)]))

    def _send(self, packet: AnyRtcpPacket) -> None:
        """Queue it for the task that sends feedback; never blocks."""
        self._feedback.put_nowait(packet)

    async def _send_feedback(self) -> None:
        send = rtp_sender(self.dtls)
        while True:
            packet = await self._feedback.get()
            try:
                await send(bytes(packet))
            except ConnectionError:
                continue  # DTLS is not connected
            except Exception:  # one packet that cannot be sent must not stop the next
                self.feedback_failed += 1


class VideoReceiver(_Receiver):
    """Video: carries out what `InboundVideo` decides."""

    def __init__(
        self,
        dtls: RTCDtlsTransport,
        rtcp_ssrc: int,
        *,
        sink: FrameSink,
        rtt_s: Callable[[], float | None],
        clock: Clock,
        name: str,
        sources: ReceivedSources,
    ) -> None:
        super().__init__(dtls, rtcp_ssrc, clock=clock, name=name, sources=sources)
        self.on_refused: Callable[[str], None] | None = None
        """Called when the video begins with a kind that is not decoded; why, in a few words."""
        self.allow_444 = False
        """Whether the offer has the High 4:4:4 Predictive profile."""
        self.inbound = InboundVideo(Negotiated(frozenset()))
        self._rtx_ssrcs: Mapping[int, int] = {}
        self._parameter_sets: Mapping[int, tuple[bytes, ...]] = {}
        self._max_bps = MAX_BPS
        self._host_numbers: Callable[[], bool] = lambda: False
        self._sink = sink
        self._rtt_s = rtt_s

    @property
    def reception(self) -> ReceiveStatistics:
        return self.inbound.statistics

    def expect_retransmissions(self, rtx_ssrcs: Mapping[int, int]) -> None:
        """The answer's retransmission streams (`ssrc-group:FID`); call it before it is applied.

        aiortc reports such a stream only for an answer with exactly two streams.
        """
        self._rtx_ssrcs = rtx_ssrcs

    def limit_bitrate(self, max_bps: int) -> None:
        """Ask the host for no more than this; call it before the answer is applied."""
        self._max_bps = max_bps

    def expect_parameter_sets(self, parameter_sets: Mapping[int, tuple[bytes, ...]]) -> None:
        """The answer's H.264 parameter sets by payload type; call it before it is applied.

        aiortc keeps no parameter of a codec that it does not know.
        """
        self._parameter_sets = parameter_sets

    def pause_remb_while(self, host_numbers: Callable[[], bool]) -> None:
        """`host_numbers()`: whether transport-wide feedback is sent now, in place of REMB."""
        self._host_numbers = host_numbers

    def request_key_frame(self) -> None:
        """Request a key frame now, or as soon as the last request is 300 ms old."""
        self._perform(self.inbound.request_key_frame(self._clock(), self._rtt_s()))
        self._set_timer()

    def _completed(self, parameters: RTCRtpReceiveParameters) -> RTCRtpReceiveParameters:
        """With every payload type of the offer. Feedback stays what the answer took."""
        answered = {codec.payloadType for codec in parameters.codecs}
        offered = offered_video_types(allow_444=self.allow_444)
        more = [each for each in offered if each.payloadType not in answered]
        return replace(parameters, codecs=[*parameters.codecs, *more])

    def _on_start(self, parameters: RTCRtpReceiveParameters) -> None:
        negotiated = negotiated_of(parameters, self._rtx_ssrcs, self._parameter_sets)
        negotiated = replace(
            negotiated,
            allow_444=self.allow_444,
            max_bps=min(negotiated.max_bps, self._max_bps),
        )
        self.inbound = InboundVideo(
            negotiated, may_send=self._may_send, host_numbers=self._host_numbers
        )
        if parameters.encodings:
            first = parameters.encodings[0].ssrc
            self.inbound.expect_ssrc(self._rtx_ssrcs.get(first, first))
        self.request_key_frame()

    def _on_packet(self, packet: RtpPacket, now: float) -> None:
        actions = self.inbound.on_packet(packet, now, self._rtt_s())
        if actions:
            self._perform(actions)

    @property
    def _needs_tick(self) -> bool:
        return self.inbound.needs_tick

    def _on_tick(self) -> None:
        self._perform(self.inbound.on_tick(self._clock(), self._rtt_s()))

    def _perform(self, actions: list[ReceiveAction]) -> None:
        for action in actions:
            if isinstance(action, Decode):
                self._sink.submit(action.frame)
            elif isinstance(action, Refuse):
                if self.on_refused is not None:
                    self.on_refused(action.why)
            else:
                self._send(_feedback_packet(action, self._rtcp_ssrc))


def _receiver_info(block: ReportBlock) -> RtcpReceiverInfo:
    """A report block in aiortc's form."""
    return RtcpReceiverInfo(
        ssrc=block.ssrc,
        fraction_lost=block.fraction_lost,
        packets_lost=block.packets_lost,
        highest_sequence=block.highest_sequence,
        jitter=block.jitter,
        lsr=block.lsr,
        dlsr=block.dlsr,
    )


def _feedback_packet(action: Nack | Pli | Fir | Remb, ours: int) -> AnyRtcpPacket:
    """The RTCP packet for it, from our SSRC."""
    match action:
        case Nack(ssrc, sequences):
            return RtcpRtpfbPacket(
                fmt=RTCP_RTPFB_NACK, ssrc=ours, media_ssrc=ssrc, lost=list(sequences)
            )
        case Pli(ssrc):
            return RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=ours, media_ssrc=ssrc)
        case Fir(ssrc, number):
            # it names the media sender in its FCI alone (RFC 5104, 4.3.1.2)
            fci = ssrc.to_bytes(4) + bytes((number, 0, 0, 0))
            return RtcpPsfbPacket(fmt=RTCP_PSFB_FIR, ssrc=ours, media_ssrc=0, fci=fci)
        case Remb(ssrc, bitrate_bps):
            fci = pack_remb_fci(bitrate_bps, [ssrc])
            return RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=ours, media_ssrc=0, fci=fci)
        case _:
            assert_never(action)


def media_payload_types(parameters: RTCRtpReceiveParameters) -> frozenset[int]:
    """The payload types that carry media, not retransmissions."""
    return frozenset(
        codec.payloadType
        for codec in parameters.codecs
        if codec.payloadType is not None and codec.name.lower() != "rtx"
    )


def negotiated_of(
    parameters: RTCRtpReceiveParameters,
    rtx_ssrcs: Mapping[int, int],
    parameter_sets: Mapping[int, tuple[bytes, ...]] | None = None,
) -> Negotiated:
    """What offer and answer agreed on, from the parameters that aiortc derives from them."""
    media = media_payload_types(parameters)
    rtx: dict[int, int] = {}
    feedback: set[tuple[str, str | None]] = set()
    for codec in parameters.codecs:
        if codec.payloadType is None:
            continue
        if codec.name.lower() == "rtx":
            repeated = codec.parameters.get("apt")
            if isinstance(repeated, int):
                rtx[codec.payloadType] = repeated
        else:
            feedback |= {(each.type, each.parameter) for each in codec.rtcpFeedback}
    numbers = (each.id for each in parameters.headerExtensions if each.uri == ABS_SEND_TIME)
    return Negotiated(
        payload_types=media,
        rtx_payload_types={number: apt for number, apt in rtx.items() if apt in media},
        rtx_ssrcs=rtx_ssrcs,
        nack=("nack", None) in feedback,
        pli=("nack", "pli") in feedback,
        fir=("ccm", "fir") in feedback,
        remb=("goog-remb", None) in feedback,
        transport_cc=(FEEDBACK, None) in feedback,
        send_time_id=next(numbers, None),
        parameter_sets=parameter_sets or {},
    )


class AudioReceiver(_Receiver):
    """Audio: packets in order to `play`, each with the number of lost packets before it."""

    def __init__(
        self,
        dtls: RTCDtlsTransport,
        rtcp_ssrc: int,
        *,
        play: Callable[[OrderedAudio], None],
        clock: Clock,
        name: str,
        sources: ReceivedSources,
    ) -> None:
        super().__init__(dtls, rtcp_ssrc, clock=clock, name=name, sources=sources)
        self.packets_failed = 0
        """Packets that raised an exception when played."""
        self._reception = ReceiveStatistics(AUDIO_CLOCK_HZ)
        self._play = play
        self._order = AudioReorder()
        self._source = PlayingSource()
        self._heard_at = 0.0

    @property
    def reception(self) -> ReceiveStatistics:
        return self._reception

    def _on_start(self, parameters: RTCRtpReceiveParameters) -> None:
        """Sound has nothing to prepare."""

    def _on_packet(self, packet: RtpPacket, now: float) -> None:
        if packet.payload_type not in self._payload_types:
            return
        if packet.ssrc != self._source.ssrc:
            if not self._source.takes(packet.ssrc, now, self._heard_at):
                return
            self._order = AudioReorder()
        self._heard_at = now
        self._reception.add(packet, now)
        # a packet without payload too: those behind it would wait for it
        number, media_time = packet.sequence_number, packet.timestamp
        self._play_all(self._order.add(number, packet.payload, now, timestamp=media_time))

    @property
    def _needs_tick(self) -> bool:
        return self._order.waiting

    def _on_tick(self) -> None:
        self._play_all(self._order.poll(self._clock()))

    def _play_all(self, packets: list[OrderedAudio]) -> None:
        for packet in packets:
            try:
                self._play(packet)
            except Exception:
                self.packets_failed += 1
