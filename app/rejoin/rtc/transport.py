"""What we do to one connection's ICE and DTLS objects: measure, check, mute, say goodbye.

aiortc and aioice are used as they are; what they lack is put on their *instances*, never on their
modules: each override goes through `override`, which fails loudly when a name is gone, and
tests/rtc/test_library_contract.py pins them all. Why, one by one:

- gathering: aioice never uses 127.0.0.1, so a machine with only `lo` has no candidates;
- pacing: aioice sleeps 20 ms after the last pair was started, before it looks at the result;
- consent: aioice closes healthy streams whose round trip exceeds 500 ms; here silence is judged by
  `core/health`, and our checks go on without a verdict;
- media, which `rtp_input` takes before it comes into aioice's queue;
- arrival times of authenticated packets, which nobody keeps;
- mute and goodbye: what is sent, or is not, on a connection that we have given up.
"""

from __future__ import annotations

import asyncio
import errno
import random
import socket
import sys
from collections.abc import Callable
from typing import Any

from aioice import stun
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcsctptransport import RTCSctpTransport
from aiortc.rtp import RtcpByePacket
from OpenSSL import SSL

from rejoin.clock import Clock
from rejoin.core.model import Policy
from rejoin.errors import PeerError
from rejoin.rtc.rtp_input import RtpInput
from rejoin.rtc.signal_codec import NetworkRules
from rejoin.tasks import cancel, spawn

RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
"""Key-frame bursts at 30 Mbit/s overran 256 KiB and did not overrun this (media.md, measured)."""

PULSE_EVERY_S = 1.0
"""How often a healthy connection is checked. RFC 7675 asks for 5 s at most; the shown deadline
rests on what the host proved it received, and must not lag by seconds."""

CHECK_MEMORY_S = 5.0
"""An answer to a check of ours counts this long after it was sent."""

GOODBYE_EVERY_S = 0.020
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


def override(instance: object, name: str, replacement: Callable[..., Any]) -> Any:
    """Put a method on one instance; returns what was there. A name that is gone is an error."""
    original = getattr(instance, name, None)
    if not callable(original):
        raise PeerError(f"This version of the WebRTC library has no {name}; it cannot be used.")
    setattr(instance, name, replacement)
    return original


class _Check:
    """One connectivity check on its way; stands in the protocol's table of transactions."""

    def __init__(self, owner: Transport, request: stun.Message, sent_at: float) -> None:
        self.sent_at = sent_at
        self._owner = owner
        self._request = request

    def response_received(self, message: stun.Message, address: tuple[str, int]) -> None:
        self._owner._check_came_back(self, self._request.transaction_id, message, address)


class Transport:
    """The packets of one connection. All times are boot time in seconds.

    `on_unreachable` is called when the machine said twice in a row that there is no way to the
    host. Everything runs on the event loop's thread.
    """

    def __init__(
        self,
        dtls: RTCDtlsTransport,
        *,
        rules: NetworkRules,
        clock: Clock,
        policy: Policy,
        name: str,
        on_unreachable: Callable[[str], None],
    ) -> None:
        self.last_packet_at: float | None = None
        self.last_rtp_at: float | None = None
        self.last_rtcp_at: float | None = None
        self.last_stun_at: float | None = None
        self.last_data_at: float | None = None
        self.proved_sent_at: float | None = None
        """Sending time of our newest check that the host answered."""
        self.rtt_s: float | None = None
        """Smoothed round trip, from answered checks (7/8 old, 1/8 new, as RFC 6298)."""
        self.checks_sent = 0
        self.checks_answered = 0
        self.receive_buffer_bytes: int | None = None
        """What the kernel granted the smallest of our sockets."""
        self._dtls = dtls
        self._ice = dtls.transport
        self._connection = self._ice._connection
        self._rules = rules
        self._clock = clock
        self._policy = policy
        self._name = name
        self._on_unreachable = on_unreachable
        self._muted = False
        self._silent = False
        self._goodbye: list[tuple[Any, bytes, tuple[str, int]]] | None = None
        self._outstanding: dict[bytes, tuple[Any, _Check]] = {}
        self._checking: asyncio.Task[None] | None = None
        self._unreachable_at: float | None = None
        self._unreachable_told = False
        self._largest_gap_s = 0.0
        self._gather = override(
            self._connection, "get_component_candidates", self._get_component_candidates
        )
        self._next_pair = override(self._connection, "_check_periodic", self._check_periodic)
        override(self._connection, "query_consent", self._query_consent)
        self._incoming = override(self._connection, "check_incoming", self._check_incoming)
        self._media = RtpInput(dtls, arrived=self._rtp_arrived)
        self._failed = 0
        override(dtls, "_handle_rtp_data", self._handle_rtp_data)
        self._rtcp = override(dtls, "_handle_rtcp_data", self._handle_rtcp_data)
        self._data: Any = None

    def tap_data(self, sctp: RTCSctpTransport) -> None:
        """Watch the data channels' packets too; once, before the connection starts."""
        self._data = override(sctp, "_handle_data", self._handle_data)

    # --- gathering and connecting ---------------------------------------------------------------

    async def _get_component_candidates(
        self, component: int, addresses: list[str], timeout_s: int = 5
    ) -> Any:
        if self._rules.loopback_only:
            addresses = ["127.0.0.1"]
        candidates = await self._gather(component, addresses, timeout_s)
        for protocol in self._connection._protocols:
            self._take_over(protocol)
        return candidates

    def _take_over(self, protocol: Any) -> None:
        async def send_data_unless_mute(data: bytes, address: tuple[str, int]) -> None:
            if self._goodbye is not None:
                self._goodbye.append((protocol, data, address))
            elif self._muted or self._silent:
                return
            await send_data(data, address)

        def send_stun_unless_mute(message: stun.Message, address: tuple[str, int]) -> None:
            if not self._muted and not self._silent:
                send_stun(message, address)

        def datagram_unless_media(data: bytes, address: tuple[Any, ...]) -> None:
            # Anybody can send here. aiortc looks at the first byte, be there one or not, and
            # aioice reads attributes of STUN that may be cut short.
            if not data:
                self._failed += 1
                return
            # What waits in the queue came before it.
            if self._connection._queue.empty() and self._media.take(data):
                return
            try:
                datagram_received(data, address)
            except Exception:
                self._failed += 1

        datagram_received = override(protocol, "datagram_received", datagram_unless_media)
        send_data = override(protocol, "send_data", send_data_unless_mute)
        send_stun = override(protocol, "send_stun", send_stun_unless_mute)
        override(protocol, "error_received", self._error_received)
        granted = _enlarge(protocol.transport.get_extra_info("socket"))
        if granted is not None:
            known = self.receive_buffer_bytes
            self.receive_buffer_bytes = granted if known is None else min(known, granted)

    def _check_periodic(self) -> bool:
        """Start the next pair; False as soon as none waits, so that nobody sleeps for nothing.

        Pairs that appear later (peer-reflexive) are started by aioice when the check comes in. When
        all fail nobody says so, as candidates may still come: our own deadline ends it.
        """
        if not self._next_pair():
            return False
        waiting = ("WAITING", "FROZEN")
        return any(
            pair.task is None and pair.state.name in waiting
            for pair in self._connection._check_list
        )

    async def _query_consent(self) -> None:
        while not self._connection._closing and not self._silent:
            if not self._muted and self._checking is None:
                self.send_check()
            await asyncio.sleep(PULSE_EVERY_S * (0.8 + 0.4 * random.random()))

    # --- what arrives ---------------------------------------------------------------------------

    def _arrived(self) -> float:
        now = self._clock()
        if self.last_packet_at is not None:
            self._largest_gap_s = max(self._largest_gap_s, now - self.last_packet_at)
        self.last_packet_at = now
        self._unreachable_at = None
        self._unreachable_told = False
        return now

    def take_largest_gap_s(self) -> float:
        """Largest pause between two packets since this was last asked; 0 when none came."""
        largest_s, self._largest_gap_s = self._largest_gap_s, 0.0
        return largest_s

    @property
    def packets_failed(self) -> int:
        """Inbound packets that were forged, came twice, or failed us; they are dropped."""
        return self._failed + self._media.packets_failed

    def _rtp_arrived(self) -> float:
        self.last_rtp_at = now = self._arrived()
        return now

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        """What waited in aioice's queue until there were keys."""
        self._media.opened(data)

    async def _handle_rtcp_data(self, data: bytes) -> None:
        self.last_rtcp_at = self._arrived()
        try:
            await self._rtcp(data)
        except Exception:
            self._failed += 1

    async def _handle_data(self, data: bytes) -> None:
        self.last_data_at = self._arrived()
        try:
            await self._data(data)
        except ConnectionError:
            raise
        except Exception:
            # aiortc asserts on what the host sent, and a failed assertion would end DTLS
            self._failed += 1

    def _check_incoming(self, message: Any, address: tuple[str, int], protocol: Any) -> None:
        self.last_stun_at = self._arrived()
        try:
            self._incoming(message, address, protocol)
        except Exception:
            self._failed += 1

    def _error_received(self, error: Exception) -> None:
        """The operating system says that a packet of ours could not go out."""
        if not isinstance(error, OSError) or error.errno not in _UNREACHABLE:
            return
        now = self._clock()
        if self._unreachable_at is None:
            self._unreachable_at = now
        elif now - self._unreachable_at >= UNREACHABLE_APART_S and not self._unreachable_told:
            self._unreachable_told = True
            self._on_unreachable(errno.errorcode.get(error.errno, "unreachable"))

    @property
    def local_addresses(self) -> frozenset[str]:
        """Addresses of ours that packets leave from: the one in use, before that all gathered."""
        pair = self._connection._nominated.get(1)
        protocols = self._connection._protocols if pair is None else [pair.protocol]
        candidates = (protocol.local_candidate for protocol in protocols)
        return frozenset(each.host for each in candidates if each.type == "host")

    # --- connectivity checks --------------------------------------------------------------------

    def start_checks(self) -> None:
        """Check often, at once: five fast ones, then slower, until `stop_checks`."""
        if self._checking is None and not self._silent:
            self._checking = spawn(self._check_often(), name=f"{self._name}-checks")

    def stop_checks(self) -> None:
        if self._checking is not None:
            self._checking.cancel()
            self._checking = None

    async def _check_often(self) -> None:
        sent = 0
        while True:
            self.send_check(nominate=True)
            sent += 1
            fast = sent < self._policy.check_fast_count
            await asyncio.sleep(
                self._policy.check_every_s if fast else self._policy.check_slow_every_s
            )

    def send_check(self, *, nominate: bool = False) -> bool:
        """One ordinary ICE Binding request on the nominated pair; False when there is none.

        Each is a transaction of its own, without retransmission: an answer tells which one it is
        for, so its round trip is exact and late answers count. `nominate` names the pair once more
        (USE-CANDIDATE): after a NAT gave us another port, a host that sees the check come from
        there may move its media to it (RFC 8445, 7.3.1.5), and nothing was lost.
        """
        pair = self._connection._nominated.get(1)
        password = self._connection.remote_password
        if pair is None or password is None or self._silent:
            return False
        transport = pair.protocol.transport
        if transport.is_closing():
            return False
        now = self._clock()
        self._forget_checks(older_than=now - CHECK_MEMORY_S)
        request = self._connection.build_request(pair, nominate=nominate)
        request.add_message_integrity(password.encode())
        check = _Check(self, request, now)
        self._outstanding[request.transaction_id] = (pair.protocol, check)
        transactions: dict[bytes, Any] = pair.protocol.transactions
        transactions[request.transaction_id] = check
        transport.sendto(bytes(request), pair.remote_addr)
        self.checks_sent += 1
        return True

    def _check_came_back(
        self, check: _Check, transaction_id: bytes, message: stun.Message, address: tuple[str, int]
    ) -> None:
        pair = self._connection._nominated.get(1)
        password = self._connection.remote_password or ""
        if pair is None or address != pair.remote_addr:
            return
        if not message.check_message_integrity(password.encode()):
            return
        self.last_stun_at = now = self._arrived()
        self._outstanding.pop(transaction_id, None)
        pair.protocol.transactions.pop(transaction_id, None)
        if message.message_class != stun.Class.RESPONSE:
            return
        self.checks_answered += 1
        if self.proved_sent_at is None or check.sent_at > self.proved_sent_at:
            self.proved_sent_at = check.sent_at
        sample = max(0.0, now - check.sent_at)
        self.rtt_s = sample if self.rtt_s is None else self.rtt_s + (sample - self.rtt_s) / 8

    @property
    def candidate_pair(self) -> str | None:
        """Kinds of the nominated pair, ours first, and the protocol: "host-srflx udp"."""
        pair = self._connection._nominated.get(1)
        if pair is None:
            return None
        ours, theirs = pair.local_candidate, pair.remote_candidate
        return f"{ours.type}-{theirs.type} {theirs.transport}"

    def _forget_checks(self, older_than: float) -> None:
        for transaction_id, (protocol, check) in list(self._outstanding.items()):
            if check.sent_at <= older_than:
                protocol.transactions.pop(transaction_id, None)
                del self._outstanding[transaction_id]

    # --- mute and goodbye -----------------------------------------------------------------------

    @property
    def muted(self) -> bool:
        """Whether nothing but checks goes out (or nothing at all, after a goodbye)."""
        return self._muted or self._silent

    def mute(self) -> None:
        """Send nothing but the checks of `start_checks`: no media reports, data, STUN answers."""
        self._muted = True

    def unmute(self) -> None:
        self._muted = False

    async def goodbye(self, times: int, ssrcs: list[int], sctp: RTCSctpTransport | None) -> None:
        """RTCP BYE, SCTP abort and DTLS close_notify, `times` times, then silence for good.

        The copies are the same datagrams: replay protection makes a second one harmless where the
        first arrived. On a connection that is not up there is nobody to tell: only silence.
        """
        if self._silent:
            return
        self.stop_checks()
        self._goodbye = []
        try:
            if self._dtls.state == "connected":
                await self._dtls._send_rtp(bytes(RtcpByePacket(sources=ssrcs)))
                if sctp is not None:
                    await sctp.stop()
                await self._close_notify()
        except (ConnectionError, SSL.Error):
            pass
        finally:
            packets, self._goodbye = self._goodbye, None
            self._silent = True
        for _ in range(times - 1):
            await asyncio.sleep(GOODBYE_EVERY_S)
            for protocol, data, address in packets:
                if not protocol.transport.is_closing():
                    protocol.transport.sendto(data, address)

    async def _close_notify(self) -> None:
        ssl = self._dtls._ssl
        if ssl is not None:
            ssl.shutdown()
            await self._dtls._write_ssl()

    # --- end ------------------------------------------------------------------------------------

    async def close(self) -> None:
        """After the connection was closed: end what aioice may have left running."""
        await cancel(self._checking)
        self._checking = None
        self._silent = True
        self._forget_checks(older_than=float("inf"))
        consent = self._connection._query_consent_task
        if consent is not None and not consent.done():
            consent.cancel()
        for protocol in list(self._connection._protocols):
            transport = getattr(protocol, "transport", None)
            if transport is not None and not transport.is_closing():
                transport.abort()


def _enlarge(sock: Any) -> int | None:
    """Ask for a big receive buffer; what was granted in bytes, None where that cannot be told."""
    if sock is None:
        return None
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        granted: int = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    except OSError:
        return None
    # Linux reports twice what can be used (socket(7))
    return granted // 2 if sys.platform == "linux" else granted
