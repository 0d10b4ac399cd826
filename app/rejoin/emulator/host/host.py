"""A stream host: one running game, and at most one client connected to it over real WebRTC.

The game's state goes on whether or not anybody is connected. `answer` makes a fresh peer for each
offer; all its packets go through the host's relay, whose address is the answer's only candidate.
The host alone decides when a client is gone: from a silence it counts itself, at a clean close at
once; aioice's consent check, which kills slow paths, is not used.

What is changed about aiortc's and aioice's objects is changed on the instances, by
`rtc.aiortc_seam.override`, which fails loudly when an upgrade takes the name away.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aioice import Candidate, stun
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import ICE_COMPLETED, StunProtocol
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.codecs import is_rtx
from aiortc.exceptions import InvalidStateError
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtcpFeedback, RTCRtpCodecParameters

from rejoin import assets, tasks
from rejoin.clock import Clock, boot_s
from rejoin.emulator.host.game import TICKS_PER_S, Game
from rejoin.emulator.host.gamepads import with_gamepads
from rejoin.emulator.host.performance import SHARE_EVERY_S, LoadMeter
from rejoin.emulator.host.relay import BUFFER_BYTES, LOOPBACK, Address, Door, Relay, chance_of
from rejoin.emulator.host.sender import (
    AUDIO_CLOCK_HZ,
    VIDEO_CLOCK_HZ,
    MediaPlayer,
    RtpStream,
    VideoForm,
    h264_profile,
    prepare,
)
from rejoin.emulator.service.protocol_script import MAX_APPLICATION_MESSAGE
from rejoin.emulator.service.sessions import HostListener
from rejoin.emulator.service.settings import EmulatorSettings, Fault, FaultKind
from rejoin.errors import BadInputError, SignalError
from rejoin.input_protocol import controls
from rejoin.netem.link import Direction, Lane, Link, NetworkProfile, ProfileStage
from rejoin.netem.network_profile import parse_profile
from rejoin.rtc.aiortc_seam import override, prepare_dtls
from rejoin.rtc.codecs import offer_every_profile
from rejoin.rtc.signal_codec import SignalRequest, decode_request, encode_response

_log = logging.getLogger("rejoin.emulator.host.host")

TICK_EVERY_S = 0.050
"""How often the state is brought up to date while nobody looks at it; it is never behind when
somebody does."""
CLOSE_PATIENCE_S = 2.0
"""aiortc's own close is given this long (seen: some milliseconds)."""
FLUSH_LOOKS = 40
FLUSH_LOOK_EVERY_S = 0.005
"""How long a DISCONNECT message may take to be acknowledged: 0.2 s in all."""
SLOW_START_S = 3.0
"""What a slow start takes when the fault does not say."""

_PROFILES = ("42", "4d", "64")
"""Baseline, Main and High: what our encoder makes of the H.264 entries of an offer."""
_FEEDBACK_OBEYED = ("nack", "nack pli", "goog-remb")
"""What our sender reads of the feedback that a client offers to send. No FIR: it names its stream
inside (RFC 5104, 4.3.1), where aiortc does not look for whom to give it to."""
_RTCP_BYE = 203


class GameHost:
    """The emulator's stream host; fulfils `StreamHost` and `AdjustableHost` of the service."""

    def __init__(
        self,
        listener: HostListener,
        settings: EmulatorSettings,
        *,
        protocol_url: str,
        clock: Clock = boot_s,
    ) -> None:
        """`protocol_url`: where clients get `emulator.protocol`'s script."""
        self._listener = listener
        self._settings = settings
        self._protocol_url = protocol_url
        self._clock = clock
        self._game: Game | None = None
        self._relay = Relay(settings.relay_ports)
        self._peer: _Peer | None = None
        self._peers: set[_Peer] = set()
        self._ticking: asyncio.Task[None] | None = None
        self._lifting: asyncio.Task[None] | None = None
        self._used_offers: set[str] = set()
        self._stopped = False
        self._fault: Fault | None = None
        self.no_media = False
        """Connections that come get no RTP."""
        self.slow_start_s = 0.0
        """How late connections that come get their first RTP."""

    # StreamHost.

    async def start(self) -> None:
        """The game starts to run. Its pictures are prepared first, which takes 0.3 s once."""
        with concurrent.futures.ThreadPoolExecutor(1, "emulator-prepare") as thread:
            await asyncio.wrap_future(thread.submit(prepare))
        self._relay.lay(_path(self._settings, self._relay.now()))
        self._game = Game(self._clock(), self._settings.seed)
        self._ticking = tasks.spawn(self._tick(self._game), name="emulator-game")

    async def answer(self, connection: int, signal_request: str) -> str:
        """The SignalResponse to an offer. Raises SignalError; then nothing has changed."""
        if self._game is None or self._stopped:
            raise SignalError("There is no running game to connect to.")
        request = decode_request(signal_request)
        if request.ice_ufrag in self._used_offers:
            raise SignalError("This offer was used before; a connection needs a fresh one.")
        peer = _Peer(self, connection, self._game, request)
        self._peers.add(peer)
        try:
            sdp = await peer.answer()
        except BaseException:
            await peer.close()
            raise
        self._used_offers.add(request.ice_ufrag)
        former, self._peer = self._peer, peer
        if former is not None:
            former.leave()
        return encode_response(sdp, self._protocol_url)

    async def disconnect(self, reason: str) -> None:
        """Send DISCONNECT on the client's message channel, then close the connection."""
        peer, self._peer = self._peer, None
        if peer is not None:
            await peer.say_disconnect(reason)
            await peer.close()

    async def stop(self) -> None:
        """End the game; no task, thread or socket is left when this returns."""
        self._stopped = True
        self._peer = None
        await tasks.cancel(self._ticking, self._lifting)
        self._relay.unshape()  # Nothing waits for a network that ends with the game.
        while self._peers:
            await asyncio.gather(*(peer.close() for peer in list(self._peers)))
        await self._relay.close()

    async def inject(self, fault: Fault) -> float:
        """Make a fault happen; a fault that lasts replaces the one before. Boot time in seconds."""
        if self._game is None or self._stopped:
            raise BadInputError("The host has no running game to put a fault into.")
        peer = self._peer
        await tasks.cancel(self._lifting)
        self._lifting = None
        match fault.kind:
            case FaultKind.SILENCE:
                self._lift()
                if fault.for_all:
                    self._relay.all_silent = True
                else:
                    self._relay.silence_existing()
                at = self._fault_began(fault)
            case FaultKind.FREEZE:
                self._lift()
                if peer is not None:
                    peer.freeze(True)
                at = self._fault_began(fault)
            case FaultKind.PROFILE:
                self._lift()
                at = self._shape(fault)
            case FaultKind.NO_MEDIA:
                self._lift()
                if peer is not None:
                    peer.mute(True)
                self.no_media = fault.for_all
                at = self._clock()
                self._follow(fault, [])
            case FaultKind.SLOW_START:
                self._lift()
                self.slow_start_s = fault.duration_s or SLOW_START_S
                at = self._clock()
                self._fault = fault
            case FaultKind.DTLS_CLOSE:
                at = self._clock()
                if peer is not None:
                    await peer.close_dtls()
            case FaultKind.GRACEFUL_CLOSE:
                at = self._clock()
                if peer is not None:
                    self._peer = None
                    connected = peer.connected
                    peer.leave()
                    if connected:
                        self._listener.client_gone(peer.connection, graceful=True)
            case FaultKind.KILL:
                at = self._clock()
                await tasks.cancel(self._ticking)
                self._ticking = None
                self._game.advance(at)
                if peer is not None:
                    peer.pause()
                self._listener.game_exited(
                    failed=True, detail="the game process was killed by an injected fault"
                )
            case FaultKind.NONE:
                at = self._clock()
                self._lift()
        return at

    def game_state(self) -> dict[str, object]:
        """Counter, score, chain, connected and the like, as JSON values."""
        game, peer = self._game, self._peer
        if game is None:
            return {"running": False}
        if self._ticking is not None and not self._stopped:
            game.advance(self._clock())
        relay = self._relay.counters
        return {
            "running": self._ticking is not None and not self._stopped,
            "counter": game.counter,
            "started_at": game.started_at,
            "ticks_per_s": TICKS_PER_S,
            "score": game.score,
            "chain": game.chain.hex(),
            "key_presses": game.key_presses,
            "keys_held": sorted(game.held.keys),
            "connected": peer is not None and peer.connected,
            "frozen": peer is not None and peer.frozen,
            "fault": None if self._fault is None else self._fault.kind.value,
            "profile": None if self._fault is None else self._fault.profile,
            "media": None if peer is None else peer.describe(),
            "relay": {
                "packets_up": relay.up,
                "packets_down": relay.down,
                "packets_dropped": relay.dropped,
                "packets_delayed": relay.delayed,
                "packets_waiting": self._relay.waiting,
                "median_lateness_s": self._relay.lateness_s,
                "flows": relay.flows,
                "flows_rebound": relay.rebound,
                "receive_buffer_bytes": self._relay.granted_bytes,
            },
        }

    # AdjustableHost.

    def settings_changed(self, settings: EmulatorSettings) -> None:
        """Times of noticing and the path hold at once, picture and bitrate from the next
        connection on; seed and ports stay as they were."""
        before = self._settings
        if (settings.round_trip_s, settings.loss) != (before.round_trip_s, before.loss):
            self._relay.lay(_path(settings, self._relay.now()))
        self._settings = settings
        if self._peer is not None:
            self._peer.look_again()

    # Inside.

    async def _tick(self, game: Game) -> None:
        while True:
            game.advance(self._clock())
            await asyncio.sleep(TICK_EVERY_S)

    def _fault_began(self, fault: Fault) -> float:
        at = self._clock()
        self._notice(True)
        self._follow(fault, [])
        return at

    def _shape(self, fault: Fault) -> float:
        """Let the relay obey a network profile."""
        assert fault.profile is not None
        name, settings = fault.profile, self._settings
        profile = parse_profile(name, assets.text(f"profiles/{name}.toml"))
        window_s = fault.window_s
        if window_s is None:
            window_s = settings.notice_silent_client_s + settings.connection_timeout_s
        link = Link(
            profile,
            self._relay.now(),
            chance_of(fault.seed),
            directions=fault.directions,
            window_s=window_s,
        )
        self._relay.shape(link, existing=not fault.for_all)
        at = self._clock()
        moments: list[tuple[float, Callable[[], Awaitable[None]]]] = []

        async def silent() -> None:
            self._notice(True)

        async def heard() -> None:
            self._notice(False)

        cut = profile.cut
        # A cut of what the client sends is a silence; all other loss the host notices by itself.
        if cut is not None and Direction.UP in cut.directions & fault.directions:
            moments.append((cut.after_s, silent))
            length_s = cut.length_s(window_s)
            if length_s is not None:
                moments.append((cut.after_s + length_s, heard))
        if profile.rebind_after_s is not None:
            moments.append((profile.rebind_after_s, self._relay.rebind))
        self._follow(fault, moments)
        return at

    def _follow(
        self, fault: Fault, moments: list[tuple[float, Callable[[], Awaitable[None]]]]
    ) -> None:
        """Do what belongs to a fault when its time has come, seconds from now, and lift it."""

        async def lift() -> None:
            self._lift()

        if fault.duration_s is not None:
            # Whatever else would come later belongs to a fault that is over.
            moments = [each for each in moments if each[0] < fault.duration_s]
            moments.append((fault.duration_s, lift))
        self._fault = fault
        if moments:
            self._lifting = tasks.spawn(self._act(moments), name="emulator-fault")

    async def _act(self, moments: list[tuple[float, Callable[[], Awaitable[None]]]]) -> None:
        began_at = self._clock()
        for at_s, act in sorted(moments, key=lambda moment: moment[0]):
            await asyncio.sleep(max(0.0, began_at + at_s - self._clock()))
            await act()

    def _notice(self, silent: bool) -> None:
        if self._peer is not None:
            self._peer.silent_since(self._clock() if silent else None)

    def _lift(self) -> None:
        self._fault = None
        self.no_media = False
        self.slow_start_s = 0.0
        self._relay.speak()
        self._relay.unshape()
        if self._peer is not None:
            self._peer.freeze(False)
            self._peer.mute(False)
            self._peer.silent_since(None)

    # What a peer tells its host; a peer that is no longer the current one is not heard.

    def peer_connected(self, peer: _Peer) -> None:
        if peer is self._peer:
            self._listener.client_connected(peer.connection)

    def peer_gone(self, peer: _Peer, *, graceful: bool) -> None:
        if peer is self._peer:
            self._peer = None
            peer.leave()
            self._listener.client_gone(peer.connection, graceful=graceful)

    def peer_input(self, peer: _Peer) -> None:
        if peer is self._peer:
            self._listener.client_input()

    def shares_performance(self) -> bool:
        return self._listener.shares_performance()

    def peer_closed(self, peer: _Peer) -> None:
        self._peers.discard(peer)


_ROLES = {"active": "server", "passive": "client"}
"""What a host is in DTLS whose client does not leave it the choice (RFC 8842, 5.3)."""


class _HostSocket(StunProtocol):
    """aioice's UDP socket, which can be frozen: a hung process neither reads nor writes."""

    frozen = False

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        # An empty one can come from anybody, and aiortc would end DTLS over it.
        if not self.frozen and data:
            super().datagram_received(data, addr)

    async def send_data(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self.frozen:
            await super().send_data(data, addr)

    def send_stun(self, message: stun.Message, addr: tuple[str, int]) -> None:
        if not self.frozen:
            super().send_stun(message, addr)


class _Inbound:
    """aiortc's inbound SRTP session, telling of every packet that it authenticated."""

    def __init__(self, session: Any, heard: Callable[[bytes | None], None]) -> None:
        self._session = session
        self._heard = heard

    def unprotect(self, data: bytes) -> bytes:
        packet: bytes = self._session.unprotect(data)
        self._heard(None)
        return packet

    def unprotect_rtcp(self, data: bytes) -> bytes:
        packet: bytes = self._session.unprotect_rtcp(data)
        self._heard(packet)
        return packet


class _Peer:
    """One connection of a host: the answerer's RTCPeerConnection and what hangs on it."""

    def __init__(self, host: GameHost, connection: int, game: Game, request: SignalRequest) -> None:
        offer_every_profile()
        self.connection = connection
        self.connected = False
        self.frozen = False
        self.profile = ""
        self._host = host
        self._game = game
        self._request = request
        self._clock = host._clock
        self._pc = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._connect_as_aiortc: Callable[[], Awaitable[None]]
        self._connecting: set[asyncio.Task[None]] = set()
        self._socket: _HostSocket | None = None
        self._door: Door | None = None
        self._dtls: RTCDtlsTransport | None = None
        self._player: MediaPlayer | None = None
        self._streams: list[RtpStream] = []
        self._heard_at = 0.0
        self._silent_since: float | None = None
        self._look = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        self._goodbye: asyncio.Task[None] | None = None
        self._sharing: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._messages: RTCDataChannel | None = None
        self._sequence: int | None = None
        self._totals: controls.Controls | None = None
        self._pads: dict[int, controls.GamepadMessage] = {}
        self._release: asyncio.TimerHandle | None = None
        self._over = False
        self._muted = host.no_media
        self._begin_late: asyncio.TimerHandle | None = None
        self.controls_messages = 0

    # --- the answer -----------------------------------------------------------------------------

    async def answer(self) -> str:
        """The answer's SDP. Raises SignalError if the offer cannot be answered."""
        pc = self._pc
        pc.on("datachannel", self._take_channel)
        # aiortc runs this as a task that it never looks at again.
        connect = override(pc, "_RTCPeerConnection__connect", self._connect)
        self._connect_as_aiortc = connect
        try:
            await pc.setRemoteDescription(
                RTCSessionDescription(sdp=_without_candidates(self._request.sdp), type="offer")
            )
        except Exception as error:
            # aiortc meets bad SDP with whatever its parser trips over; nothing of it is quoted.
            raise SignalError("The offer cannot be answered by this host.") from error
        transceivers = pc.getTransceivers()
        for transceiver in transceivers:
            transceiver.direction = "sendonly"
            transceiver._codecs = _chosen(
                transceiver, self._request.sdp, self._host._settings.packetization_mode
            )
        self._dtls = transceivers[0].receiver.transport
        self._prepare(self._dtls)
        self._play(transceivers)
        role = _ROLES.get(self._request.setup, self._host._settings.dtls_role)
        self._dtls._set_role(role)
        await pc.setLocalDescription(await pc.createAnswer())
        if self._socket is None:
            raise SignalError("The host has no socket on 127.0.0.1 to answer with.")
        address: Address = self._socket.transport.get_extra_info("sockname")[:2]
        self._door = await self._host._relay.open_door(address)
        if self._leaving:
            await self._door.close()
            raise SignalError("The game ended before its host could answer.")
        return _answer_sdp(pc.localDescription.sdp, self._door.address)

    async def _connect(self) -> None:
        """aiortc's way from ICE to the data channels, which fails when it is closed meanwhile."""
        task = asyncio.current_task()
        assert task is not None
        self._connecting.add(task)
        try:
            await self._connect_as_aiortc()
        except InvalidStateError:
            if not self._leaving and self._pc.connectionState != "closed":
                raise
        finally:
            self._connecting.discard(task)

    def _prepare(self, dtls: RTCDtlsTransport) -> None:
        ice = dtls.transport._connection

        async def gather(component: int, **_unused: Any) -> Any:
            """One socket on 127.0.0.1, which aioice by itself leaves out."""
            loop = asyncio.get_running_loop()
            transport, protocol = await loop.create_datagram_endpoint(
                lambda: _HostSocket(ice), local_addr=(LOOPBACK, 0)
            )
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                transport.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, option, BUFFER_BYTES
                )
            protocol.local_candidate = Candidate(
                foundation=candidate_foundation("host", "udp", LOOPBACK),
                component=component,
                transport="udp",
                priority=candidate_priority(component, "host"),
                host=LOOPBACK,
                port=transport.get_extra_info("sockname")[1],
                type="host",
            )
            ice._protocols.append(protocol)
            self._socket = protocol
            return [protocol.local_candidate]

        async def connect() -> None:
            """Wait for the client's checks: it knows us, we learn of it by what comes in.

            There is nothing to pace, so aioice's 20 ms steps and its consent task are left out.
            """
            for message, address, protocol in list(ice._early_checks):
                ice.check_incoming(message, address, protocol)
            ice._early_checks.clear()
            ice._early_checks_done = True
            result = await ice._check_list_state.get()
            for pair in ice._check_list:
                if pair.task is not None:
                    pair.task.cancel()
            if result != ICE_COMPLETED:
                raise ConnectionError("closed before a client came")

        def check_incoming(message: Any, address: Any, protocol: Any) -> None:
            if self._host._settings.checks_hold_connected:
                self._heard(None)
            if ice._nominated and not self._host._settings.follows_new_address:
                message.attributes.pop("USE-CANDIDATE", None)
            authenticated(message, address, protocol)

        def set_up_srtp() -> None:
            make_srtp()
            if dtls._rx_srtp is not None:
                dtls._rx_srtp = _Inbound(dtls._rx_srtp, self._heard)  # type: ignore[assignment]

        override(ice, "get_component_candidates", gather)
        override(ice, "connect", connect)
        authenticated = override(ice, "check_incoming", check_incoming)
        prepare_dtls(dtls)
        make_srtp = override(dtls, "_setup_srtp", set_up_srtp)
        dtls.on("statechange", self._dtls_changed)
        sctp = self._pc.sctp
        if sctp is not None:

            async def handle_data(data: bytes) -> None:
                self._heard(None)
                try:
                    await take_data(data)
                except ConnectionError:
                    raise
                except Exception:
                    # aiortc asserts on what the client sent; that must not end DTLS.
                    _log.warning("connection %d: a data channel packet failed", self.connection)
                if sctp.state == "closed":
                    self._client_left()

            take_data = override(sctp, "_handle_data", handle_data)

    def _play(self, transceivers: Sequence[RTCRtpTransceiver]) -> None:
        settings, epoch = self._host._settings, self._game.started_at
        streams = {
            each.kind: RtpStream(
                each.sender,
                clock_hz=VIDEO_CLOCK_HZ if each.kind == "video" else AUDIO_CLOCK_HZ,
                epoch=epoch,
                clock=self._clock,
            )
            for each in reversed(transceivers)
        }
        self._streams = list(streams.values())
        for stream in self._streams:
            stream.answers_nack = settings.answers_nack
        codec = next(each for each in transceivers if each.kind == "video")._codecs[0]
        self.profile = h264_profile(str(codec.parameters.get("profile-level-id", "42e01f")))
        wish_bps = _bandwidth_wish_bps(self._request.sdp)
        self._player = MediaPlayer(
            self._game,
            VideoForm(
                settings.width,
                settings.height,
                settings.fps,
                min(settings.bitrate_bps, wish_bps or settings.bitrate_bps),
                self.profile,
                settings.constant_bitrate,
                settings.packetization_mode,
            ),
            streams["video"],
            streams.get("audio"),
            self._clock,
        )
        self._player.paused = self._muted or self._host.slow_start_s > 0

    # --- noticing -------------------------------------------------------------------------------

    def _heard(self, rtcp: bytes | None) -> None:
        """An authenticated packet came in; `rtcp` is its plain text if it was RTCP."""
        self._heard_at = self._clock()
        if rtcp is not None and _holds_bye(rtcp):
            self._client_left()

    def _dtls_changed(self) -> None:
        if self._closing is not None or self._dtls is None:
            return
        if self._dtls.state == "connected" and not self.connected:
            self.connected = True
            self._heard_at = self._clock()
            self._watch = tasks.spawn(self._watch_silence(), name="emulator-silence")
            if self._host.shares_performance():
                self._sharing = tasks.spawn(self._share_performance(), name="emulator-stats")
            if self._host.slow_start_s > 0 and not self._muted:
                self._muted = True
                self._begin_late = asyncio.get_running_loop().call_later(
                    self._host.slow_start_s, self.mute, False
                )
            self._set_playing()
            self._host.peer_connected(self)
        elif self._dtls.state in ("closed", "failed"):
            self._client_left()

    def _client_left(self) -> None:
        """A clean goodbye: BYE, SCTP abort or DTLS close, whichever is seen first."""
        if self.connected and self._goodbye is None and self._closing is None:
            self._goodbye = tasks.spawn(self._notice_goodbye(), name="emulator-goodbye")

    async def _notice_goodbye(self) -> None:
        await asyncio.sleep(self._host._settings.notice_graceful_close_s)
        self._host.peer_gone(self, graceful=True)

    async def _watch_silence(self) -> None:
        while True:
            settings = self._host._settings
            if self._silent_since is not None:
                due = self._silent_since + settings.notice_silent_client_s
            else:
                patience_s = max(settings.notice_silent_client_s, settings.notice_unprovoked_min_s)
                due = self._heard_at + patience_s
            wait_s = due - self._clock()
            if wait_s <= 0:
                self._host.peer_gone(self, graceful=False)
                return
            self._look.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), wait_s)

    def silent_since(self, at: float | None) -> None:
        """An injected fault silenced the client at this boot time, or was lifted (None)."""
        self._silent_since = at
        self.look_again()

    def look_again(self) -> None:
        self._look.set()

    def pause(self) -> None:
        """Play nothing more: there is no game to play."""
        self._over = True
        self._set_playing()

    def mute(self, muted: bool) -> None:
        """Send no RTP, or go on."""
        if self._begin_late is not None:
            self._begin_late.cancel()
            self._begin_late = None
        self._muted = muted
        self._set_playing()

    async def close_dtls(self) -> None:
        """Close DTLS and say nothing else."""
        if self._dtls is not None:
            await self._dtls.stop()

    def freeze(self, frozen: bool) -> None:
        """Neither send nor react, or go on."""
        self.frozen = frozen
        if self._socket is not None:
            self._socket.frozen = frozen
        self._set_playing()

    def _set_playing(self) -> None:
        if self._player is not None:
            self._player.paused = self.frozen or self._muted or self._over

    # --- data channels --------------------------------------------------------------------------

    def _take_channel(self, channel: RTCDataChannel) -> None:
        if channel.label == controls.INPUT_CHANNEL:
            channel.on("message", self._take_controls)
            channel.send(controls.encode(controls.Hello(controls.VERSION)))
        elif channel.label == controls.MESSAGE_CHANNEL:
            self._messages = channel
            channel.on("message", self._echo)

    def _echo(self, message: str | bytes) -> None:
        """Application messages come back as they are: a game for testing them."""
        size = len(message.encode()) if isinstance(message, str) else len(message)
        if self._messages is not None and size <= MAX_APPLICATION_MESSAGE and not self._leaving:
            with contextlib.suppress(ValueError):  # larger than this client takes
                self._messages.send(message)

    def _take_controls(self, message: str | bytes) -> None:
        if self._leaving or not isinstance(message, bytes):
            return
        try:
            taken = controls.decode(message)
        except controls.ControlsFormatError:
            return
        match taken:
            case controls.ControlsMessage(sequence, held):
                known = self._sequence
            case controls.GamepadMessage(sequence, pad):
                held = self._totals or controls.Controls()
                known = self._pads[pad].sequence if pad in self._pads else None
            case _:
                return
        if known not in (None, sequence) and not controls.is_newer(sequence, known):
            return
        self.controls_messages += 1
        before = self._totals
        if isinstance(taken, controls.GamepadMessage):
            self._pads[taken.pad] = taken
        else:
            self._sequence, self._totals = sequence, held
        travel = (0, 0)
        # The first message only says where the totals stand.
        if before is not None:
            travel = (
                controls.travel(held.pointer_x_total, before.pointer_x_total),
                controls.travel(held.pointer_y_total, before.pointer_y_total),
            )
        held = with_gamepads(held, (each.gamepad for each in self._pads.values()))
        if held != self._game.held or travel != (0, 0):
            self._game.hold(held, self._clock(), travel=travel)
        if self._release is not None:
            self._release.cancel()
        loop = asyncio.get_running_loop()
        self._release = loop.call_later(controls.RELEASE_AFTER_S, self._let_go)
        self._host.peer_input(self)

    def _let_go(self) -> None:
        self._release = None
        if self._totals is not None:
            self._totals = self._totals.released()
        for pad, known in self._pads.items():
            self._pads[pad] = controls.GamepadMessage(known.sequence, pad, controls.Gamepad())
        if self._game.held.held:
            self._game.release(self._clock())

    async def _share_performance(self) -> None:
        meter = LoadMeter()
        while True:
            await asyncio.sleep(SHARE_EVERY_S)
            channel = self._messages
            if channel is not None and channel.readyState == "open" and not self.frozen:
                channel.send(controls.encode(controls.Performance(meter.read())))

    async def say_disconnect(self, reason: str) -> None:
        """Tell the client why it will be closed, and let the message leave."""
        channel, sctp = self._messages, self._pc.sctp
        if channel is None or sctp is None or channel.readyState != "open":
            return
        channel.send(controls.encode(controls.Disconnect(reason)))
        for _ in range(FLUSH_LOOKS):
            if not channel.bufferedAmount and not sctp._flight_size:
                return
            await asyncio.sleep(FLUSH_LOOK_EVERY_S)

    # --- the end --------------------------------------------------------------------------------

    @property
    def _leaving(self) -> bool:
        return self._closing is not None

    def leave(self) -> None:
        """Begin to close; the host waits for it at its own end."""
        if self._closing is None:
            self._closing = tasks.spawn(self._close(), name="emulator-close")

    async def close(self) -> None:
        """Close and free everything; returns when nothing is left."""
        self.leave()
        assert self._closing is not None
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self.connected = False
        if self._begin_late is not None:
            self._begin_late.cancel()
        if self._release is not None:
            self._release.cancel()
            self._let_go()
        await tasks.cancel(self._watch, self._goodbye, self._sharing)
        if self._player is not None:
            await self._player.close()
        try:
            await asyncio.wait_for(self._pc.close(), CLOSE_PATIENCE_S)
        except Exception:
            _log.exception("connection %d did not close cleanly", self.connection)
        await tasks.cancel(*self._connecting)
        # A connection that never came up may not have reached aiortc's own stop of the streams.
        for stream in self._streams:
            await stream.stop()
        if self._socket is not None and not self._socket.transport.is_closing():
            await self._socket.close()
        if self._door is not None:
            # The last packets (BYE, DTLS close) are in the relay's sockets: let them through.
            await asyncio.sleep(0.02)
            await self._door.close()
        self._host.peer_closed(self)

    def describe(self) -> dict[str, object]:
        """What this connection does, as JSON values."""
        player, streams = self._player, self._streams
        return {
            "connection": self.connection,
            "codec_profile": self.profile,
            "bitrate_bps": player.bitrate_bps if player is not None else 0,
            "frames": player.frames if player is not None else 0,
            "key_frames": player.key_frames if player is not None else 0,
            "packets": sum(stream.counters.packets for stream in streams),
            "bytes": sum(stream.counters.octets for stream in streams),
            "resent": sum(stream.counters.resent for stream in streams),
            "nacked": sum(stream.counters.nacked for stream in streams),
            "key_frame_requests": sum(stream.counters.key_frame_requests for stream in streams),
            "controls_messages": self.controls_messages,
        }


# --- SDP ------------------------------------------------------------------------------------------


def _path(settings: EmulatorSettings, now: float) -> Link | None:
    """The way between client and host where there is no fault."""
    if settings.round_trip_s == 0 and settings.loss == 0:
        return None
    lane = Lane(delay_s=settings.round_trip_s / 2, loss=settings.loss)
    return Link(
        NetworkProfile("path", stages=(ProfileStage(up=lane, down=lane),)), now, chance_of(0)
    )


def _without_candidates(sdp: str) -> str:
    """An offer whose client is only ever learned of through the relay.

    With end-of-candidates and no candidate aioice would give up before the first check.
    """
    lines = [
        line
        for line in sdp.replace("\r\n", "\n").split("\n")
        if line and not line.startswith(("a=candidate:", "a=end-of-candidates"))
    ]
    return "".join(f"{line}\r\n" for line in lines)


def _chosen(transceiver: RTCRtpTransceiver, offer: str, mode: int) -> list[RTCRtpCodecParameters]:
    """The client's first choice of what is in common, with its RTX. Raises SignalError if none is.

    An offer lists formats in the order in which its maker prefers them (RFC 3264, 5.1).
    """
    # aiortc answers offered payload types under 96 with numbers of its own: those are left out.
    offered = {int(number) for number in re.findall(r"(?m)^a=rtpmap:([0-9]{1,3}) ", offer)}
    common = [codec for codec in transceiver._codecs if codec.payloadType in offered]
    if transceiver.kind == "audio":
        usable = [codec for codec in common if codec.mimeType.lower() == "audio/opus"]
        wanted = "Opus audio"
    else:
        usable = [
            codec
            for codec in common
            if codec.mimeType.lower() == "video/h264"
            and str(codec.parameters.get("packetization-mode", "0")) == str(mode)
            and str(codec.parameters.get("profile-level-id", ""))[:2].lower() in _PROFILES
        ]
        wanted = f"H.264 video in packetization mode {mode}"
    if not usable:
        raise SignalError(f"The offer takes no {wanted}.")
    codec = usable[0]
    codec.rtcpFeedback = _feedback(codec, offer)
    if transceiver.kind == "audio":
        # We send both channels, whatever the client plays (RFC 7587, 6.1).
        codec.parameters = {"stereo": 1, "sprop-stereo": 1}
    rtx = [
        each for each in common if is_rtx(each) and each.parameters.get("apt") == codec.payloadType
    ]
    return [codec, *rtx[:1]]


def _feedback(codec: RTCRtpCodecParameters, offer: str) -> list[RTCRtcpFeedback]:
    """What the client offers to send for this format and our sender obeys."""
    lines = re.findall(rf"(?m)^a=rtcp-fb:{codec.payloadType} ([!-~ ]+?)\r?$", offer)
    kinds = (line.partition(" ") for line in lines if line in _FEEDBACK_OBEYED)
    return [RTCRtcpFeedback(type=kind, parameter=what or None) for kind, _, what in kinds]


def _bandwidth_wish_bps(sdp: str) -> int | None:
    """What the offer's video section says it takes at most (RFC 4566 `b=`), if it does."""
    wish: int | None = None
    in_video = False
    for line in sdp.splitlines():
        if line.startswith("m="):
            in_video = line.startswith("m=video")
        kind, _, value = line[2:].partition(":") if line.startswith("b=") else ("", "", "")
        if in_video and value.isascii() and value.isdigit() and len(value) < 10:
            if kind == "AS":
                wish = min(wish or 1 << 40, int(value) * 1000)
            elif kind == "TIAS":
                wish = min(wish or 1 << 40, int(value))
    return wish or None


def _answer_sdp(sdp: str, relay: Address) -> str:
    """aiortc's answer as the service shapes it: the relay's address in the first section only.

    All sections share one transport (BUNDLE), so the first one's candidate is for all (RFC 8843);
    no end-of-candidates, port or address of the host's own socket stays; the one fingerprint that
    everybody knows is enough.
    """
    candidate = Candidate(
        foundation=candidate_foundation("host", "udp", relay[0]),
        component=1,
        transport="udp",
        priority=candidate_priority(1, "host"),
        host=relay[0],
        port=relay[1],
        type="host",
    )
    lines: list[str] = []
    sections = 0
    for line in sdp.replace("\r\n", "\n").split("\n"):
        if line.startswith("m="):
            kind, _, rest = line.split(" ", 2)
            lines.append(f"{kind} 9 {rest}")
            sections += 1
        elif line.startswith("c="):
            lines.append("c=IN IP4 0.0.0.0")
            if sections == 1:
                lines.append(f"a=candidate:{candidate.to_sdp()}")
        elif line.startswith("a=fingerprint:"):
            if line.startswith("a=fingerprint:sha-256 "):
                lines.append(line)
        elif line and not line.startswith(("a=candidate:", "a=end-of-candidates")):
            lines.append(line)
    return "".join(f"{line}\r\n" for line in lines)


def _holds_bye(compound: bytes) -> bool:
    """Whether a compound RTCP packet says goodbye (RFC 3550, 6.6)."""
    at = 0
    while at + 4 <= len(compound):
        if compound[at + 1] == _RTCP_BYE:
            return True
        at += 4 + 4 * int.from_bytes(compound[at + 2 : at + 4])
    return False
