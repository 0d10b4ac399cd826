"""The packets of one connection: installs our handlers, counts and times what arrives.

Each change to the ICE and DTLS objects of aioice and aiortc has one reason:

- gathering: aioice never uses 127.0.0.1, so a machine with only `lo` has no candidates;
- pacing: aioice sleeps 20 ms after the check of each pair, before it reads any result;
- lost packets: the libraries repeat checks, DTLS flights and SCTP's first chunks after 0.5 to 3 s;
- consent: aioice closes healthy streams whose round trip exceeds 500 ms; here `core/health` judges
  silence, and our checks (`checks`) only measure;
- strangers: aioice answers every request from anybody, without a limit, and checks every address
  that the host's checks come from;
- requests: aioice learns a peer-reflexive candidate from any address; here only from addresses that
  the profile allows;
- media: it goes to `rtp_input` without entering aioice's queue;
- RTCP and SCTP: the libraries do not keep the arrival times of authenticated packets;
- data channels: aiortc opens one only when the host acknowledged it, which some hosts never do;
- memory: aiortc keeps all that the host sends of messages that never end (`sctp_limits`), and every
  SSRC that the host ever sent with;
- relays: aioice would wait five seconds for a TURN server; here the allocation is made before
  (`relay`);
- sending: a muted connection sends checks only, and one that said goodbye sends nothing
  (`outgoing`, `goodbye`).
"""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from aioice import Candidate, stun
from aioice.ice import StunProtocol
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcsctptransport import RTCSctpTransport

from rejoin.clock import Clock
from rejoin.core.model import Policy
from rejoin.rtc import aiortc_seam as seam
from rejoin.rtc.arrival_time import Lateness
from rejoin.rtc.candidates import NetworkRules
from rejoin.rtc.checks import ConnectivityChecks
from rejoin.rtc.congestion_feedback import CongestionFeedback
from rejoin.rtc.goodbye import Goodbye, say_goodbye
from rejoin.rtc.handshake_seam import (
    bound_sources,
    hasten_association,
    hasten_checks,
    hasten_handshake,
    limit_answers_to_strangers,
    limit_checked_addresses,
    open_channels_when_acknowledged,
    watch_association_end,
)
from rejoin.rtc.outgoing import OutgoingGate
from rejoin.rtc.relay import Relay
from rejoin.rtc.retransmission import CheckPacer, RoundTrip
from rejoin.rtc.rtp_input import RtpInput
from rejoin.rtc.sctp_limits import limit_inbound
from rejoin.rtc.socket_filter import MakeFilter, put_between
from rejoin.rtc.turn_seam import relay_of

RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
"""Key-frame bursts at 30 Mbit/s overran 256 KiB and did not overrun this (media.md, measured)."""

UNREACHABLE_APART_S = 0.050
"""Errors closer together than this are one burst and count once."""

_UNREACHABLE = {
    errno.ENETUNREACH,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.EHOSTDOWN,
    errno.EADDRNOTAVAIL,
    errno.ECONNREFUSED,
}

_REFUSED_HERE = {errno.ENETUNREACH, errno.ENETDOWN}
"""The errors that only this machine's own routes and interfaces cause. The others can follow an
ICMP message, which anybody can forge."""


class Transport:
    """The packets of one connection. All times are boot time in seconds.

    `on_first_packet()` is called when the first authenticated packet arrived, and
    `on_unreachable(error name)` when the operating system reported twice in a row that
    the host cannot be reached. Everything runs on the event loop's thread.
    """

    def __init__(
        self,
        dtls: RTCDtlsTransport,
        *,
        rules: NetworkRules,
        clock: Clock,
        policy: Policy,
        name: str,
        on_first_packet: Callable[[], None],
        on_unreachable: Callable[[str], None],
    ) -> None:
        self.last_packet_at: float | None = None
        self.last_rtp_at: float | None = None
        self.last_rtcp_at: float | None = None
        self.last_stun_at: float | None = None
        self.last_data_at: float | None = None
        self.receive_buffer_bytes: int | None = None
        """What the kernel granted for the smallest of our sockets."""
        self.channel_acks = 0
        """How many data channels the host has acknowledged (DATA_CHANNEL_ACK)."""
        self.outgoing = OutgoingGate()
        self.round_trip = RoundTrip()
        """Round trip while the path comes up; once it is up, `checks` measure it."""
        self._pacer = CheckPacer()
        self._dtls = dtls
        self._connection = seam.ice_connection(dtls)
        self._rules = rules
        self._clock = clock
        self._on_first_packet = on_first_packet
        self._on_unreachable = on_unreachable
        self._unreachable_since: float | None = None
        self._unreachable_reported = False
        self._largest_gap_s = 0.0
        self._failed = 0
        self._policy = policy
        self._goodbye: Goodbye | None = None
        self.checks = ConnectivityChecks(
            self._connection,
            self.outgoing,
            clock=clock,
            policy=policy,
            name=name,
            on_arrival=self._on_stun_arrival,
        )
        self.congestion_feedback = CongestionFeedback(dtls, clock=clock, name=name)
        self._rtp = RtpInput(
            dtls, on_arrival=self._on_rtp_arrival, feedback=self.congestion_feedback
        )
        self._relay: Relay | None = None
        self._filter: MakeFilter | None = None
        self._gather = seam.replace_gathering(self._connection, self._gather_and_watch)
        seam.start_all_checks(self._connection)
        hasten_handshake(dtls, self.round_trip, clock)
        bound_sources(dtls)
        seam.replace_consent(self._connection, self.checks.keep_consent)
        limit_answers_to_strangers(self._connection, clock)
        limit_checked_addresses(self._connection)
        self._handle_request: seam.CheckHandler = seam.override(
            self._connection, "request_received", self._on_request
        )
        self._handle_check = seam.replace_check_handler(self._connection, self._on_check)
        seam.replace_rtp_handler(dtls, self._on_queued_rtp)
        self._handle_rtcp = seam.replace_rtcp_handler(dtls, self._on_rtcp)
        self._handle_sctp: seam.PacketHandler | None = None

    def use(self, relay: Relay | None, make_filter: MakeFilter | None = None) -> None:
        """Offer the relay's allocation too; `close` ends it. `make_filter`: put a tester's filter
        between us and each socket. Call it before gathering."""
        self._relay, self._filter = relay, make_filter

    def watch_sctp(
        self, sctp: RTCSctpTransport, *, on_association_ended: Callable[[], None]
    ) -> None:
        """Watch the data channels' packets too. Call it once, before the connection starts.

        `on_association_ended()`: SCTP was aborted, refused or given up, by the host or by us.
        """
        watch_association_end(sctp, on_association_ended)
        hasten_association(sctp, self.round_trip)
        limit_inbound(sctp, self._on_failure)
        self._handle_sctp = seam.replace_sctp_handler(sctp, self._on_sctp)
        open_channels_when_acknowledged(sctp, self._on_channel_ack)

    def _on_channel_ack(self) -> None:
        self.channel_acks += 1

    # --- gathering --------------------------------------------------------------------------------

    async def _gather_and_watch(
        self, component: int, addresses: list[str], timeout_s: int = 5
    ) -> Sequence[Candidate]:
        if self._rules.loopback_only:
            addresses = ["127.0.0.1"]
        candidates = await self._gather(component, addresses, timeout_s)
        for protocol in seam.sockets_of(self._connection):
            self._watch(protocol)
        if self._relay is not None:
            candidates = [*candidates, *await self._relay.join(self._watch)]
        return candidates

    def _watch(self, protocol: StunProtocol) -> None:
        sock = protocol.transport.get_extra_info("socket")
        # The kernel does not know when a filter passed a datagram on.
        lateness = Lateness(sock if self._filter is None else None)
        seam.deliver_media_directly(
            self._dtls,
            protocol,
            on_rtp=partial(self._rtp.on_rtp, lateness=lateness),
            on_failure=self._on_failure,
            on_waiting=lambda datagram: self._on_waiting(datagram, lateness),
        )
        self.outgoing.watch(protocol)
        hasten_checks(protocol, self._pacer, self.round_trip, self._on_stun_arrival)
        seam.replace_error_handler(protocol, self._on_error)
        granted = _enlarge_receive_buffer(sock)
        if granted is not None:
            known = self.receive_buffer_bytes
            self.receive_buffer_bytes = granted if known is None else min(known, granted)
        if self._filter is not None:
            put_between(protocol, self._filter)

    # --- what arrives -----------------------------------------------------------------------------

    def _on_arrival(self) -> float:
        now, before_at = self._clock(), self.last_packet_at
        self.last_packet_at = now
        self._unreachable_since = None
        self._unreachable_reported = False
        if before_at is None:
            self._on_first_packet()
        else:
            self._largest_gap_s = max(self._largest_gap_s, now - before_at)
        return now

    def _on_rtp_arrival(self) -> float:
        self.last_rtp_at = now = self._on_arrival()
        if self._goodbye is not None:
            self._goodbye.on_rtp(now, self._policy)
        return now

    def _on_stun_arrival(self) -> float:
        self.last_stun_at = now = self._on_arrival()
        return now

    def pop_largest_gap_s(self) -> float:
        """The largest pause between two packets since the last call; 0 when none arrived."""
        largest_s, self._largest_gap_s = self._largest_gap_s, 0.0
        return largest_s

    @property
    def packets_failed(self) -> int:
        """Inbound packets that were forged, duplicated or could not be processed; dropped."""
        return self._failed + self._rtp.packets_failed

    @property
    def packets_unrouted(self) -> int:
        """Inbound RTP packets that belong to no stream of the connection; dropped."""
        return self._rtp.packets_unrouted

    def _on_failure(self) -> None:
        self._failed += 1

    async def _on_queued_rtp(self, data: bytes, arrival_time_ms: int) -> None:
        """RTP that waited in aioice's queue until there were keys."""
        self._rtp.on_queued(data)

    def _on_waiting(self, datagram: bytes, lateness: Lateness) -> None:
        now = self._clock()
        self._rtp.on_waiting(datagram, now - lateness.seconds(now))

    async def _on_rtcp(self, data: bytes) -> None:
        self.last_rtcp_at = self._on_arrival()
        try:
            await self._handle_rtcp(data)
        except Exception:
            self._failed += 1

    async def _on_sctp(self, data: bytes) -> None:
        assert self._handle_sctp is not None
        self.last_data_at = self._on_arrival()
        try:
            await self._handle_sctp(data)
        except ConnectionError:
            raise
        except Exception:
            # aiortc asserts on what the host sent, and a failed assertion would end DTLS
            self._failed += 1

    def _on_request(
        self, message: stun.Message, address: seam.Address, protocol: StunProtocol
    ) -> None:
        """From an address that the profile forbids: it gets no answer and becomes no candidate."""
        if self._rules.allow(*address):
            self._handle_request(message, address, protocol)

    def _on_check(
        self, message: stun.Message, address: seam.Address, protocol: StunProtocol
    ) -> None:
        self._on_stun_arrival()
        try:
            self._handle_check(message, address, protocol)
        except Exception:
            self._failed += 1

    def _on_error(self, error: Exception) -> None:
        """The operating system reports that a datagram of ours could not be delivered."""
        if not isinstance(error, OSError) or error.errno not in _UNREACHABLE:
            return
        if error.errno in _REFUSED_HERE:
            self.checks.note_refused()
        now = self._clock()
        if self._unreachable_since is None:
            self._unreachable_since = now
        elif (
            now - self._unreachable_since >= UNREACHABLE_APART_S and not self._unreachable_reported
        ):
            self._unreachable_reported = True
            self._on_unreachable(errno.errorcode.get(error.errno, "unreachable"))

    # --- addresses --------------------------------------------------------------------------------

    @property
    def local_addresses(self) -> frozenset[str]:
        """The local addresses in use: that of the nominated pair, before that all gathered ones."""
        pair = seam.nominated_pair(self._connection)
        protocols = seam.sockets_of(self._connection) if pair is None else [pair.protocol]
        relays = (relay_of(protocol) for protocol in protocols)
        return frozenset(
            protocol.local_candidate.host if relay is None else relay.local_address
            for protocol, relay in zip(protocols, relays, strict=True)
            if relay is not None or protocol.local_candidate.type == "host"
        )

    @property
    def candidate_pair(self) -> str | None:
        """Types of the nominated pair, ours first, and the protocol: "host-srflx udp"."""
        pair = seam.nominated_pair(self._connection)
        if pair is None:
            return None
        ours, theirs = pair.local_candidate, pair.remote_candidate
        return f"{ours.type}-{theirs.type} {theirs.transport}"

    # --- the end ----------------------------------------------------------------------------------

    async def goodbye(self, times: int, ssrcs: list[int], sctp: RTCSctpTransport | None) -> None:
        """Send RTCP BYE, SCTP ABORT and DTLS close_notify `times` times, then nothing any more.

        Only if RTP still comes a while later, they are sent again (`core/goodbye`), until `close`.
        """
        if self.outgoing.may_check:
            self.checks.stop()
        await self.congestion_feedback.close()
        datagrams = await say_goodbye(
            self._dtls, self.outgoing, times=times, ssrcs=ssrcs, sctp=sctp
        )
        if datagrams:
            self._goodbye = Goodbye(datagrams, self._clock(), self.checks.rtt_s)

    async def close(self) -> None:
        """After the connection was closed: end what aioice may have left running."""
        self._goodbye = None
        await self.congestion_feedback.close()
        await self.checks.close()
        if self._relay is not None:
            await self._relay.close()
        self.outgoing.silence()
        seam.cancel_consent(self._connection)
        for protocol in list(seam.sockets_of(self._connection)):
            transport = getattr(protocol, "transport", None)
            if transport is not None and not transport.is_closing():
                transport.abort()


def _enlarge_receive_buffer(sock: Any) -> int | None:
    """Request a large receive buffer; returns the granted bytes, None if that is unknown."""
    if sock is None:
        return None
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        granted: int = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    except OSError:
        return None
    # Linux reports twice what can be used (socket(7))
    return granted // 2 if sys.platform == "linux" else granted
