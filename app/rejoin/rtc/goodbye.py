"""Says goodbye to the host: RTCP BYE, SCTP ABORT and DTLS close_notify, then silence.

If the host does not seem to have heard it, the same datagrams go out again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcsctptransport import RTCSctpTransport
from aiortc.rtp import RtcpByePacket
from OpenSSL import SSL

from rejoin.core import goodbye
from rejoin.core.model import Policy
from rejoin.rtc.aiortc_seam import close_notify, rtp_sender
from rejoin.rtc.outgoing import Datagram, Outgoing, OutgoingGate

GOODBYE_EVERY_S = 0.020
"""Time between two copies."""


async def say_goodbye(
    dtls: RTCDtlsTransport,
    gate: OutgoingGate,
    *,
    times: int,
    ssrcs: list[int],
    sctp: RTCSctpTransport | None,
) -> Sequence[Datagram]:
    """Send the goodbye `times` times, 20 ms apart; afterwards the gate is silent for good.

    `ssrcs`: those with which we send RTCP. All copies are the same datagrams: if the first one
    arrived, replay protection discards the others. If the connection is not up no goodbye is sent:
    it only becomes silent. A second call does nothing.

    Returns the datagrams of one copy, empty if nothing was sent.
    """
    if gate.state in (Outgoing.GOODBYE, Outgoing.SILENT):
        return ()
    gate.begin_goodbye()
    try:
        if dtls.state == "connected":
            await rtp_sender(dtls)(bytes(RtcpByePacket(sources=ssrcs)))
            if sctp is not None:
                await sctp.stop()
            await close_notify(dtls)
    except (ConnectionError, SSL.Error):
        pass  # the connection closed meanwhile
    finally:
        datagrams = gate.silence()
    for _ in range(times - 1):
        await asyncio.sleep(GOODBYE_EVERY_S)
        for datagram in datagrams:
            datagram.send_again()
    return datagrams


class Goodbye:
    """A goodbye that was said; RTP that still comes shows that it was lost."""

    def __init__(self, datagrams: Sequence[Datagram], now: float, rtt_s: float | None) -> None:
        self._datagrams = datagrams
        self._said = goodbye.said(now, rtt_s)

    def on_rtp(self, now: float, policy: Policy) -> None:
        """RTP arrived: send the same datagrams again, if it is time for that."""
        again = goodbye.after_rtp(self._said, now, policy)
        if again is not None:
            self._said = again
            for datagram in self._datagrams:
                datagram.send_again()
