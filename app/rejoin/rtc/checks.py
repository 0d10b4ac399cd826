"""ICE checks on the nominated pair: the round trip, and proof that our packets reach the host."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from aioice import stun
from aioice.candidate import candidate_priority
from aioice.ice import Connection, StunProtocol

from rejoin.clock import Clock
from rejoin.core.model import Policy
from rejoin.rtc.aiortc_seam import Address, is_closing, nominated_pair
from rejoin.rtc.outgoing import Outgoing, OutgoingGate
from rejoin.tasks import cancel, spawn

CONSENT_EVERY_S = 1.0
"""How often a healthy connection is checked. RFC 7675 requires 5 s at most. The deadline that the
player sees is counted from the newest answered check, so checks must not be seconds apart."""

ANSWER_WITHIN_S = 5.0
"""An answer to one of our checks counts if it arrives within this time."""


@dataclass(slots=True)
class _Check:
    """A check in flight, registered in aioice's table of transactions like one of its own."""

    sent_at: float
    protocol: StunProtocol
    request: stun.Message
    on_response: Callable[[_Check, stun.Message, Address], None]

    def response_received(self, message: stun.Message, address: Address) -> None:
        """Called by aioice."""
        self.on_response(self, message, address)


class ConnectivityChecks:
    """Sends checks and reads their answers. All times are boot time in seconds.

    `on_arrival()` is called for each authenticated answer and returns its arrival time.
    """

    def __init__(
        self,
        connection: Connection,
        gate: OutgoingGate,
        *,
        clock: Clock,
        policy: Policy,
        name: str,
        on_arrival: Callable[[], float],
    ) -> None:
        self.sent = 0
        self.answered = 0
        self.proved_sent_at: float | None = None
        """When the newest answered check was sent: the host received our packets at that time."""
        self.rtt_s: float | None = None
        """Smoothed round trip of answered checks (7/8 old, 1/8 new, as in RFC 6298)."""
        self.unanswered_since_at: float | None = None
        """When the first check was sent after the newest one that was answered."""
        self.sends_fail_since_at: float | None = None
        """Since when the operating system has refused to send (`note_refused`)."""
        self._refused = False
        self._connection = connection
        self._gate = gate
        self._clock = clock
        self._policy = policy
        self._name = name
        self._on_arrival = on_arrival
        self._in_flight: dict[bytes, _Check] = {}
        self._fast_checks: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Check often, the first time at once: five fast checks, then slower, until `stop`.

        Called again, it begins again: the player wants to know now.
        """
        if self._gate.may_check:
            self.stop()
            self._fast_checks = spawn(self._check_often(), name=f"{self._name}-checks")

    def stop(self) -> None:
        if self._fast_checks is not None:
            self._fast_checks.cancel()
            self._fast_checks = None

    async def close(self) -> None:
        await cancel(self._fast_checks)
        self._fast_checks = None
        self._forget(sent_until=float("inf"))

    async def _check_often(self) -> None:
        sent = 0
        while True:
            self.send(nominate=True)
            sent += 1
            fast = sent < self._policy.check_fast_count
            await asyncio.sleep(
                self._policy.check_every_s if fast else self._policy.check_slow_every_s
            )

    async def keep_consent(self) -> None:
        """Check about once a second while the connection is up, unless muted.

        It takes the place of aioice's consent checks and never ends the connection: silence is
        judged by `core/health`.
        """
        while not is_closing(self._connection) and self._gate.may_check:
            if self._gate.state is not Outgoing.CHECKS_ONLY and self._fast_checks is None:
                self.send()
            await asyncio.sleep(CONSENT_EVERY_S * (0.8 + 0.4 * random.random()))

    def send(self, *, nominate: bool = False) -> bool:
        """Send one ICE Binding request on the nominated pair; False if there is none.

        Each check is its own transaction without retransmission: an answer names the check that it
        answers, so its round trip is exact and late answers count. `nominate` nominates the pair
        once more (USE-CANDIDATE): after a NAT gave us another port, a host that sees the check
        arrive from there may send its media to it (RFC 8445, 7.3.1.5). PRIORITY is that of a host
        candidate (ADR 0012): the first check from a new port gives the host's new pair its rank,
        and libnice changes to none of a lower one.
        """
        pair = nominated_pair(self._connection)
        password = self._connection.remote_password
        if pair is None or password is None or not self._gate.may_check:
            return False
        transport = pair.protocol.transport
        if transport.is_closing():
            return False
        now = self._clock()
        self._forget(sent_until=now - ANSWER_WITHIN_S)
        request = self._connection.build_request(pair, nominate=nominate)
        request.attributes["PRIORITY"] = candidate_priority(pair.component, "host")
        request.add_message_integrity(password.encode())
        check = _Check(now, pair.protocol, request, self._on_response)
        self._in_flight[request.transaction_id] = check
        transactions = cast(dict[bytes, Any], pair.protocol.transactions)
        transactions[request.transaction_id] = check
        if self.unanswered_since_at is None:
            self.unanswered_since_at = now
        # Both event loops call the protocol's error_received within sendto, not later.
        self._refused = False
        transport.sendto(bytes(request), pair.remote_addr)
        if not self._refused:
            self.sends_fail_since_at = None
        self.sent += 1
        return True

    def note_refused(self) -> None:
        """The operating system refused to send one of our datagrams, of whatever kind."""
        self._refused = True
        if self.sends_fail_since_at is None:
            self.sends_fail_since_at = self._clock()

    def _on_response(self, check: _Check, message: stun.Message, address: Address) -> None:
        pair = nominated_pair(self._connection)
        password = self._connection.remote_password or ""
        if pair is None or address != pair.remote_addr:
            return
        if not message.check_message_integrity(password.encode()):
            return
        now = self._on_arrival()
        transaction_id = check.request.transaction_id
        self._in_flight.pop(transaction_id, None)
        pair.protocol.transactions.pop(transaction_id, None)
        if message.message_class != stun.Class.RESPONSE:
            return
        self.answered += 1
        if self.proved_sent_at is None or check.sent_at > self.proved_sent_at:
            self.proved_sent_at = check.sent_at
            later = (each.sent_at for each in self._in_flight.values())
            self.unanswered_since_at = min((at for at in later if at > check.sent_at), default=None)
        sample_s = max(0.0, now - check.sent_at)
        self.rtt_s = sample_s if self.rtt_s is None else self.rtt_s + (sample_s - self.rtt_s) / 8

    def _forget(self, sent_until: float) -> None:
        for transaction_id, check in list(self._in_flight.items()):
            if check.sent_at <= sent_until:
                check.protocol.transactions.pop(transaction_id, None)
                del self._in_flight[transaction_id]
