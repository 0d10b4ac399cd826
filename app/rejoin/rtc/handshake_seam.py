"""The seam's second half: private parts of aiortc and aioice that a handshake needs.

The same rules as in `aiortc_seam`: only instances are changed, and
tests/rtc/test_library_contract.py checks every name that is used here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from aioice import stun
from aioice.ice import Connection, StunProtocol
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcsctptransport import (
    DATA_CHANNEL_ACK,
    DATA_CHANNEL_OPEN,
    WEBRTC_DCEP,
    Chunk,
    InitChunk,
    RTCSctpTransport,
    SackChunk,
)
from aiortc.utils import uint32_gte
from OpenSSL import SSL
from pylibsrtp import Session

from rejoin.rtc.aiortc_seam import Address, override
from rejoin.rtc.dtls_flights import (
    ALERT,
    APPLICATION_DATA,
    HANDSHAKE,
    Cipher,
    OutgoingFlights,
    client_cipher,
    parse_records,
)
from rejoin.rtc.retransmission import DTLS_FLIGHTS, SCTP_CHUNKS, CheckPacer, RoundTrip

# --- ICE ------------------------------------------------------------------------------------------

STRANGERS_ANSWERED_PER_S = 10
"""A socket that answered every request could be made to send to anybody, and to do so all day."""


def limit_answers_to_strangers(connection: Connection, clock: Callable[[], float]) -> None:
    """Answer at most ten requests a second and socket that are not authenticated.

    aioice answers each with an error, 400 or 401. Authenticated requests are always answered, also
    with 487 (role conflict), which ICE needs.
    """
    answered: dict[StunProtocol, deque[float]] = {}

    def respond_error(
        request: stun.Message, address: Address, protocol: StunProtocol, error: tuple[int, str]
    ) -> None:
        if error[0] in (400, 401):
            times = answered.setdefault(protocol, deque(maxlen=STRANGERS_ANSWERED_PER_S))
            now = clock()
            if len(times) == STRANGERS_ANSWERED_PER_S and now - times[0] < 1.0:
                return
            times.append(now)
        respond_as_aioice(request, address, protocol, error)

    respond_as_aioice = override(connection, "respond_error", respond_error)


CHECKED_ADDRESSES_MAX = 100
"""Addresses from which authenticated checks are followed up (RFC 8445, 6.1.2.5 and 19.5.1)."""


def limit_checked_addresses(connection: Connection) -> None:
    """Learn a bounded number of peer-reflexive candidates. aioice keeps and checks each of them:
    the other side, which knows our password, could make us send checks to any number of addresses.

    Call it before `replace_check_handler`.
    """
    learned: set[Address] = set()

    def check_incoming(message: stun.Message, address: Address, protocol: StunProtocol) -> None:
        if address not in learned:
            if len(learned) >= CHECKED_ADDRESSES_MAX:
                return
            learned.add(address)
        check_as_aioice(message, address, protocol)

    check_as_aioice = override(connection, "check_incoming", check_incoming)


class _NotSent:
    """Takes the place of a socket for a transaction whose requests are sent by us."""

    def send_stun(self, message: stun.Message, addr: Address) -> None:
        """aioice would send it now, and again 0.5 s, 1.5 s, 3.5 s... later."""


def hasten_checks(
    protocol: StunProtocol,
    pacer: CheckPacer,
    rtt: RoundTrip,
    on_answer: Callable[[], object] = lambda: None,
) -> None:
    """Send the connectivity checks of this socket again as `retransmission` says.

    Other transactions (STUN and TURN servers, consent) stay aioice's. A check that is answered
    after it was sent once measures the round trip. `on_answer()`: an authenticated answer arrived.
    """

    async def request(
        message: stun.Message,
        address: Address,
        integrity_key: bytes | None = None,
        retransmissions: int | None = None,
    ) -> tuple[stun.Message, Address]:
        if integrity_key is None or retransmissions is not None:
            answer: tuple[stun.Message, Address] = await request_as_aioice(
                message, address, integrity_key=integrity_key, retransmissions=retransmissions
            )
            return answer
        message.add_message_integrity(integrity_key)
        transaction = stun.Transaction(message, address, _NotSent(), integrity_key=integrity_key)
        protocol.transactions[message.transaction_id] = transaction
        check = _CheckSending(protocol, message, address, pacer, rtt)
        try:
            check.send_when_free()
            response = await transaction.run()
            check.answered()
            on_answer()
        finally:
            check.stop()
            del protocol.transactions[message.transaction_id]
        return response

    request_as_aioice = override(protocol, "request", request)


class _CheckSending:
    """Sends one check until `stop`."""

    def __init__(
        self,
        protocol: StunProtocol,
        message: stun.Message,
        address: Address,
        pacer: CheckPacer,
        rtt: RoundTrip,
    ) -> None:
        self._protocol, self._message, self._address = protocol, message, address
        self._pacer, self._rtt = pacer, rtt
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._copies = 0
        self._sent_at = 0.0
        pacer.in_flight += 1

    def send_when_free(self) -> None:
        wait_s = self._pacer.wait_s(self._loop.time())
        if wait_s > 0:
            self._timer = self._loop.call_later(wait_s, self._send)
        else:
            self._send()

    def _send(self) -> None:
        self._copies += 1
        self._sent_at = self._loop.time()
        self._protocol.send_stun(self._message, self._address)
        delay_s = self._pacer.delay_s(self._copies, self._rtt.s)
        self._timer = self._loop.call_later(delay_s, self.send_when_free)

    def answered(self) -> None:
        if self._copies == 1:
            self._rtt.measure(self._loop.time() - self._sent_at)

    def stop(self) -> None:
        self._pacer.in_flight -= 1
        if self._timer is not None:
            self._timer.cancel()


# --- DTLS -----------------------------------------------------------------------------------------

LATE_FLIGHTS_READ = 8
"""How many repeated flights are read after the handshake: OpenSSL's server answers each with its
own last flight, and gives the connection up after twelve."""


def hasten_handshake(dtls: RTCDtlsTransport, rtt: RoundTrip, clock: Callable[[], float]) -> None:
    """Repeat DTLS flights as `retransmission` says; call it before the handshake.

    aiortc waits as long as `DTLSv1_get_timeout` says and then calls `DTLSv1_handle_timeout`: both
    are ours on its SSL connection.
    """

    async def do_handshake() -> None:
        assert dtls._ssl is not None
        handshake = _Handshake(dtls, dtls._ssl, rtt, clock)
        override(dtls, "_write_ssl", handshake.write)
        await do_handshake_as_aiortc()
        handshake.skip_numbers()

    do_handshake_as_aiortc = override(dtls, "_do_handshake", do_handshake)


class _Handshake:
    """The records of one DTLS connection, and the timer of its handshake."""

    def __init__(
        self,
        dtls: RTCDtlsTransport,
        ssl: SSL.Connection,
        rtt: RoundTrip,
        clock: Callable[[], float],
    ) -> None:
        self._dtls, self._ssl, self._rtt, self._clock = dtls, ssl, rtt, clock
        self._flights = OutgoingFlights(self._cipher)
        self._repeated: list[bytes] = []
        self._sent_at = 0.0
        self._late_flights = 0
        override(ssl, "DTLSv1_get_timeout", self._timeout_s)
        override(ssl, "DTLSv1_handle_timeout", self._repeat)
        self._bio_write = override(ssl, "bio_write", self._arrived)

    async def write(self) -> None:
        """Send what OpenSSL wrote, or the copies of a flight that are due."""
        flights = self._flights.flights
        datagrams = self._flights.written(_everything_written(self._ssl))
        if self._flights.flights > flights:
            self._sent_at = self._clock()
        repeated, self._repeated = self._repeated, []
        for datagram in repeated + datagrams:
            await self._dtls.transport._send(datagram)

    def _timeout_s(self) -> float | None:
        if self._dtls.encrypted or not self._flights.copies:
            return None
        delay_s = DTLS_FLIGHTS.delay_s(self._flights.copies, self._rtt.s)
        return max(0.0, self._sent_at + delay_s - self._clock())

    def _repeat(self) -> bool:
        """aiortc calls `write` next."""
        self._repeated = self._flights.repeated()
        self._sent_at = self._clock()
        return True

    def _cipher(self) -> Cipher | None:
        suite, master = self._ssl.get_cipher_name(), self._ssl.master_key()
        randoms = self._ssl.client_random(), self._ssl.server_random()
        if self._dtls._role != "client" or None in (suite, master, *randoms):
            return None
        return client_cipher(str(suite), bytes(master or b""), *(bytes(r or b"") for r in randoms))

    def skip_numbers(self) -> None:
        """Let OpenSSL write, and never send, a record for each number that a copy took."""
        taken = self._flights.numbers_taken
        if taken and self._dtls.encrypted:
            for _ in range(taken):
                self._ssl.send(b"\0")
            _everything_written(self._ssl)

    def _arrived(self, datagram: bytes) -> int:
        """In place of OpenSSL's `bio_write`: passes on only the first of many late flights."""
        if self._dtls.encrypted and any(r.kind == HANDSHAKE for r in parse_records(datagram)):
            self._late_flights += 1
            if self._late_flights > LATE_FLIGHTS_READ:
                kept = (r for r in parse_records(datagram) if r.kind in (ALERT, APPLICATION_DATA))
                datagram = b"".join(map(bytes, kept))
        written: int = self._bio_write(datagram) if datagram else 0
        return written


def _everything_written(ssl: SSL.Connection) -> bytes:
    """All of OpenSSL's outgoing buffer; aiortc reads 1,500 bytes of it."""
    data = b""
    while True:
        try:
            data += ssl.bio_read(65_536)
        except SSL.Error:
            return data


# --- SRTP -----------------------------------------------------------------------------------------

SOURCES_MAX = 256
"""Sources (SSRCs) of one connection; hosts have three or four."""


class BoundedKeys:
    """aiortc's inbound SRTP session, which forgets all sources but the newest.

    libsrtp keeps half a kilobyte for each and walks through all of them for each packet.
    """

    def __init__(self, session: Session, on_forgotten: Callable[[int], object]) -> None:
        self._session = session
        self._on_forgotten = on_forgotten
        self._known: dict[bytes, None] = {}

    def unprotect(self, data: bytes) -> bytes:
        packet: bytes = self._session.unprotect(data)
        if (source := data[8:12]) not in self._known:
            self._learn(source)
        return packet

    def unprotect_rtcp(self, data: bytes) -> bytes:
        packet: bytes = self._session.unprotect_rtcp(data)
        if (source := data[4:8]) not in self._known:
            self._learn(source)
        return packet

    def _learn(self, source: bytes) -> None:
        self._known[source] = None
        if len(self._known) > SOURCES_MAX:
            oldest = next(iter(self._known))
            del self._known[oldest]
            self._session.remove_stream(int.from_bytes(oldest))
            self._on_forgotten(int.from_bytes(oldest))


def bound_sources(dtls: RTCDtlsTransport) -> None:
    """Remember no more than `SOURCES_MAX` sources that the other side sent with.

    aiortc's router forgets the same ones: it learns them again by their payload types. Call it
    before the handshake.
    """

    def set_up_srtp() -> None:
        original()
        if dtls._rx_srtp is not None:
            known = dtls._rtp_router.ssrc_table
            dtls._rx_srtp = BoundedKeys(  # type: ignore[assignment]
                dtls._rx_srtp, lambda ssrc: known.pop(ssrc, None)
            )

    original = override(dtls, "_setup_srtp", set_up_srtp)


# --- SCTP -----------------------------------------------------------------------------------------


GIVEN_UP_AFTER_S = 27.0
"""How long aiortc repeats INIT or COOKIE-ECHO: nine times 3 s."""


def hasten_association(sctp: RTCSctpTransport, rtt: RoundTrip) -> None:
    """Send INIT, COOKIE-ECHO and the first data chunks again as `retransmission` says.

    The first data are what opens the channels and what is sent on them at once. aiortc waits 3 s
    for each, until SCTP has measured a round trip of its own; from then on its rule applies.

    Both sides send INIT, and aiortc is not made for one that comes twice: it repeats its own under
    the tag of the other side, which must be 0 (RFC 9260, 8.5.1), and one that comes late makes it
    forget which data it received.
    """
    loop = asyncio.get_running_loop()
    started_at = 0.0
    t1_copies = t3_copies = 1

    async def send_chunk(chunk: Chunk) -> None:
        tag = sctp._remote_verification_tag
        if isinstance(chunk, InitChunk):
            sctp._remote_verification_tag = 0
        try:
            await send_chunk_as_aiortc(chunk)
        finally:
            sctp._remote_verification_tag = tag

    async def receive_chunk(chunk: Chunk) -> None:
        if isinstance(chunk, InitChunk) and sctp._association_state is sctp.State.ESTABLISHED:
            return
        await receive_chunk_as_aiortc(chunk)

    def t1_start(chunk: Chunk) -> None:
        nonlocal started_at, t1_copies
        started_at, t1_copies = loop.time(), 1
        sctp._rto = SCTP_CHUNKS.delay_s(t1_copies, rtt.s)
        t1_start_as_aiortc(chunk)

    def t1_expired() -> None:
        nonlocal t1_copies
        t1_copies += 1
        sctp._rto = SCTP_CHUNKS.delay_s(t1_copies, rtt.s)
        if loop.time() - started_at < GIVEN_UP_AFTER_S:
            sctp._t1_failures = 0
        t1_expired_as_aiortc()

    def before_t3(original: Callable[[], None]) -> Callable[[], None]:
        def start() -> None:
            if sctp._srtt is None:
                sctp._rto = SCTP_CHUNKS.delay_s(t3_copies, rtt.s)
            original()

        return start

    def t3_expired() -> None:
        nonlocal t3_copies
        t3_copies += 1
        t3_expired_as_aiortc()

    send_chunk_as_aiortc = override(sctp, "_send_chunk", send_chunk)
    receive_chunk_as_aiortc = override(sctp, "_receive_chunk", receive_chunk)
    t1_start_as_aiortc = override(sctp, "_t1_start", t1_start)
    t1_expired_as_aiortc = override(sctp, "_t1_expired", t1_expired)
    t3_expired_as_aiortc = override(sctp, "_t3_expired", t3_expired)
    sctp._t3_start = before_t3(sctp._t3_start)  # type: ignore[method-assign]
    sctp._t3_restart = before_t3(sctp._t3_restart)  # type: ignore[method-assign]


def watch_association_end(sctp: RTCSctpTransport, on_end: Callable[[], None]) -> None:
    """Call `on_end` when the association is closed, whoever closed it.

    aiortc then closes the channels that it announced to the host; those that it never announced
    stay "connecting" for good.
    """

    def set_state(state: RTCSctpTransport.State) -> None:
        set_as_aiortc(state)
        if state is sctp.State.CLOSED:
            on_end()

    set_as_aiortc = override(sctp, "_set_state", set_state)


def keep_sctp_closed(sctp: RTCSctpTransport) -> None:
    """Send nothing to an answerer that takes no data channels; ours stay as they are."""

    async def start(capabilities: object, port: int) -> None:
        """In place of the association's start."""

    override(sctp, "start", start)


def acknowledge_no_channels(sctp: RTCSctpTransport) -> None:
    """Send no DATA_CHANNEL_ACK for the data channels that the other side opens."""

    async def send(stream_id: int, pp_id: int, user_data: bytes, **others: Any) -> None:
        if pp_id != WEBRTC_DCEP or user_data[0] != DATA_CHANNEL_ACK:
            await send_as_aiortc(stream_id, pp_id, user_data, **others)

    send_as_aiortc = override(sctp, "_send", send)


def open_channels_when_acknowledged(sctp: RTCSctpTransport, on_ack: Callable[[], None]) -> None:
    """A data channel is open as soon as SCTP acknowledged its DATA_CHANNEL_OPEN. `on_ack()`: a
    DATA_CHANNEL_ACK came.

    aiortc waits for DATA_CHANNEL_ACK, which some hosts never send. RFC 8832, 6 lets the opener send
    at once; until an ACK or a message came on the channel, its messages have to be ordered, because
    an unordered one may overtake the OPEN. Call it before the connection starts.
    """
    opening: dict[int, int] = {}  # stream by the TSN of its OPEN
    unconfirmed: set[int] = set()

    async def send(
        stream_id: int,
        pp_id: int,
        user_data: bytes,
        expiry: float | None = None,
        max_retransmits: int | None = None,
        ordered: bool = True,
    ) -> None:
        if pp_id == WEBRTC_DCEP and user_data[0] == DATA_CHANNEL_OPEN:
            opening[sctp._local_tsn] = stream_id
            unconfirmed.add(stream_id)
        await send_as_aiortc(
            stream_id,
            pp_id,
            user_data,
            expiry=expiry,
            max_retransmits=max_retransmits,
            ordered=ordered or stream_id in unconfirmed,
        )

    async def receive(stream_id: int, pp_id: int, data: bytes) -> None:
        unconfirmed.discard(stream_id)
        if pp_id == WEBRTC_DCEP and data[:1] == bytes((DATA_CHANNEL_ACK,)):
            on_ack()
        await receive_as_aiortc(stream_id, pp_id, data)

    async def receive_sack(sack: SackChunk) -> None:
        await receive_sack_as_aiortc(sack)
        if not opening:
            return
        beyond_a_gap = {chunk.tsn for chunk in sctp._sent_queue if chunk._acked}
        for tsn, stream_id in list(opening.items()):
            if uint32_gte(sctp._last_sacked_tsn, tsn) or tsn in beyond_a_gap:
                del opening[tsn]
                channel = sctp._data_channels.get(stream_id)
                if channel is not None and channel.readyState == "connecting":
                    channel._setReadyState("open")

    send_as_aiortc = override(sctp, "_send", send)
    receive_as_aiortc = override(sctp, "_receive", receive)
    receive_sack_as_aiortc = override(sctp, "_receive_sack_chunk", receive_sack)
