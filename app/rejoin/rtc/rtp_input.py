"""Passes decrypted RTP packets to their receivers: parse, look up the receiver by SSRC, call it.

`aiortc_seam.deliver_media_directly` decrypts a packet as soon as its datagram arrives. aioice's
queue and aiortc's task would cost two more turns of the event loop and, with other threads running,
as many waits for the interpreter lock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from aiortc.rtcdtlstransport import RTCDtlsTransport

from rejoin.media.receive.rtp import HEADER_BYTES, RtpPacket, parse
from rejoin.rtc.aiortc_seam import rtp_route
from rejoin.rtc.arrival_time import Lateness
from rejoin.rtc.congestion_feedback import CongestionFeedback

MAX_WAITING = 512
"""RTP datagrams before there are keys whose arrival is remembered; anybody can send them."""


class RtpReceiver(Protocol):
    """One of our receivers (`receiver`)."""

    def on_packet(self, packet: RtpPacket, now: float) -> None: ...


class RtpInput:
    """RTP of one DTLS transport, whose registered receivers are all ours (`RtpReceiver`).

    `on_arrival()` is called for each authenticated packet and returns the boot time in seconds.
    `feedback` gets each of them before it is routed. Runs on the event loop's thread.
    """

    def __init__(
        self,
        dtls: RTCDtlsTransport,
        *,
        on_arrival: Callable[[], float],
        feedback: CongestionFeedback | None = None,
    ) -> None:
        self.packets_failed = 0
        """Authenticated packets that could not be parsed or processed; dropped."""
        self.packets_unrouted = 0
        """Authenticated packets of no receiver: of a payload type that was not offered, or of a
        stream that changed to another section's."""
        self._on_arrival = on_arrival
        self._feedback = feedback
        self._waiting: dict[bytes, float] = {}
        """Arrival of each packet that waits for the keys, by its header, which is not encrypted."""
        self._route: Any = rtp_route(dtls)

    def on_rtp(self, data: bytes, lateness: Lateness | None = None) -> None:
        """One decrypted, authenticated packet, just read from the socket of `lateness`."""
        now = self._on_arrival()
        if self._feedback is None or not self._feedback.running:
            self._pass_on(data, now, None)
        else:
            self._pass_on(data, now, now if lateness is None else now - lateness.seconds(now))

    def on_waiting(self, datagram: bytes, arrived_at: float) -> None:
        """RTP arrived that has to wait for the keys; `on_queued` gets it when they are there."""
        if len(self._waiting) < MAX_WAITING:
            self._waiting[datagram[:HEADER_BYTES]] = arrived_at

    def on_queued(self, data: bytes) -> None:
        """One decrypted, authenticated packet that waited."""
        now = self._on_arrival()
        self._pass_on(data, now, self._waiting.pop(data[:HEADER_BYTES], now))

    def _pass_on(self, data: bytes, now: float, arrived_at: float | None) -> None:
        try:
            packet = parse(data)
            if self._feedback is not None and arrived_at is not None:
                # before routing: padding and streams that we do not know load the path too
                self._feedback.on_packet(packet, len(data), arrived_at)
            receiver: RtpReceiver | None = self._route(packet)
            if receiver is None:
                self.packets_unrouted += 1
            else:
                receiver.on_packet(packet, now)
        except Exception:  # one packet, whatever is wrong with it, must not end the connection
            self.packets_failed += 1
