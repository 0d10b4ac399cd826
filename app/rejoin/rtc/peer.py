"""One WebRTC connection to a stream host, from its offer to its close; never used twice.

aiortc does SDP, ICE, DTLS, SRTP keys and SCTP; receiving, measuring, checking, decoding and ending
are ours (`receiver`, `transport`, `checks`, `media/video/decoder`, `channels`, `goodbye`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from aiortc import RTCIceParameters, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp

from rejoin.clock import Clock, boot_s
from rejoin.core.events import (
    ConnectionFailed,
    ConnectionOpened,
    Event,
    FirstFrameDecoded,
    FirstPacketArrived,
    HardEvidenceSeen,
    InputOpened,
    InputUnavailable,
    VideoRefused,
)
from rejoin.core.model import ConnectionNumber, ConnectionSample, HardEvidence, Policy
from rejoin.errors import PeerError, SignalError
from rejoin.media.statistics import StreamStatistics
from rejoin.media.video.decoder import Decoder
from rejoin.media.video.hardware import Hardware
from rejoin.rtc.aiortc_seam import replace_connect
from rejoin.rtc.candidates import NetworkRules
from rejoin.rtc.channels import ChannelCallbacks, ChannelListener, Channels, ChannelState
from rejoin.rtc.media_parts import MediaOwner, build_media
from rejoin.rtc.peer_states import (
    Closed,
    Connected,
    Connecting,
    Failed,
    Leaving,
    New,
    Offered,
    Parts,
    PeerState,
    Playing,
    parts_of,
    progress_of,
)
from rejoin.rtc.playback import MediaSinks
from rejoin.rtc.prepared_connection import PreparedConnection, PreparedConnections
from rejoin.rtc.receiver import OnFrame, copied
from rejoin.rtc.signal_codec import MAX_BITRATE_KBPS, IceStart, encode_request
from rejoin.rtc.socket_filter import MakeFilter
from rejoin.rtc.statistics import StatisticsCollector
from rejoin.rtc.transport import Transport
from rejoin.tasks import cancel, spawn

_log = logging.getLogger("rejoin.peer")

THREAD_END_WITHIN_S = 0.5
PREPARE_AFTER_S = 1.0
"""Pause between the first frame and preparing the next connection, so that this one starts well."""


@dataclass(frozen=True, slots=True)
class PeerSettings:
    """What all connections of a player have in common.

    `hardware`: what may decode; None: software. `dtls_client`: be the DTLS client, which saves one
    round trip, in place of leaving the role to the host (ADR 0023). `max_kbps`: what the host may
    send, in kbit/s; no more than the Web SDK allows. The others are for testers."""

    rules: NetworkRules
    policy: Policy = field(default_factory=Policy)
    hardware: Hardware | None = None
    dtls_client: bool = False
    max_kbps: int = MAX_BITRATE_KBPS
    filter_sockets: MakeFilter | None = None
    on_frame: OnFrame | None = None


class Peer:
    """Posts FirstPacketArrived, ConnectionOpened, ConnectionFailed, VideoRefused, InputOpened or
    InputUnavailable, FirstFrameDecoded and HardEvidenceSeen. Each kind of evidence is posted once,
    UNREACHABLE as often as it is seen and RTCP_BYE as often as the last media source ends. Before
    the first frame, evidence fails the connection: it is posted as a ConnectionFailed.

    A hidden peer decodes too; `show(True)` puts its newest picture into the slot at once. All
    methods, and `post`, run on one event loop. After `close` no event of this peer is posted.
    """

    def __init__(
        self,
        number: ConnectionNumber,
        settings: PeerSettings,
        sinks: MediaSinks,
        *,
        post: Callable[[Event], None],
        clock: Clock = boot_s,
        prepared: PreparedConnections | None = None,
    ) -> None:
        """`prepared`: may hold a connection for this offer; the next one is prepared there."""
        self.number = number
        self._settings = settings
        self._sinks = sinks
        self._post_event = post
        self._clock = clock
        self._prepared = prepared
        self._name = f"peer-{number}"
        self._state: PeerState = New()
        self._listener: ChannelListener | None = None
        self._shown = False
        self._decoder = Decoder(
            number,
            sinks.slot,
            clock=clock,
            on_first_frame=lambda: self._call_on_loop(self._on_first_frame),
            on_key_frame_needed=lambda: self._call_on_loop(self.request_key_frame),
            hardware=settings.hardware,
        )
        self._statistics = StatisticsCollector(
            number, self._decoder, sinks, policy=settings.policy, clock=clock
        )

    # --- offer and answer -------------------------------------------------------------------------

    async def make_offer(self) -> str:
        """The SignalRequest of this connection. Raises PeerError (no sockets, no network)."""
        if not isinstance(self._state, New):
            raise PeerError("A connection makes one offer only.")
        try:
            prepared = (self._prepared or PreparedConnections()).pop()
            try:
                parts = self._build(prepared)
            except Exception:
                await prepared.close()
                raise
            self._state = Offered(parts)
            await parts.pc.setLocalDescription()
            gathered: str = parts.pc.localDescription.sdp
        except PeerError:
            raise
        except Exception as error:
            raise PeerError(f"The offer could not be made ({type(error).__name__}).") from None
        if self._is_closed():
            raise PeerError("The connection was closed while its offer was made.")
        if "\r\na=candidate:" not in gathered:
            raise PeerError("This machine has no network address to connect from.")
        most_kbps, dtls_client = self._settings.max_kbps, self._settings.dtls_client
        return encode_request(gathered, max_bitrate_kbps=most_kbps, dtls_client=dtls_client)

    def _build(self, prepared: PreparedConnection) -> Parts:
        """Channels in the Web SDK's order, and our receivers in place of aiortc's."""
        pc, dtls, number = prepared.pc, prepared.dtls, self.number
        connect = replace_connect(pc, lambda: self._or_fail(connect))
        channels = Channels(
            pc,
            may_send=self._may_send,
            callbacks=ChannelCallbacks(
                on_input_open=lambda: self._post(InputOpened(number)),
                on_input_unavailable=self._on_input_unavailable,
                on_message=lambda label, data: self._to_listener(
                    lambda it: it.message(label, data)
                ),
                on_state=lambda label: self._to_listener(lambda to: to.state(label)),
                on_closed=lambda label: self._on_evidence(HardEvidence.CHANNEL_CLOSED, label),
            ),
        )
        transport = Transport(
            dtls,
            rules=self._settings.rules,
            clock=self._clock,
            policy=self._settings.policy,
            name=self._name,
            on_first_packet=lambda: self._post(FirstPacketArrived(number)),
            on_unreachable=lambda why: self._on_evidence(HardEvidence.UNREACHABLE, why),
        )
        transport.use(prepared.relay, self._settings.filter_sockets)
        if pc.sctp is not None:
            transport.watch_sctp(pc.sctp, on_association_ended=channels.association_ended)
        owner = MediaOwner(
            number,
            self._name,
            self._clock,
            self._shown,
            may_send=self._may_send,
            on_sources_ended=lambda: self._on_evidence(HardEvidence.RTCP_BYE, ""),
            on_refused=lambda why: self._fail(why, VideoRefused),
        )
        frames = copied(self._decoder, number, self._settings.on_frame)
        media = build_media(prepared, transport, frames, self._sinks, owner)
        media.video.limit_bitrate(self._settings.max_kbps * 1000)
        dtls.on("statechange", self._on_dtls_change)
        dtls.transport.on("statechange", self._on_ice_change)
        return Parts(asyncio.get_running_loop(), pc, dtls, transport, channels, media)

    async def apply_answer(self, signal_response: str, *, rtt_s: float | None = None) -> None:
        """Start connecting. Raises SignalError when the answer cannot or must not be used.

        `rtt_s`: round trip of the connection before this one, if known, for the first timers and
        the deadline of ICE and DTLS (policy: 5 s and 4 round trips). At the deadline a
        ConnectionFailed is posted.
        """
        match self._state:
            case Offered(parts):
                pass
            case Connecting() | Connected() | Playing():
                raise PeerError("A connection accepts one answer only.")
            case Failed():
                raise PeerError("The connection has failed already.")
            case New() | Leaving() | Closed():
                raise PeerError("There is no offer that this answer could be for.")
            case _:
                assert_never(self._state)
        answer = parts.media.read_answer(signal_response, self._settings.rules)
        parts.transport.round_trip.expect(rtt_s or 0.0)
        parts.transport.congestion_feedback.start(answer.transport_cc_id, parts.media.ssrcs[1])
        deadline = spawn(self._watch_deadline(rtt_s or 0.0), name=f"{self._name}-deadline")
        self._state = Connecting(parts, deadline)
        if not answer.has_data:
            parts.channels.keep_closed()
        try:
            await self._start_ice(parts, answer.ice)
            await parts.pc.setRemoteDescription(
                RTCSessionDescription(sdp=answer.sdp, type="answer")
            )
        except Exception:
            # aiortc's error may quote the SDP
            raise SignalError("The answer does not fit the offer it was made for.") from None
        if not self._is_closed():
            self._decoder.start()

    async def _start_ice(self, parts: Parts, start: IceStart) -> None:
        """Send the first checks; aiortc would do so 2 ms later, after reading all of the answer.

        aiortc then finds ICE started and the candidates known, and waits for it as for its own.
        """
        ice = parts.dtls.transport
        for candidate in start.candidates:
            await ice.addRemoteCandidate(candidate_from_sdp(candidate))
        parameters = RTCIceParameters(start.ufrag, start.pwd, iceLite=start.lite)
        task = spawn(self._or_fail(lambda: ice.start(parameters)), name=f"{self._name}-ice")
        if isinstance(self._state, Connecting):  # it always is: nothing above lets others run
            self._state = replace(self._state, ice=task)
        for _ in range(2):  # ICE starts in one turn of the loop and sends in the next
            await asyncio.sleep(0)

    async def _or_fail(self, step: Callable[[], Awaitable[None]]) -> None:
        """Run a step of connecting in a task that nobody awaits: its exception becomes a failure.

        The step is a callable, so that no coroutine is left over if the task never starts.
        """
        try:
            await step()
        except Exception as error:
            # a step that `close` interrupted is no failure
            self._fail(f"connecting failed ({type(error).__name__})")

    async def _watch_deadline(self, rtt_s: float) -> None:
        policy = self._settings.policy
        deadline_s = policy.connect_deadline_s + policy.connect_deadline_rtts * rtt_s
        await asyncio.sleep(deadline_s)
        if isinstance(self._state, Connecting):
            self._fail(f"no connection {deadline_s:.1f} s after the answer")

    # --- what happens -----------------------------------------------------------------------------

    def _is_closed(self) -> bool:
        return isinstance(self._state, Closed)

    def _post(self, event: Event) -> None:
        if not self._is_closed():
            self._post_event(event)

    def _call_on_loop(self, call: Callable[[], Any]) -> None:
        parts = parts_of(self._state)
        assert parts is not None, "the decoder starts after the offer"
        try:
            parts.loop.call_soon_threadsafe(call)
        except RuntimeError:
            return  # the loop is closed

    def _on_first_frame(self) -> None:
        match self._state:
            case Connected(parts, opened_at):
                preparing = None
                if self._prepared is not None:
                    preparing = parts.loop.call_later(
                        PREPARE_AFTER_S, self._prepare_next, self._prepared
                    )
                self._state = Playing(parts, opened_at, preparing=preparing)
                self._post(FirstFrameDecoded(self.number))
            case New() | Offered() | Connecting() | Playing() | Failed() | Leaving() | Closed():
                pass
            case _:
                assert_never(self._state)

    def _prepare_next(self, prepared: PreparedConnections) -> None:
        if not isinstance(self._state, Playing) or not self._may_send():
            return  # this connection was lost meanwhile, and the next one is being made
        try:
            prepared.prepare()
        except Exception:
            _log.exception("the next connection could not be prepared")  # its offer will say why

    def _on_dtls_change(self) -> None:
        parts = parts_of(self._state)
        if parts is None:
            return
        match parts.dtls.state:
            case "connected":
                self._on_connected()
            case "failed":
                self._fail("DTLS failed")
            case "closed":
                self._on_evidence(HardEvidence.DTLS_CLOSED, "")
            case _:
                pass

    def _on_connected(self) -> None:
        match self._state:
            case Connecting(parts, deadline):
                deadline.cancel()
                self._state = Connected(parts, self._clock())
                self._post(ConnectionOpened(self.number))
            case New() | Offered() | Connected() | Playing() | Failed() | Leaving() | Closed():
                pass
            case _:
                assert_never(self._state)

    def _on_ice_change(self) -> None:
        parts = parts_of(self._state)
        if parts is not None and parts.dtls.transport.state == "failed":
            self._fail("ICE failed")

    def _fail(
        self, detail: str, event: type[ConnectionFailed | VideoRefused] = ConnectionFailed
    ) -> None:
        match self._state:
            case New() | Offered() | Connecting() | Connected() | Playing():
                self._state = Failed(self._state)
                self._post(event(self.number, detail))
            case Failed() | Leaving() | Closed():
                pass
            case _:
                assert_never(self._state)

    def _on_input_unavailable(self) -> None:
        """The host ended the data channels before one was open, or never had any."""
        if isinstance(self._state, Connecting | Connected | Playing):
            self._post(InputUnavailable(self.number))

    def _to_listener(self, report: Callable[[ChannelListener], None]) -> None:
        if self._listener is not None and not self._is_closed():
            report(self._listener)

    def _on_evidence(self, evidence: HardEvidence, detail: str) -> None:
        """UNREACHABLE is only a hint and may be posted repeatedly, RTCP_BYE too, as later media
        revoke it. While connecting UNREACHABLE is ignored: other candidate pairs may still work,
        and our deadline ends the attempt."""
        match self._state:
            case Playing(evidence=posted):
                if evidence in posted:
                    return
                if evidence not in (HardEvidence.UNREACHABLE, HardEvidence.RTCP_BYE):
                    self._state = replace(self._state, evidence=posted | {evidence})
                self._post(HardEvidenceSeen(self.number, evidence, detail))
            case New() | Offered() | Connecting() | Connected():
                if evidence is HardEvidence.SERVER_DISCONNECTED:
                    self._post(HardEvidenceSeen(self.number, evidence, detail))
                if evidence is not HardEvidence.UNREACHABLE:
                    self._fail(evidence.value if not detail else f"{evidence.value}: {detail}")
            case Failed() | Leaving() | Closed():
                pass
            case _:
                assert_never(self._state)

    # --- commands ---------------------------------------------------------------------------------

    def _open_parts(self) -> Parts | None:
        """The parts while commands have an effect: None before the offer and after the close."""
        return None if self._is_closed() else parts_of(self._state)

    def request_key_frame(self) -> None:
        """Ask the host for a key frame, at most once each 300 ms."""
        if (parts := self._open_parts()) is not None:
            parts.media.video.request_key_frame()

    def start_checks(self) -> None:
        """Send connectivity checks often (policy) until `stop_checks`."""
        if (parts := self._open_parts()) is not None:
            parts.transport.checks.start()
            if self._prepared is not None:
                self._prepared.confirm()

    def stop_checks(self) -> None:
        if (parts := self._open_parts()) is not None:
            parts.transport.checks.stop()

    def mute(self) -> None:
        """Send nothing but the checks of `start_checks`."""
        if (parts := self._open_parts()) is not None:
            parts.transport.outgoing.mute()

    def unmute(self) -> None:
        if (parts := self._open_parts()) is not None:
            parts.transport.outgoing.unmute()

    async def say_goodbye(self, times: int) -> None:
        """RTCP BYE, SCTP ABORT and DTLS close_notify, `times` times, about 20 ms each; then silence
        for good: the connection is given up, and no evidence is posted from here on."""
        if not isinstance(self._state, Leaving | Closed):
            self._state = Leaving(self._state)
        if (parts := self._open_parts()) is not None:
            await parts.transport.goodbye(times, list(parts.media.ssrcs), parts.pc.sctp)

    def listen(self, listener: ChannelListener) -> None:
        """Read both data channels from now on. Call it once, before the offer."""
        self._listener = listener

    def send(self, label: str, data: bytes | str) -> bool:
        """Send a message on a data channel at once, if that is open and the peer not muted; else
        never. Returns whether it was sent."""
        parts = self._open_parts()
        return parts is not None and parts.channels.send(label, data)

    def channel_state(self, label: str) -> ChannelState:
        """What a browser would show of a data channel."""
        parts = self._open_parts()
        if parts is None:
            return ChannelState("closed" if self._is_closed() else "connecting", 0)
        return parts.channels.state(label)

    def server_disconnected(self, reason: str) -> None:
        """The service's input module read a disconnect of the server, with this reason."""
        self._on_evidence(HardEvidence.SERVER_DISCONNECTED, reason)

    def show(self, shown: bool) -> None:
        """Only a shown peer puts pictures into the slot and plays sound."""
        self._shown = shown
        if (parts := parts_of(self._state)) is not None:
            parts.media.show(shown)
        self._decoder.show(shown)

    def _may_send(self) -> bool:
        parts = parts_of(self._state)
        return parts is not None and parts.transport.outgoing.may_send

    # --- numbers ----------------------------------------------------------------------------------

    @property
    def local_addresses(self) -> frozenset[str]:
        """This machine's addresses that the connection uses; none before its offer."""
        return parts.transport.local_addresses if (parts := self._open_parts()) else frozenset()

    @property
    def channel_acks(self) -> int:
        """How many data channels the host has acknowledged (DATA_CHANNEL_ACK)."""
        return parts.transport.channel_acks if (parts := self._open_parts()) else 0

    def sample(self) -> ConnectionSample | None:
        """For the detector, each `policy.sample_every_s`; None before the connection is up."""
        return self._statistics.sample(self._state)

    def statistics(self) -> StreamStatistics:
        """The connection in numbers for people; the rates need regular calls of `sample`."""
        return self._statistics.statistics(self._state, shown=self._shown)

    # --- the end ----------------------------------------------------------------------------------

    async def close(self) -> None:
        """End it, whatever its state: bounded in time, no task, thread or socket stays behind."""
        if not isinstance(self._state, Closed):
            closing = spawn(self._close(self._state), name=f"{self._name}-close")
            self._state = Closed(self._state, closing)
        await asyncio.shield(self._state.closing)

    async def _close(self, state: PeerState) -> None:
        self._decoder.stop()
        ice: asyncio.Task[None] | None = None
        match progress_of(state):
            case Connecting(_, deadline, ice):
                await cancel(deadline)
            case Playing(preparing=preparing) if preparing is not None:
                preparing.cancel()
            case New() | Offered() | Connected() | Playing():
                pass
            case progress:
                assert_never(progress)
        if (parts := parts_of(state)) is not None:
            await parts.close(self._name)
        await cancel(ice)
        for _ in range(int(THREAD_END_WITHIN_S / 0.005)):
            if not self._decoder.alive:
                break
            await asyncio.sleep(0.005)
