"""Passes decrypted RTP packets to their receivers: parse, look up the receiver by SSRC, call it.

`aiortc_seam.deliver_media_directly` decrypts a packet as soon as its datagram arrives. aioice's
queue and aiortc's task would cost two more turns of the event loop and, with other threads running,
as many waits for the interpreter lock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from aiortc.rtcdtlstransport import RTCDtlsTransport

from rejoin.media.receive.rtp import RtpPacket, parse
from rejoin.rtc.aiortc_seam import rtp_route


class RtpReceiver(Protocol):
    """One of our receivers (`receiver`)."""

    def on_packet(self, packet: RtpPacket, now: float) -> None: ...


class RtpInput:
    """RTP of one DTLS transport, whose registered receivers are all ours (`RtpReceiver`).

    `on_arrival()` is called for each authenticated packet and returns the boot time in seconds.
    Runs on the event loop's thread.
    """

    def __init__(self, dtls: RTCDtlsTransport, *, on_arrival: Callable[[], float]) -> None:
        self.packets_failed = 0
        """Authenticated packets that could not be parsed or processed; dropped."""
        self.packets_unrouted = 0
        """Authenticated packets of no receiver: of a payload type that was not offered, or of a
        stream that changed to another section's."""
        self._on_arrival = on_arrival
        self._route: Any = rtp_route(dtls)

    def on_rtp(self, data: bytes) -> None:
        """One decrypted, authenticated packet."""
        now = self._on_arrival()
        try:
            packet = parse(data)
            receiver: RtpReceiver | None = self._route(packet)
            if receiver is None:
                self.packets_unrouted += 1
            else:
                receiver.on_packet(packet, now)
        except Exception:  # one packet, whatever is wrong with it, must not end the connection
            self.packets_failed += 1
