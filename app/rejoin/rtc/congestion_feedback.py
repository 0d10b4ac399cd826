"""Sends transport-wide congestion control feedback about one connection's packets (RTCP 205/15)."""

from __future__ import annotations

import asyncio

from aiortc.rtcdtlstransport import RTCDtlsTransport

from rejoin.clock import Clock
from rejoin.media.receive.rtp import ElementReader, RtpPacket
from rejoin.media.receive.transport_feedback import NUMBER_BYTES, TransportFeedback
from rejoin.rtc.aiortc_seam import rtp_sender
from rejoin.tasks import cancel, spawn


class CongestionFeedback:
    """Notes the arrival of each numbered packet, and reports them 4 to 20 times a second.

    It does nothing until `start`, and sends nothing while nothing arrives. Runs on the event loop's
    thread.
    """

    def __init__(self, dtls: RTCDtlsTransport, *, clock: Clock, name: str) -> None:
        self.failed = 0
        """Reports that could not be sent."""
        self._dtls = dtls
        self._rtcp_ssrc = 0
        self._clock = clock
        self._name = name
        self._arrivals = TransportFeedback()
        self._reader: ElementReader | None = None
        self._media_ssrc = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def numbering(self) -> bool:
        """Whether the host numbers its packets now, and therefore gets this feedback."""
        return self._arrivals.numbering

    @property
    def running(self) -> bool:
        """Whether arrivals are noted: from `start` to `close`."""
        return self._reader is not None

    def start(self, extension_id: int | None, rtcp_ssrc: int) -> None:
        """`extension_id`: the header extension with the packets' number; None: the answer declined.

        `rtcp_ssrc`: the SSRC of our reports.
        """
        if self._task is None and extension_id is not None:
            self._rtcp_ssrc = rtcp_ssrc
            self._reader = ElementReader(extension_id, NUMBER_BYTES)
            self._task = spawn(self._report(), name=f"{self._name}-transport-cc")

    def on_packet(self, packet: RtpPacket, size_bytes: int, now: float) -> None:
        """An authenticated packet of any stream arrived at boot time `now`; never blocks.

        `size_bytes`: the whole packet, decrypted.
        """
        reader = self._reader
        if reader is None:
            return
        number = reader.read(packet.extension)
        if number is None:
            self._arrivals.add_unnumbered(now)
            return
        self._arrivals.add(number, size_bytes, now)
        self._media_ssrc = packet.ssrc

    async def _report(self) -> None:
        send = rtp_sender(self._dtls)
        while True:
            await asyncio.sleep(self._arrivals.interval_s)
            if not self._arrivals.has_new:
                continue
            try:
                reports = self._arrivals.reports(
                    self._clock(), sender_ssrc=self._rtcp_ssrc, media_ssrc=self._media_ssrc
                )
                for report in reports:
                    await send(report)
            except Exception:  # DTLS is not connected; what fails must not stop the next report
                self.failed += 1

    async def close(self) -> None:
        """Send nothing any more; returns when the task has ended."""
        self._reader = None
        task, self._task = self._task, None
        await cancel(task)
