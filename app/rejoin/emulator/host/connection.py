"""One connection of a host: the answerer's RTCPeerConnection and everything that belongs to it."""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Sequence
from functools import partial
from typing import Protocol

from aioice import stun
from aioice.ice import StunProtocol
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidStateError
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcsctptransport import RTCSctpTransport

from rejoin import tasks
from rejoin.clock import Clock
from rejoin.emulator.host.client_feedback import ClientFeedback
from rejoin.emulator.host.client_input import ClientInput
from rejoin.emulator.host.client_presence import ClientPresence
from rejoin.emulator.host.client_voice import ClientVoice
from rejoin.emulator.host.congestion_control import CongestionControl
from rejoin.emulator.host.game import Game
from rejoin.emulator.host.h264 import h264_profile
from rejoin.emulator.host.host_socket import HostSocket, open_host_socket
from rejoin.emulator.host.media_player import MediaPlayer
from rejoin.emulator.host.message_channel import MessageChannel
from rejoin.emulator.host.music import SAMPLE_RATE_HZ
from rejoin.emulator.host.negotiation import negotiate
from rejoin.emulator.host.relay import Relay
from rejoin.emulator.host.relay_port import RelayPort
from rejoin.emulator.host.rtp_stream import RtpStream
from rejoin.emulator.host.sdp import answer_sdp, bandwidth_limit_bps
from rejoin.emulator.host.udp_socket import Address
from rejoin.emulator.host.x264 import VIDEO_CLOCK_HZ, VideoFormat
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.errors import SignalError
from rejoin.input_protocol import controls
from rejoin.rtc import aiortc_seam
from rejoin.rtc.codecs import offer_every_profile
from rejoin.rtc.handshake_seam import (
    acknowledge_no_channels,
    bound_sources,
    hasten_association,
    hasten_checks,
    hasten_handshake,
    limit_answers_to_strangers,
    limit_checked_addresses,
)
from rejoin.rtc.retransmission import CheckPacer, RoundTrip
from rejoin.rtc.sctp_limits import limit_inbound
from rejoin.rtc.signal_codec import SignalRequest

_log = logging.getLogger("rejoin.emulator.host.connection")

CLOSE_TIMEOUT_S = 2.0
"""How long aiortc's own close may take (measured: some milliseconds)."""
LAST_PACKETS_S = 0.02
"""How long the last packets (BYE, DTLS close) take from the host's socket through the relay's."""

_DTLS_ROLES = {"active": "server", "passive": "client"}
"""The host's DTLS role where the offer's `a=setup` leaves no choice (RFC 8842, 5.3)."""


class ConnectionHost(Protocol):
    """What a connection needs from its host, and reports to it."""

    @property
    def settings(self) -> EmulatorSettings:
        """The settings as they are now."""
        ...

    @property
    def clock(self) -> Clock:
        """Boot time in seconds."""
        ...

    @property
    def relay(self) -> Relay:
        """The relay that every packet passes."""
        ...

    @property
    def mutes_new_connections(self) -> bool:
        """Whether an injected fault keeps RTP from new connections."""
        ...

    @property
    def media_delay_s(self) -> float:
        """How late, because of an injected fault, new connections get their first RTP."""
        ...

    def shares_performance(self) -> bool:
        """Whether the client gets performance statistics."""
        ...

    def connection_up(self, connection: HostConnection) -> None:
        """ICE and DTLS are up."""

    def connection_gone(self, connection: HostConnection, *, graceful: bool) -> None:
        """The client is gone."""

    def input_received(self, connection: HostConnection) -> None:
        """A controls message arrived."""

    def connection_closed(self, connection: HostConnection) -> None:
        """Everything of this connection is closed and freed."""


class ConnectionPhase(enum.Enum):
    """The progress of a connection."""

    CONNECTING = enum.auto()
    CONNECTED = enum.auto()
    CLOSING = enum.auto()


class MediaState(enum.Enum):
    """Whether a connection gets RTP."""

    PLAYING = enum.auto()
    MUTED = enum.auto()
    """By an injected fault."""
    GAME_OVER = enum.auto()
    """The game has ended: there is nothing to play any more."""


class HostConnection:
    """One connection. Injected faults can freeze, mute or silence it, or close its DTLS."""

    def __init__(self, host: ConnectionHost, number: int, game: Game, offer: SignalRequest) -> None:
        """`number`: the service's number of this connection."""
        offer_every_profile()
        self.number = number
        self.profile = ""
        self._host = host
        self._game = game
        self._offer = offer
        self._phase = ConnectionPhase.CONNECTING
        self._media = MediaState.MUTED if host.mutes_new_connections else MediaState.PLAYING
        self._pc = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._connect_as_aiortc = aiortc_seam.replace_connect(self._pc, self._connect)
        self._connecting: set[asyncio.Task[None]] = set()
        self._socket: HostSocket | None = None
        self._port: RelayPort | None = None
        self._dtls: RTCDtlsTransport | None = None
        self._player: MediaPlayer | None = None
        self._streams: list[RtpStream] = []
        self._congestion = CongestionControl(host.settings.bitrate_bps)
        self._feedback = ClientFeedback(self._congestion, host.clock)
        self._unmute_timer: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[None] | None = None
        received = partial(host.input_received, self)
        self._input = ClientInput(game, host.clock, received, self._limited)
        self._max_height = 0
        self._failed_packets = 0
        self.voice = ClientVoice(host.clock)
        self._messages = MessageChannel(lambda: self.frozen or self._media is MediaState.GAME_OVER)
        self._presence = ClientPresence(
            lambda: host.settings,
            host.clock,
            lambda graceful: host.connection_gone(self, graceful=graceful),
        )

    @property
    def connected(self) -> bool:
        """Whether ICE and DTLS are up."""
        return self._phase is ConnectionPhase.CONNECTED

    @property
    def frozen(self) -> bool:
        """Whether the connection neither sends nor receives, as in a hung process."""
        return self._socket is not None and self._socket.frozen

    # --- the answer -----------------------------------------------------------------------------

    async def answer(self) -> str:
        """The answer's SDP. Raises SignalError if the offer cannot be answered."""
        pc, settings = self._pc, self._host.settings
        pc.on("datachannel", self._channel_opened)
        try:
            await pc.setRemoteDescription(RTCSessionDescription(sdp=self._offer.sdp, type="offer"))
        except Exception as error:
            # aiortc's parser can fail on bad SDP with any exception; none of it is quoted.
            raise SignalError("The offer cannot be answered by this host.") from error
        transceivers = pc.getTransceivers()
        negotiate(transceivers, self._offer.sdp, settings)
        self._dtls = transceivers[0].receiver.transport
        self._prepare_transport(self._dtls)
        self._prepare_media(transceivers)
        role = _DTLS_ROLES.get(self._offer.setup, self._host.settings.dtls_role)
        aiortc_seam.set_dtls_role(self._dtls, role)
        await pc.setLocalDescription(await pc.createAnswer())
        if self._socket is None:
            raise SignalError("The host has no socket on 127.0.0.1 to answer with.")
        address: Address = self._socket.transport.get_extra_info("sockname")[:2]
        self._port = await self._host.relay.open_port(address)
        if self._phase is ConnectionPhase.CLOSING:
            await self._host.relay.close_port(self._port)
            raise SignalError("The game ended before its host could answer.")
        answer, offer = pc.localDescription.sdp, self._offer
        return answer_sdp(answer, self._port.address, offer.bundle, offer.rejected)

    async def _connect(self) -> None:
        """aiortc's way from ICE to the data channels; it fails if the connection is closed."""
        task = asyncio.current_task()
        assert task is not None
        self._connecting.add(task)
        try:
            await self._connect_as_aiortc()
        except InvalidStateError:
            if self._phase is not ConnectionPhase.CLOSING and self._pc.connectionState != "closed":
                raise
        finally:
            self._connecting.discard(task)

    def _prepare_transport(self, dtls: RTCDtlsTransport) -> None:
        """Install everything that differs from aiortc's own ICE, DTLS and SCTP."""
        ice = aiortc_seam.ice_connection(dtls)
        round_trip = RoundTrip()

        async def open_socket(component: int) -> HostSocket:
            self._socket = await open_host_socket(ice, component)
            hasten_checks(self._socket, CheckPacer(), round_trip)
            return self._socket

        def on_check(message: stun.Message, address: Address, socket: StunProtocol) -> None:
            settings = self._host.settings
            if settings.ice_checks_keep_connected:
                self._presence.packet_received()
            nominated = aiortc_seam.nominated_pair(ice) is not None
            if nominated and not settings.follows_new_address:
                message.attributes.pop("USE-CANDIDATE", None)
            answer_check(message, address, socket)

        aiortc_seam.gather_from_one_socket(ice, open_socket)
        aiortc_seam.connect_passively(ice)
        limit_answers_to_strangers(ice, self._host.clock)
        limit_checked_addresses(ice)
        answer_check = aiortc_seam.replace_check_handler(ice, on_check)
        aiortc_seam.prepare_dtls(dtls)
        hasten_handshake(dtls, round_trip, self._host.clock)
        bound_sources(dtls)
        aiortc_seam.watch_authenticated(dtls, self._presence.packet_authenticated)
        self._feedback.watch(dtls)
        dtls.on("statechange", self._dtls_changed)
        if self._pc.sctp is not None:
            hasten_association(self._pc.sctp, round_trip)
            self._watch_sctp(self._pc.sctp)

    def _watch_sctp(self, sctp: RTCSctpTransport) -> None:
        async def on_data(data: bytes) -> None:
            self._presence.packet_received()
            try:
                await handle_data(data)
            except ConnectionError:
                raise
            except Exception:
                # aiortc asserts on what the client sent; a failed assertion would end DTLS.
                level = logging.DEBUG if self._failed_packets else logging.WARNING
                _log.log(level, "connection %d: a data channel packet failed", self.number)
                self._failed_packets += 1
            if sctp.state == "closed":
                self._presence.goodbye_received()

        limit_inbound(sctp, lambda: None)
        if not self._host.settings.acknowledges_channels:
            acknowledge_no_channels(sctp)
        handle_data = aiortc_seam.replace_sctp_handler(sctp, on_data)

    def _prepare_media(self, transceivers: Sequence[RTCRtpTransceiver]) -> None:
        settings = self._host.settings
        streams = {
            each.kind: RtpStream(
                each.sender,
                clock_hz=VIDEO_CLOCK_HZ if each.kind == "video" else SAMPLE_RATE_HZ,
                epoch=self._game.started_at,
                clock=self._host.clock,
                next_number=self._congestion.next_number,
            )
            for each in reversed(transceivers)
        }
        self._streams = list(streams.values())
        for stream in self._streams:
            stream.answers_nack = settings.answers_nack
            stream.answers_pli = settings.answers_pli
        video = next(each for each in transceivers if each.kind == "video")
        codec = aiortc_seam.codecs_of(video)[0]
        self.profile = h264_profile(str(codec.parameters.get("profile-level-id", "42e01f")))
        limit_bps = bandwidth_limit_bps(self._offer.sdp) or settings.bitrate_bps
        self._player = MediaPlayer(
            self._game,
            VideoFormat(
                *settings.picture_size,
                settings.fps,
                min(settings.bitrate_bps, limit_bps),
                self.profile,
                settings.constant_bitrate,
                settings.packetization_mode,
                settings.quantizer_limit,
                settings.modelled_media,
                settings.strip_pictures,
            ),
            streams["video"],
            streams.get("audio"),
            self._host.clock,
        )
        self._player.paused = self._media is not MediaState.PLAYING or self._host.media_delay_s > 0
        self._player.voice = self.voice.meter
        if self._dtls is not None and "audio" in streams:
            audio = next(each for each in transceivers if each.kind == "audio")
            self.voice.listen(self._dtls, audio)
        self._feedback.steer(self._player, streams["video"])

    # --- while it is up -------------------------------------------------------------------------

    def _dtls_changed(self) -> None:
        if self._phase is ConnectionPhase.CLOSING or self._dtls is None:
            return
        if self._dtls.state == "connected" and self._phase is ConnectionPhase.CONNECTING:
            self._phase = ConnectionPhase.CONNECTED
            self._presence.start()
            if self._host.shares_performance():
                self._messages.share_performance()
            if self._host.settings.heartbeat_s > 0:
                every_s = self._host.settings.heartbeat_s
                self._messages.send_heartbeats(every_s, self._game, self._host.clock)
            if self._host.media_delay_s > 0 and self._media is MediaState.PLAYING:
                self._media = MediaState.MUTED
                loop = asyncio.get_running_loop()
                self._unmute_timer = loop.call_later(self._host.media_delay_s, self.unmute)
            self._update_player()
            self._host.connection_up(self)
        elif self._dtls.state in ("closed", "failed"):
            self._presence.goodbye_received()

    def _channel_opened(self, channel: RTCDataChannel) -> None:
        if channel.label == controls.INPUT_CHANNEL:
            channel.on("message", self._on_input)
            self._input.greet(channel)
        elif channel.label == controls.MESSAGE_CHANNEL:
            self._messages.opened(channel)

    def _on_input(self, message: str | bytes) -> None:
        if self._phase is not ConnectionPhase.CLOSING:
            self._input.on_message(message)

    def settings_changed(self) -> None:
        """The host's settings have other values now."""
        self._presence.settings_changed()
        self._size_pictures()

    def _limited(self, limits: controls.Limits) -> None:
        """Apply the client's limits on the host's pictures and bitrate."""
        self._max_height = limits.max_height
        if self._player is not None:
            self._player.limit_bitrate(limits.max_bitrate_kbps * 1000)
        self._size_pictures()

    def _size_pictures(self) -> None:
        if self._player is not None:
            width, height = self._host.settings.picture_size
            if 0 < self._max_height < height:
                width, height = width * self._max_height // height, self._max_height
            self._player.set_picture_size(width - width % 2, height - height % 2)

    async def send_disconnect(self, reason: str) -> None:
        """Send the client the reason for which it will be closed."""
        await self._messages.send_disconnect(reason, self._pc.sctp)

    # --- injected faults ------------------------------------------------------------------------

    def set_frozen(self, frozen: bool) -> None:
        """Stop sending and receiving, or resume both."""
        if self._socket is not None:
            self._socket.frozen = frozen
        self._update_player()

    def mute(self) -> None:
        """Stop sending RTP."""
        self._set_media(MediaState.MUTED)

    def unmute(self) -> None:
        """Resume sending RTP."""
        self._set_media(MediaState.PLAYING)

    def pause_picture(self, paused: bool) -> None:
        """Stop sending video, or resume it; sound goes on."""
        if self._player is not None:
            self._player.picture_paused = paused

    def end_game(self) -> None:
        """The game has ended: send no RTP any more, whatever is unmuted later."""
        self._set_media(MediaState.GAME_OVER)

    def set_silent_since(self, at: float | None) -> None:
        """The client was silenced at this boot time; None: it no longer is."""
        self._presence.set_silent_since(at)

    async def close_dtls(self) -> None:
        """Close DTLS without any other goodbye."""
        if self._dtls is not None:
            await self._dtls.stop()

    def _set_media(self, media: MediaState) -> None:
        if self._unmute_timer is not None:
            self._unmute_timer.cancel()
            self._unmute_timer = None
        if self._media is not MediaState.GAME_OVER:
            self._media = media
        self._update_player()

    def _update_player(self) -> None:
        if self._player is not None:
            self._player.paused = self.frozen or self._media is not MediaState.PLAYING

    # --- the end --------------------------------------------------------------------------------

    def start_closing(self) -> None:
        """Begin to close; the host waits for the end of it when it stops."""
        if self._closing is None:
            self._phase = ConnectionPhase.CLOSING
            self._presence.stop()
            self._messages.stop()
            self._closing = tasks.spawn(self._close(), name="emulator-close")

    async def close(self) -> None:
        """Close and free everything; returns when nothing is left."""
        self.start_closing()
        assert self._closing is not None
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        if self._unmute_timer is not None:
            self._unmute_timer.cancel()
        self._input.close()
        await self._presence.close()
        await self._messages.close()
        if self._player is not None:
            await self._player.close()
        if self._pc.sctp is not None and not self._host.settings.end_raises_channel_errors:
            aiortc_seam.close_without_sctp_abort(self._pc.sctp)
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._pc.close()
        except Exception:
            _log.exception("connection %d did not close cleanly", self.number)
        await tasks.cancel(*self._connecting)
        # If the connection never came up, aiortc's close may not have stopped the streams.
        for stream in self._streams:
            await stream.stop()
        if self._socket is not None and not self._socket.transport.is_closing():
            await self._socket.close()
        if self._port is not None:
            await asyncio.sleep(LAST_PACKETS_S)
            await self._host.relay.close_port(self._port)
        self._host.connection_closed(self)

    def describe(self) -> dict[str, object]:
        """What this connection does, as JSON values."""
        player, streams = self._player, self._streams
        return {
            "connection": self.number,
            "codec_profile": self.profile,
            "bitrate_bps": player.bitrate_bps if player is not None else 0,
            "frames": player.frames if player is not None else 0,
            "key_frames": player.key_frames if player is not None else 0,
            "packets": sum(stream.counters.packets for stream in streams),
            "bytes": sum(stream.counters.octets for stream in streams),
            "resent": sum(stream.counters.resent for stream in streams),
            "loss": max((stream.counters.loss for stream in streams), default=0.0),
            "rtt_s": next(
                (each.counters.rtt_s for each in streams if each.counters.rtt_s is not None), None
            ),
            "feedback_reports": self._congestion.reports,
            "nacked": sum(stream.counters.nacked for stream in streams),
            "key_frame_requests": sum(stream.counters.key_frame_requests for stream in streams),
            "controls_messages": self._input.messages,
            "microphone": self.voice.describe(),
        }
