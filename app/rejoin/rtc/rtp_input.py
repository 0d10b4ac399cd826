"""RTP from the datagram straight to its receiver: decrypt, parse, hand over.

aioice puts each datagram into a queue and aiortc takes it out in a task: two more turns of the loop
and, among other threads, as often again a wait for the interpreter. Media has no need of either, so
it is taken out before the queue. All else goes the libraries' way: STUN, DTLS, RTCP, and what came
before there were keys.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from aiortc.rtcdtlstransport import RTCDtlsTransport, State
from aiortc.rtp import is_rtcp
from pylibsrtp import Session

from rejoin.media.receive.rtp import HEADER_BYTES, RtpPacket, parse


class TakesRtp(Protocol):
    """A receiver of ours."""

    def take(self, packet: RtpPacket, now: float) -> None: ...


class RtpInput:
    """Media of one DTLS transport, whose registered receivers are all `TakesRtp`.

    `arrived` is told of each packet that the host really sent, and tells the time. For the event
    loop's thread.
    """

    def __init__(self, dtls: RTCDtlsTransport, *, arrived: Callable[[], float]) -> None:
        self.packets_failed = 0
        """Packets that were not the host's, came twice, were none, or failed us; all dropped."""
        self._dtls = dtls
        self._arrived = arrived
        self._route: Any = dtls._rtp_router.route_rtp

    def take(self, datagram: bytes) -> bool:
        """Take it if it is encrypted media of a connection that is up; whether it was taken.

        aiortc is connected, and has keys, once it has seen that the host is the one of the answer.
        When the host has hung up, nothing is taken any more.
        """
        keys: Session | None = self._dtls._rx_srtp
        if (
            keys is None
            or self._dtls._state is not State.CONNECTED
            or len(datagram) < HEADER_BYTES
            or not 128 <= datagram[0] < 192
            or is_rtcp(datagram)
        ):
            return False
        try:
            data = keys.unprotect(datagram)
        except Exception:  # forged, repeated or too long: pylibsrtp has an error for each
            self.packets_failed += 1
        else:
            self.opened(data)
        return True

    def opened(self, data: bytes) -> None:
        """A packet that is decrypted and authentic."""
        now = self._arrived()
        try:
            packet = parse(data)
            # The router reads no more of a packet than ours has, and knows no receiver but ours.
            receiver: TakesRtp | None = self._route(packet)
            if receiver is not None:
                receiver.take(packet, now)
        except Exception:  # whatever a packet does to us: the next one is welcome
            self.packets_failed += 1
