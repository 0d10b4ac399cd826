"""Says goodbye to the host: RTCP BYE, SCTP ABORT and DTLS close_notify, then silence."""

from __future__ import annotations

import asyncio

from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcsctptransport import RTCSctpTransport
from aiortc.rtp import RtcpByePacket
from OpenSSL import SSL

from rejoin.rtc.aiortc_seam import close_notify, rtp_sender
from rejoin.rtc.outgoing import Outgoing, OutgoingGate

GOODBYE_EVERY_S = 0.020
"""Time between two copies."""


async def say_goodbye(
    dtls: RTCDtlsTransport,
    gate: OutgoingGate,
    *,
    times: int,
    ssrcs: list[int],
    sctp: RTCSctpTransport | None,
) -> None:
    """Send the goodbye `times` times, 20 ms apart; afterwards the gate is silent for good.

    `ssrcs`: those with which we send RTCP. All copies are the same datagrams: if the first one
    arrived, replay protection discards the others. If the connection is not up no goodbye is sent:
    it only becomes silent. A second call does nothing.
    """
    if gate.state in (Outgoing.GOODBYE, Outgoing.SILENT):
        return
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
