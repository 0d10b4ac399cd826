"""When packets of a handshake are sent again while a connection comes up (ADR 0031)."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_S, LONGEST_ROUND_TRIPS = 0.200, 2.0
"""The longest pause between two copies is the larger of the two, until the path is up."""

CHECK_EVERY_S = 0.005
"""The shortest time between two ICE checks of a connection (Ta of RFC 8445, 14.2)."""


@dataclass(frozen=True, slots=True)
class Retransmission:
    """The first pause is the larger of `least_s` and `round_trips`; it doubles to the longest."""

    least_s: float
    round_trips: float

    def delay_s(self, copies: int, rtt_s: float) -> float:
        """How long to wait for an answer after this many copies (1 or more) were sent."""
        first_s = max(self.least_s, self.round_trips * rtt_s)
        longest_s = max(first_s, LONGEST_S, LONGEST_ROUND_TRIPS * rtt_s)
        return min(first_s * float(1 << min(copies - 1, 8)), longest_s)


ICE_CHECKS = Retransmission(0.050, 1.5)
DTLS_FLIGHTS = Retransmission(0.060, 1.5)
SCTP_CHUNKS = Retransmission(0.100, 2.0)


class RoundTrip:
    """The round trip of a path that is coming up; 0 while nothing is known.

    `expect` what the connection before it had; its own answered checks replace that.
    """

    def __init__(self) -> None:
        self.s = 0.0
        self._measured = False

    def expect(self, rtt_s: float) -> None:
        if not self._measured:
            self.s = rtt_s

    def measure(self, rtt_s: float) -> None:
        """From a check that was sent once and answered; the shortest counts."""
        self.s = min(self.s, rtt_s) if self._measured else rtt_s
        self._measured = True


class CheckPacer:
    """Spreads the checks of one connection, so that no two are sent within `CHECK_EVERY_S`."""

    def __init__(self) -> None:
        self.in_flight = 0
        self._free_at = 0.0

    def wait_s(self, now: float) -> float:
        """Reserves the next free moment; returns how long to wait for it."""
        at = max(now, self._free_at)
        self._free_at = at + CHECK_EVERY_S
        return at - now

    def delay_s(self, copies: int, rtt_s: float) -> float:
        """The pause before the next copy of a check: all in flight take half of the moments."""
        return max(ICE_CHECKS.delay_s(copies, rtt_s), 2 * CHECK_EVERY_S * self.in_flight)
