"""The only module that touches private parts of aiortc and aioice, for client and emulated host.

Everything is changed on *instances*, never on the libraries' modules or classes. `replace_*` puts a
method of ours in place of the library's, without a further call in between, and returns the
original, bound, where ours has to call it. The other functions read one private value or do one
private step. tests/rtc/test_library_contract.py checks every name, signature and call order that
this module relies on: after an upgrade of aiortc or aioice that test fails first.

Sections: DTLS and SRTP, ICE, SCTP, the peer connection with its senders and receivers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from aioice import Candidate, stun
from aioice.ice import ICE_COMPLETED, CandidatePair, Connection, StunProtocol
from aiortc import RTCPeerConnection, RTCRtpSender, RTCRtpTransceiver
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport, State
from aiortc.rtcrtpparameters import (
    RTCRtpCodecParameters,
    RTCRtpHeaderExtensionParameters,
    RTCRtpReceiveParameters,
    RTCRtpSendParameters,
)
from aiortc.rtcrtpreceiver import RTCRtpReceiver
from aiortc.rtcsctptransport import RTCSctpTransport
from aiortc.rtp import AnyRtcpPacket, is_rtcp
from OpenSSL import SSL
from pylibsrtp import Session

from rejoin.errors import PeerError
from rejoin.media.receive.rtp import HEADER_BYTES

Address = tuple[str, int]
PacketHandler = Callable[[bytes], Awaitable[None]]
CheckHandler = Callable[[stun.Message, Address, StunProtocol], None]
"""Handles an authenticated connectivity check: the request, its sender, the receiving socket."""
Gather = Callable[..., Awaitable[Sequence[Candidate]]]


def override(instance: object, name: str, replacement: Callable[..., Any]) -> Any:
    """Replace a method on one instance and return the original, bound.

    Raises PeerError if the method does not exist, as after an incompatible upgrade.
    """
    original = getattr(instance, name, None)
    if not callable(original):
        raise PeerError(f"This version of the WebRTC library has no {name}; it cannot be used.")
    setattr(instance, name, replacement)
    return original


# --- DTLS and SRTP --------------------------------------------------------------------------------


class RoutablePacket(Protocol):
    """What aiortc's router reads of an RTP packet to find its receiver."""

    @property
    def ssrc(self) -> int: ...
    @property
    def payload_type(self) -> int: ...


class RegisteredReceiver:
    """Base of a receiver of ours that aiortc gives RTCP to; see `register_receiver`."""

    def on_rtcp(self, packet: AnyRtcpPacket) -> None:
        """One RTCP packet from the sender of this receiver's stream."""
        raise NotImplementedError

    async def _handle_rtcp_packet(self, packet: AnyRtcpPacket) -> None:
        self.on_rtcp(packet)

    async def _handle_rtp_packet(self, packet: object, arrival_time_ms: int) -> None:
        """Never called: `replace_rtp_handler` gets the RTP that would arrive here."""
        raise NotImplementedError

    def _handle_disconnect(self) -> None:
        """DTLS closed; the owner of the connection listens for that itself."""


class RegisteredSender:
    """Base of a sender of ours that aiortc gives RTCP to; see `register_sender`.

    It sends with the SSRCs of the aiortc sender that it stands in for, which the SDP announced.
    """

    def __init__(self, sender: RTCRtpSender) -> None:
        self._ssrc = sender._ssrc
        self._rtx_ssrc = sender._rtx_ssrc

    @property
    def ssrc(self) -> int:
        return self._ssrc

    @property
    def rtx_ssrc(self) -> int:
        """SSRC of its retransmission stream (RFC 4588)."""
        return self._rtx_ssrc

    async def on_rtcp(self, packet: AnyRtcpPacket) -> None:
        """One RTCP packet about this sender's stream."""
        raise NotImplementedError

    async def _handle_rtcp_packet(self, packet: AnyRtcpPacket) -> None:
        await self.on_rtcp(packet)


def register_receiver(
    dtls: RTCDtlsTransport, receiver: RegisteredReceiver, parameters: RTCRtpReceiveParameters
) -> None:
    """Route RTP and RTCP of the streams in `parameters` to this receiver."""
    dtls._register_rtp_receiver(receiver, parameters)


def unregister_receiver(dtls: RTCDtlsTransport, receiver: RegisteredReceiver) -> None:
    dtls._unregister_rtp_receiver(receiver)


def register_sender(
    dtls: RTCDtlsTransport, sender: RegisteredSender, parameters: RTCRtpSendParameters
) -> None:
    """Route RTCP about this sender's SSRC to it."""
    dtls._register_rtp_sender(sender, parameters)


def unregister_sender(dtls: RTCDtlsTransport, sender: RegisteredSender) -> None:
    dtls._unregister_rtp_sender(sender)


def rtp_route(dtls: RTCDtlsTransport) -> Callable[[RoutablePacket], object | None]:
    """The function that finds the registered receiver of an RTP packet; None for unknown streams.

    The router learns: a known payload type with a new SSRC assigns that SSRC to the receiver.
    """
    route: Any = dtls._rtp_router.route_rtp
    return route  # type: ignore[no-any-return]


def rtp_sender(dtls: RTCDtlsTransport) -> PacketHandler:
    """The function that encrypts and sends one RTP or RTCP packet.

    It raises ConnectionError while DTLS is not connected.
    """
    return dtls._send_rtp


def replace_rtp_handler(
    dtls: RTCDtlsTransport, handler: Callable[[bytes, int], Awaitable[None]]
) -> None:
    """`handler(packet, arrival_time_ms)` gets each decrypted RTP packet from aioice's queue."""
    override(dtls, "_handle_rtp_data", handler)


def replace_rtcp_handler(dtls: RTCDtlsTransport, handler: PacketHandler) -> PacketHandler:
    """`handler(packet)` gets each decrypted compound RTCP packet; aiortc's own is returned."""
    original: PacketHandler = override(dtls, "_handle_rtcp_data", handler)
    return original


def deliver_media_directly(
    dtls: RTCDtlsTransport,
    protocol: StunProtocol,
    *,
    on_rtp: Callable[[bytes], None],
    on_failure: Callable[[], None],
    on_waiting: Callable[[bytes], None] = lambda _datagram: None,
) -> None:
    """Decrypt RTP as it arrives on this socket, before it enters aioice's queue.

    The queue and aiortc's task behind it cost two more turns of the event loop per packet. Only RTP
    of a connected transport goes to `on_rtp(packet)`, decrypted, and only while the queue is empty,
    so that packets stay in order. aiortc is connected, and has keys, once it has checked the host's
    fingerprint; when the host has closed DTLS nothing is delivered any more. Everything else is
    left to the libraries. `on_waiting(datagram)` sees the RTP among it before it enters the queue,
    still encrypted, from anybody.

    `on_failure()`: a datagram was forged, duplicated, empty or raised an exception; it is dropped.
    Anybody can send to this socket: aiortc reads the first byte of an empty datagram, and aioice
    reads STUN attributes that may be truncated.
    """
    queue = dtls.transport._connection._queue

    def datagram_received(data: bytes, address: tuple[Any, ...]) -> None:
        if not data:
            on_failure()
            return
        keys: Session | None = dtls._rx_srtp
        try:
            rtp = len(data) >= HEADER_BYTES and 128 <= data[0] < 192 and not is_rtcp(data)
            connected = dtls._state is State.CONNECTED
            if keys is None or not (rtp and connected and queue.empty()):
                if rtp:
                    on_waiting(data)
                original(data, address)
                return
            packet = keys.unprotect(data)
        except Exception:
            # aioice on malformed STUN; pylibsrtp on a forged, repeated or too long packet
            on_failure()
            return
        on_rtp(packet)

    original = override(protocol, "datagram_received", datagram_received)


class _WatchedSession:
    """aiortc's inbound SRTP session that reports every packet it authenticated."""

    def __init__(self, session: Session, on_packet: Callable[[bytes | None], None]) -> None:
        self._session = session
        self._on_packet = on_packet

    def unprotect(self, data: bytes) -> bytes:
        packet: bytes = self._session.unprotect(data)
        self._on_packet(None)
        return packet

    def unprotect_rtcp(self, data: bytes) -> bytes:
        packet: bytes = self._session.unprotect_rtcp(data)
        self._on_packet(packet)
        return packet


def watch_authenticated(dtls: RTCDtlsTransport, on_packet: Callable[[bytes | None], None]) -> None:
    """Call `on_packet` for each SRTP or SRTCP packet that was authenticated, before aiortc's own.

    Its argument is the decrypted compound packet for RTCP, None for RTP. Call it before the
    handshake.
    """

    def set_up_srtp() -> None:
        original()
        if dtls._rx_srtp is not None:
            dtls._rx_srtp = _WatchedSession(dtls._rx_srtp, on_packet)  # type: ignore[assignment]

    original = override(dtls, "_setup_srtp", set_up_srtp)


def set_dtls_role(dtls: RTCDtlsTransport, role: str) -> None:
    """Fix an answerer's role ("client" or "server"); call it before the answer is made."""
    dtls._set_role(role)


_CERTIFICATE = "_RTCDtlsTransport__local_certificate"


def certificate_of(dtls: RTCDtlsTransport) -> RTCCertificate:
    """This side's certificate."""
    certificate: RTCCertificate = getattr(dtls, _CERTIFICATE)
    return certificate


CIPHER_SUITES = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
    b"ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE+CHACHA20:ECDHE+AESGCM"
)
"""aiortc's, and all other AEADs: a server may have an RSA certificate, or AES-256 alone."""


def prepare_dtls(dtls: RTCDtlsTransport) -> None:
    """Create now what aiortc would create while a connection is being made.

    That is the SSL context, between ICE and the handshake (1 ms), and the certificate's
    fingerprints, again for each media section of each description.
    """
    certificate = certificate_of(dtls)
    context = certificate._create_ssl_context(srtp_profiles=dtls._srtp_profiles)
    context.set_cipher_list(CIPHER_SUITES)
    override(certificate, "_create_ssl_context", lambda srtp_profiles: context)
    fingerprints = certificate.getFingerprints()
    override(certificate, "getFingerprints", lambda: list(fingerprints))


async def close_notify(dtls: RTCDtlsTransport) -> None:
    """Send DTLS close_notify. The transport itself stays as it is. Raises SSL.Error."""
    ssl: SSL.Connection | None = dtls._ssl
    if ssl is not None:
        ssl.shutdown()
        await dtls._write_ssl()


# --- ICE ------------------------------------------------------------------------------------------


def ice_connection(dtls: RTCDtlsTransport) -> Connection:
    """aioice's connection, on which this transport runs."""
    return dtls.transport._connection


def sockets_of(connection: Connection) -> Sequence[StunProtocol]:
    """The gathered sockets; empty before gathering and after the close."""
    return connection._protocols


def nominated_pair(connection: Connection) -> CandidatePair | None:
    """The pair that packets are sent on; None before a nomination and after the close."""
    return connection._nominated.get(1)


def is_closing(connection: Connection) -> bool:
    return connection._closing


def replace_gathering(connection: Connection, gather: Gather) -> Gather:
    """`gather(component, addresses, timeout)` opens the sockets; returns the host candidates."""
    original: Gather = override(connection, "get_component_candidates", gather)
    return original


def gather_from_one_socket(
    connection: Connection, open_socket: Callable[[int], Awaitable[StunProtocol]]
) -> None:
    """Use the one socket that `open_socket(component)` opens, and no other.

    The protocol that it returns has its `local_candidate` set.
    """

    async def gather(component: int, **_unused: Any) -> Sequence[Candidate]:
        protocol = await open_socket(component)
        connection._protocols.append(protocol)
        return [protocol.local_candidate]

    override(connection, "get_component_candidates", gather)


def replace_check_handler(connection: Connection, handler: CheckHandler) -> CheckHandler:
    """`handler(request, address, socket)` gets each authenticated check of the other side.

    aioice's own, which answers it, is returned.
    """
    original: CheckHandler = override(connection, "check_incoming", handler)
    return original


def replace_consent(connection: Connection, run: Callable[[], Awaitable[None]]) -> None:
    """`run()` is the task that aioice starts once connected, in place of its consent checks.

    aioice's would close a healthy connection whose round trip exceeds 500 ms.
    """
    override(connection, "query_consent", run)


def cancel_consent(connection: Connection) -> None:
    """aioice leaves this task running when it is closed while it connects."""
    consent = connection._query_consent_task
    if consent is not None and not consent.done():
        consent.cancel()


def start_all_checks(connection: Connection) -> None:
    """Start the checks of all candidate pairs at once; `hasten_checks` paces what they send.

    aioice sleeps 20 ms after each pair before it reads the results. Pairs that appear later
    (peer-reflexive) are checked when the other side's check arrives. When all pairs fail nothing
    ends the attempt, as more candidates may be added: the caller needs a deadline.
    """

    def check_periodic() -> bool:
        unchecked = (CandidatePair.State.WAITING, CandidatePair.State.FROZEN)
        for pair in list(connection._check_list):
            if pair.state in unchecked:
                connection.check_start_task(pair)  # unless it was started
        return False

    override(connection, "_check_periodic", check_periodic)


def connect_passively(connection: Connection) -> None:
    """Wait for the other side's checks instead of pacing checks of our own.

    For an answerer whose address the other side knows, and which learns of the other side only by
    what arrives. aioice's pacing and its consent task are left out. The connection attempt fails
    with ConnectionError when it is closed before a check arrived.
    """

    async def connect() -> None:
        for message, address, protocol in list(connection._early_checks):
            connection.check_incoming(message, address, protocol)
        connection._early_checks.clear()
        connection._early_checks_done = True
        result = await connection._check_list_state.get()
        for pair in connection._check_list:
            if pair.task is not None:
                pair.task.cancel()
        if result != ICE_COMPLETED:
            raise ConnectionError("closed before a check arrived")

    override(connection, "connect", connect)


def replace_send_data(
    protocol: StunProtocol, send: Callable[[bytes, Address], Awaitable[None]]
) -> Callable[[bytes, Address], Awaitable[None]]:
    """`send(data, address)` gets each outgoing DTLS, SRTP and SRTCP datagram of this socket."""
    original: Callable[[bytes, Address], Awaitable[None]] = override(protocol, "send_data", send)
    return original


def replace_send_stun(
    protocol: StunProtocol, send: Callable[[stun.Message, Address], None]
) -> Callable[[stun.Message, Address], None]:
    """`send(message, address)` gets each outgoing STUN message of this socket."""
    original: Callable[[stun.Message, Address], None] = override(protocol, "send_stun", send)
    return original


def replace_error_handler(protocol: StunProtocol, handler: Callable[[Exception], None]) -> None:
    """`handler(error)` gets the operating system's errors for datagrams that this socket sent."""
    override(protocol, "error_received", handler)


# --- SCTP -----------------------------------------------------------------------------------------


def replace_sctp_handler(sctp: RTCSctpTransport, handler: PacketHandler) -> PacketHandler:
    """`handler(packet)` gets each inbound SCTP packet, decrypted; aiortc's own is returned.

    aiortc asserts on what the other side sent, and an exception other than ConnectionError ends
    DTLS: the handler must catch it. Call it before the connection starts.
    """
    original: PacketHandler = override(sctp, "_handle_data", handler)
    return original


def unacknowledged_bytes(sctp: RTCSctpTransport) -> int:
    """Bytes that were sent and not yet acknowledged."""
    return sctp._flight_size


def close_without_sctp_abort(sctp: RTCSctpTransport) -> None:
    """Let the close of DTLS end the association (RFC 8261, 6.1), with no ABORT chunk before it."""

    async def send_no_abort() -> None:
        """Nothing."""

    override(sctp, "_abort", send_no_abort)


# --- the peer connection, its senders and receivers -----------------------------------------------


def replace_connect(
    pc: RTCPeerConnection, connect: Callable[[], Awaitable[None]]
) -> Callable[[], Awaitable[None]]:
    """`connect()` runs in place of aiortc's way from ICE to the data channels, which is returned.

    aiortc starts it as a task whose exception nobody reads: `connect` must handle it.
    """
    original: Callable[[], Awaitable[None]] = override(pc, "_RTCPeerConnection__connect", connect)
    return original


def codecs_of(transceiver: RTCRtpTransceiver) -> list[RTCRtpCodecParameters]:
    """The codecs in common after an offer was applied, in the offer's order of preference."""
    return transceiver._codecs


def set_codecs(transceiver: RTCRtpTransceiver, codecs: list[RTCRtpCodecParameters]) -> None:
    """Answer with these codecs only."""
    transceiver._codecs = codecs


def header_extensions_of(transceiver: RTCRtpTransceiver) -> list[RTCRtpHeaderExtensionParameters]:
    """Those in common after an offer was applied; what is taken out of the list is not answered."""
    return transceiver._headerExtensions


def ssrc_of(sender: RTCRtpSender) -> int:
    """The SSRC that this side announced; a receiving side writes its RTCP with it."""
    ssrc: int = sender._ssrc
    return ssrc


def replace_receiving(
    receiver: RTCRtpReceiver,
    *,
    receive: Callable[[RTCRtpReceiveParameters], Awaitable[None]],
    stop: Callable[[], Awaitable[None]],
) -> None:
    """`receive(parameters)` is called once DTLS is up, `stop()` at the close.

    aiortc's receiver does nothing then; its decoder thread never starts.
    """
    override(receiver, "receive", receive)
    override(receiver, "stop", stop)


def replace_sending(
    sender: RTCRtpSender,
    *,
    send: Callable[[RTCRtpSendParameters], Awaitable[None]],
    stop: Callable[[], Awaitable[None]],
) -> None:
    """`send(parameters)` is called once DTLS is up, `stop()` at the close; aiortc's do nothing."""
    override(sender, "send", send)
    override(sender, "stop", stop)
