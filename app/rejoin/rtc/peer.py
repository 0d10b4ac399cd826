"""One connection to a stream host, from its fresh offer to its close: never used a second time.

aiortc does SDP, ICE, DTLS, SRTP keys and SCTP; receiving, measuring, checking, decoding and ending
are ours (`receiver`, `transport`, `decoder`, `channels`). Everything runs on one event loop, and so
does `post`; only the decoder has a thread. After `close` no event of this peer comes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiortc import RTCIceParameters, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp

from rejoin.clock import Clock, boot_s
from rejoin.core.events import (
    ConnectionFailed,
    ConnectionOpened,
    ControlsKnown,
    Event,
    FirstFrameDecoded,
    HardEvidenceSeen,
    InputOpened,
)
from rejoin.core.model import ConnectionNumber, ConnectionSample, HardEvidence, Policy
from rejoin.errors import PeerError, SignalError
from rejoin.input_protocol.controls import Controls
from rejoin.media.audio.opus import BYTES_PER_SAMPLE, OpusDecoder
from rejoin.media.audio.output import AudioOutput
from rejoin.media.receive.audio_reorder import OrderedAudio
from rejoin.media.receive.lip_sync import LipSync
from rejoin.media.statistics import StreamStatistics
from rejoin.media.video.decoder import Decoder
from rejoin.media.video.hardware import Hardware
from rejoin.media.video.picture import PictureSlot
from rejoin.rtc.channels import Channels
from rejoin.rtc.prepared_connection import PreparedConnection, PreparedConnections
from rejoin.rtc.receiver import AudioReceiver, VideoReceiver, install
from rejoin.rtc.signal_codec import IceStart, NetworkRules, decode_response, encode_request
from rejoin.rtc.statistics import LoopLag, Rates
from rejoin.rtc.transport import Transport, override
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.peer")

CONNECT = "_RTCPeerConnection__connect"

CLOSE_WITHIN_S = 2.0
"""After this long a close stops being polite: sockets are aborted, tasks cancelled."""

THREAD_END_WITHIN_S = 0.5

PREPARE_AFTER_S = 1.0
"""After the first picture the next connection is made ready: not while this one still begins."""

PAINTED_WITHIN_S = 0.5
"""An older picture (frozen, or the window is minimised) tells nothing of sound that is new."""


class Peer:
    """One RTCPeerConnection of ours.

    Posts ConnectionOpened, ConnectionFailed, InputOpened, ControlsKnown, FirstFrameDecoded and
    HardEvidenceSeen (each kind of evidence once; before the first frame it is a ConnectionFailed).
    A hidden peer decodes too; `show(True)` puts its newest picture into the slot at once.
    """

    def __init__(
        self,
        number: ConnectionNumber,
        *,
        rules: NetworkRules,
        slot: PictureSlot,
        audio: AudioOutput,
        post: Callable[[Event], None],
        clock: Clock = boot_s,
        policy: Policy | None = None,
        hardware: Hardware | None = None,
        blanks: PreparedConnections | None = None,
        begin_dtls: bool = False,
    ) -> None:
        """`blanks`: where this connection may be ready, and where the next is made so.

        `begin_dtls`: do not leave it to the host who begins DTLS (ADR 0023).
        """
        self.number = number
        self._rules = rules
        self._slot = slot
        self._audio = audio
        self._post_event = post
        self._clock = clock
        self._policy = policy or Policy()
        self._blanks = blanks
        self._begin_dtls = begin_dtls
        self._name = f"peer-{number}"
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pc: RTCPeerConnection | None = None
        self._transport: Transport | None = None
        self._video: VideoReceiver | None = None
        self._audio_in: AudioReceiver | None = None
        self._opus: OpusDecoder | None = None
        self._channels: Channels | None = None
        self._ssrcs: list[int] = []
        self._deadline: asyncio.Task[None] | None = None
        self._ice: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._decoder = Decoder(
            number,
            slot,
            clock=clock,
            on_first_frame=lambda: self._from_thread(self._first_frame_decoded),
            on_trouble=lambda: self._from_thread(self.request_key_frame),
            hardware=hardware,
        )
        self._rates = Rates()
        self._lag = LoopLag(self._policy.sample_every_s)
        self._answered = False
        self._connected_at: float | None = None
        self._first_frame = False
        self._failed = False
        self._leaving = False
        self._over = False
        self._shown = False
        self._heard: tuple[float, int] | None = None
        self._lips = LipSync()
        self._evidence: set[HardEvidence] = set()
        self._preparing: asyncio.TimerHandle | None = None
        self._connect: Callable[[], Awaitable[None]] | None = None

    # --- offer and answer -----------------------------------------------------------------------

    async def make_offer(self) -> str:
        """The SignalRequest of a fresh connection. Raises PeerError (no sockets, no network)."""
        if self._pc is not None or self._over:
            raise PeerError("A connection makes one offer only.")
        self._loop = asyncio.get_running_loop()
        try:
            blank = (self._blanks or PreparedConnections()).take()
            pc = self._pc = blank.pc
            self._build(blank)
            await pc.setLocalDescription()
            gathered = pc.localDescription.sdp
        except PeerError:
            raise
        except Exception as error:
            raise PeerError(f"The offer could not be made ({type(error).__name__}).") from None
        if self._over:
            raise PeerError("The connection was closed while its offer was made.")
        if "\r\na=candidate:" not in gathered:
            raise PeerError("This machine has no network address to connect from.")
        return encode_request(gathered, begin_dtls=self._begin_dtls)

    def _build(self, blank: PreparedConnection) -> None:
        """Channels in the Web SDK's order, ours in the place of aiortc's receivers."""
        pc, dtls = blank.pc, blank.dtls
        self._connect = override(pc, CONNECT, self._connect_or_fail)
        self._channels = Channels(
            pc,
            name=self._name,
            may_send=self._may_send,
            on_input_open=lambda: self._post(InputOpened(self.number)),
            on_controls_known=lambda known: self._post(ControlsKnown(self.number, known)),
            on_disconnect=lambda why: self._broke(HardEvidence.SERVER_DISCONNECTED, why),
            on_closed=lambda label: self._broke(HardEvidence.CHANNEL_CLOSED, label),
        )
        transport = self._transport = Transport(
            dtls,
            rules=self._rules,
            clock=self._clock,
            policy=self._policy,
            name=self._name,
            on_unreachable=lambda why: self._broke(HardEvidence.UNREACHABLE, why),
        )
        if pc.sctp is not None:
            transport.tap_data(pc.sctp)
        self._install(blank, transport)
        dtls.on("statechange", self._dtls_changed)
        dtls.transport.on("statechange", self._ice_changed)

    def _install(self, blank: PreparedConnection, transport: Transport) -> None:
        audio, video = blank.audio, blank.video
        self._ssrcs = [audio.sender._ssrc, video.sender._ssrc]
        self._opus = OpusDecoder()
        self._audio_in = AudioReceiver(
            blank.dtls,
            audio.sender._ssrc,
            play=self._play,
            clock=self._clock,
            name=f"{self._name}-audio",
            on_bye=self._host_said_bye,
        )
        self._video = VideoReceiver(
            blank.dtls,
            video.sender._ssrc,
            sink=self._decoder,
            rtt_s=lambda: transport.rtt_s,
            clock=self._clock,
            name=f"{self._name}-video",
            on_bye=self._host_said_bye,
        )
        install(audio.receiver, self._audio_in)
        install(video.receiver, self._video)

    async def apply_answer(self, signal_response: str, *, rtt_s: float | None = None) -> None:
        """Start connecting. Raises SignalError when the answer cannot or must not be used.

        `rtt_s`: the round trip of the connection before, if known, for the deadline of ICE and DTLS
        (policy: 5 s and 4 round trips), which ends in ConnectionFailed.
        """
        pc = self._pc
        if pc is None or self._over:
            raise PeerError("There is no offer that this answer could be for.")
        if self._answered:
            raise PeerError("A connection takes one answer only.")
        answer = decode_response(signal_response, self._rules)
        self._answered = True
        if self._video is not None:
            self._video.expect_retransmissions(answer.rtx_ssrcs)
        self._deadline = spawn(self._watch_deadline(rtt_s or 0.0), name=f"{self._name}-deadline")
        try:
            await self._begin_ice(answer.ice)
            await pc.setRemoteDescription(RTCSessionDescription(sdp=answer.sdp, type="answer"))
        except Exception:
            # whatever aiortc says may quote the SDP
            raise SignalError("The answer does not fit the offer it was made for.") from None
        if not self._over:
            self._decoder.start()

    async def _begin_ice(self, start: IceStart) -> None:
        """Send the first checks; aiortc would do so 2 ms later, when it has read all of the answer.

        It finds ICE begun, and the candidates known, and waits for it as if it had done it.
        """
        assert self._video is not None
        ice = self._video.dtls.transport
        for candidate in start.candidates:
            await ice.addRemoteCandidate(candidate_from_sdp(candidate))
        parameters = RTCIceParameters(start.ufrag, start.pwd, iceLite=start.lite)
        self._ice = spawn(self._or_fail(ice.start(parameters)), name=f"{self._name}-ice")
        for _ in range(2):  # ICE begins in one turn of the loop and sends in the next
            await asyncio.sleep(0)

    async def _or_fail(self, step: Awaitable[None]) -> None:
        """A step of connecting, in a task that nobody waits for."""
        try:
            await step
        except Exception as error:
            # a close in the middle of it is none of its failures
            self._fail(f"connecting failed ({type(error).__name__})")

    async def _connect_or_fail(self) -> None:
        """From ICE to the data channels. aiortc runs it as a task that it never looks at again."""
        assert self._connect is not None
        await self._or_fail(self._connect())

    async def _watch_deadline(self, rtt_s: float) -> None:
        deadline_s = self._policy.connect_deadline_s + self._policy.connect_deadline_rtts * rtt_s
        await asyncio.sleep(deadline_s)
        if self._connected_at is None:
            self._fail(f"no connection {deadline_s:.1f} s after the answer")

    # --- what happens ---------------------------------------------------------------------------

    def _post(self, event: Event) -> None:
        if not self._over:
            self._post_event(event)

    def _from_thread(self, call: Callable[[], Any]) -> None:
        try:
            assert self._loop is not None
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:
            return  # the loop is gone, and everything with it

    def _first_frame_decoded(self) -> None:
        self._first_frame = True
        self._post(FirstFrameDecoded(self.number))
        if self._blanks is not None and self._loop is not None and not self._leaving:
            self._preparing = self._loop.call_later(
                PREPARE_AFTER_S, self._make_next_ready, self._blanks
            )

    def _make_next_ready(self, blanks: PreparedConnections) -> None:
        if self._leaving or not self._may_send():
            return  # it was lost meanwhile, and the next one is being made
        try:
            blanks.prepare()
        except Exception:
            _log.exception("the next connection could not be made ready")  # its offer will say why

    def _dtls_changed(self) -> None:
        if self._pc is None or self._transport is None:
            return
        state = self._video_dtls_state()
        if state == "connected" and self._connected_at is None:
            self._connected_at = self._clock()
            if self._deadline is not None:
                self._deadline.cancel()
            self._post(ConnectionOpened(self.number))
        elif state == "failed":
            self._fail("DTLS failed")
        elif state == "closed":
            self._broke(HardEvidence.DTLS_CLOSED, "")

    def _video_dtls_state(self) -> str:
        assert self._video is not None
        state: str = self._video.dtls.state
        return state

    def _ice_changed(self) -> None:
        if self._video is not None and self._video.dtls.transport.state == "failed":
            self._fail("ICE failed")

    def _fail(self, detail: str) -> None:
        if not self._failed and not self._leaving:
            self._failed = True
            self._post(ConnectionFailed(self.number, detail))

    def _host_said_bye(self) -> None:
        self._broke(HardEvidence.RTCP_BYE, "")

    def _broke(self, evidence: HardEvidence, detail: str) -> None:
        if self._leaving or evidence in self._evidence:
            return
        if evidence is HardEvidence.UNREACHABLE:
            # A hint that may come again; while connecting, other pairs may still find a way, and
            # our own deadline judges.
            if self._first_frame:
                self._post(HardEvidenceSeen(self.number, evidence, detail))
            return
        self._evidence.add(evidence)
        if self._first_frame:
            self._post(HardEvidenceSeen(self.number, evidence, detail))
        else:
            self._fail(evidence.value if not detail else f"{evidence.value}: {detail}")

    def _play(self, packet: OrderedAudio) -> None:
        if not self._shown or self._opus is None:
            return
        samples = self._opus.decode(packet.payload, lost_before=packet.lost_before)
        if not samples:
            return
        now = self._clock()
        heard_in_s = self._audio.play(samples)
        if heard_in_s is None:
            self._heard = None
        else:
            # Its first sample stands for the first of the lost packets before this one.
            made_good = len(samples) // BYTES_PER_SAMPLE - self._opus.packet_samples
            self._heard = (now + heard_in_s, packet.rtp_timestamp - made_good)
        change_s = self._lips.correction_s(now, self._audio_late_s())
        if change_s:
            self._audio.adjust_sync_delay(change_s)

    # --- orders ---------------------------------------------------------------------------------

    def request_key_frame(self) -> None:
        """Ask the host for a key frame; more often than each 300 ms is held back."""
        if self._video is None or self._over:
            return
        self._video.request_key_frame()

    def start_checks(self) -> None:
        """Send connectivity checks often (policy) until `stop_checks`."""
        if self._transport is not None and not self._over:
            self._transport.start_checks()

    def stop_checks(self) -> None:
        if self._transport is not None:
            self._transport.stop_checks()

    def mute(self) -> None:
        """Send nothing but the checks of `start_checks`."""
        if self._transport is not None:
            self._transport.mute()

    def unmute(self) -> None:
        if self._transport is not None:
            self._transport.unmute()

    async def say_goodbye(self, times: int) -> None:
        """RTCP BYE, SCTP abort, DTLS close, `times` times; then this peer is silent for good.

        No evidence is posted from here on: the connection is given up. About 20 ms per repetition.
        """
        self._leaving = True
        if self._transport is not None and self._pc is not None and not self._over:
            await self._transport.goodbye(times, self._ssrcs, self._pc.sctp)

    def set_controls(self, controls: Controls) -> None:
        """What the player holds; sent at once if the input channel is open, else never."""
        if self._channels is not None and not self._over:
            self._channels.controls.set_controls(controls)

    def show(self, shown: bool) -> None:
        """Only a shown peer puts pictures into the slot and sound out."""
        if shown != self._shown:
            self._heard = None
            self._lips.reset()
        self._shown = shown
        self._decoder.show(shown)

    def _may_send(self) -> bool:
        return self._transport is not None and not self._transport.muted

    # --- numbers --------------------------------------------------------------------------------

    @property
    def local_addresses(self) -> frozenset[str]:
        """Addresses of this machine that the connection goes by; none before the offer is made."""
        if self._transport is None or self._over:
            return frozenset()
        return self._transport.local_addresses

    def sample(self) -> ConnectionSample | None:
        """This connection as the detector wants it; None before it is up.

        To be called once each `policy.sample_every_s`: that a call comes late is our own loop's
        lag, which is told and taken off the pause between packets.
        """
        opened_at, transport, video = self._connected_at, self._transport, self._video
        if opened_at is None or transport is None or video is None:
            return None
        now = self._clock()
        counters = (
            video.inbound.frames_received,
            self._decoder.frames_decoded,
            video.reception.bytes_received,
            self._slot.painted.pictures,
            self._decoder.decode_s,
            video.inbound.jitter_buffer_delay_s,
        )
        self._rates.add(now, counters)
        lag_s = self._lag.sampled(now)
        decoded_at = self._decoder.last_frame_at
        return ConnectionSample(
            last_packet_at=_or(transport.last_packet_at, opened_at),
            last_rtp_at=_or(transport.last_rtp_at, opened_at),
            last_frame_at=_or(decoded_at, opened_at),
            frames_decoded=self._decoder.frames_decoded,
            frame_interval_s=self._decoder.frame_interval_s,
            rtt_s=transport.rtt_s,
            loss=video.reception.loss(now, self._policy.loss_window_s),
            check_answered_at=transport.check_answered_at,
            proved_sent_at=transport.proved_sent_at,
            loop_lag_s=lag_s,
            largest_gap_s=max(0.0, transport.take_largest_gap_s() - lag_s),
        )

    def statistics(self) -> StreamStatistics:
        """This connection as people want it; rates need `sample` to be called regularly."""
        transport, video, audio = self._transport, self._video, self._audio_in
        opus = self._opus
        if transport is None or video is None or audio is None or opus is None:
            return StreamStatistics(self.number)
        decoder, channels, inbound = self._decoder, self._channels, video.inbound
        reception, rates, painted = inbound.statistics, self._rates, self._slot.painted
        reports = (each.reception.sender_report_at for each in (video, audio))
        reported = [at for at in reports if at is not None]
        return StreamStatistics(
            connection=self.number,
            connected=self._connected_at is not None and not self._failed and not self._over,
            candidate_pair=transport.candidate_pair,
            codec="H.264" if decoder.frames_decoded else None,
            profile=decoder.profile,
            decoder=decoder.decodes_in,
            width=decoder.width,
            height=decoder.height,
            received_fps=rates.per_second(0),
            decoded_fps=rates.per_second(1),
            painted_fps=rates.per_second(3) if self._shown else 0.0,
            bitrate_bps=rates.per_second(2) * 8,
            available_bitrate_bps=inbound.remb_bps,
            queue_s=inbound.bandwidth.queue_s,
            loss=reception.loss(self._clock(), self._policy.loss_window_s),
            rtt_s=transport.rtt_s,
            jitter_s=reception.jitter_s,
            decode_ms=rates.per_other(4, 1) * 1000,
            jitter_buffer_ms=rates.per_other(5, 0) * 1000,
            frame_age_s=painted.age_last_s if self._shown else 0.0,
            frames_received=inbound.frames_received,
            frames_decoded=decoder.frames_decoded,
            frames_painted=painted.pictures,
            key_frames_received=inbound.key_frames_received,
            key_frames_decoded=decoder.key_frames_decoded,
            frames_dropped=inbound.frames_held_back + decoder.frames_undecoded,
            frames_broken=inbound.frames_broken,
            frames_held_back=inbound.frames_held_back,
            frames_undecoded=decoder.frames_undecoded,
            frames_failed=decoder.frames_failed,
            hardware_failures=decoder.hardware_failures,
            pictures_replaced=self._slot.replaced,
            pictures_unwatched=self._slot.unwatched,
            freeze_count=decoder.freezes.count,
            total_freezes_duration_s=decoder.freezes.duration_s,
            total_decode_time_s=decoder.decode_s,
            total_scale_time_s=decoder.scale_s,
            total_paint_time_s=painted.took_s,
            packets_received=reception.packets_received,
            packets_lost=reception.packets_lost,
            packets_discarded=inbound.packets_discarded,
            packets_failed=transport.packets_failed,
            feedback_failed=video.feedback_failed + audio.feedback_failed,
            packets_recovered=inbound.packets_recovered,
            retransmitted_packets_received=reception.packets_retransmitted,
            bytes_received=reception.bytes_received,
            nack_count=inbound.nacks_sent,
            pli_count=inbound.key_frame_requests.plis_sent,
            checks_sent=transport.checks_sent,
            checks_answered=transport.checks_answered,
            audio_packets_received=audio.reception.packets_received,
            audio_packets_lost=audio.reception.packets_lost,
            audio_packets_concealed=opus.packets_concealed,
            audio_total_samples=opus.total_samples,
            audio_concealed_samples=opus.concealed_samples,
            audio_buffer_s=self._audio.buffered_s,
            audio_held_s=self._audio.sync_delay_s,
            audio_late_s=self._audio_late_s(),
            controls_sent=channels.controls.messages_sent if channels is not None else 0,
            bad_messages=channels.bad_messages if channels is not None else 0,
            receive_buffer_bytes=transport.receive_buffer_bytes,
            last_rtp_at=transport.last_rtp_at,
            last_rtcp_at=transport.last_rtcp_at,
            last_sender_report_at=max(reported, default=None),
            last_stun_at=transport.last_stun_at,
            last_data_at=transport.last_data_at,
        )

    def _audio_late_s(self) -> float | None:
        """By how much sound comes after the picture it belongs to; None while that is not known.

        Nobody tells how long a screen takes: a picture counts as seen when it is painted.
        """
        painted, video, audio = self._slot.painted, self._video, self._audio_in
        if self._heard is None or video is None or audio is None:
            return None
        if painted.last_connection != self.number:
            return None
        if self._clock() - painted.last_at > PAINTED_WITHIN_S:
            return None
        heard_at, sound = self._heard
        sound_at = audio.reception.captured_at(sound)
        picture_at = video.reception.captured_at(painted.last_rtp_timestamp)
        if sound_at is None or picture_at is None:
            return None
        return (heard_at - sound_at) - (painted.last_at - picture_at)

    # --- the end --------------------------------------------------------------------------------

    async def close(self) -> None:
        """End it, whatever state it is in: bounded, no task, thread or socket stays behind."""
        self._over = self._leaving = True
        if self._closing is None:
            self._closing = spawn(self._close(), name=f"{self._name}-close")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self._decoder.stop()
        if self._preparing is not None:
            self._preparing.cancel()
        await cancel(self._deadline)
        if self._channels is not None:
            await self._channels.close()
        for receiver in (self._video, self._audio_in):
            if receiver is not None:
                await receiver.stop()
        if self._pc is not None:
            ending = spawn(self._pc.close(), name=f"{self._name}-library-close")
            _, late = await asyncio.wait({ending}, timeout=CLOSE_WITHIN_S)
            if self._transport is not None:
                await self._transport.close()
            if late:
                await cancel(ending)
            await cancel(self._ice)
        for _ in range(int(THREAD_END_WITHIN_S / 0.005)):
            if not self._decoder.alive:
                break
            await asyncio.sleep(0.005)


def _or(at: float | None, otherwise: float) -> float:
    return otherwise if at is None else at
