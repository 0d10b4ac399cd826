"""Our only outgoing media: the player's voice as one RTP stream, on aiortc's DTLS transport.

aiortc's RTCRtpSender only keeps its place in the SDP (`aiortc_seam`). Timestamps go on while
nothing is said, at the pace of the clock; sequence numbers have no holes; the first packet after a
silence has the marker (RFC 7587, 4.1; RFC 3551, 4.1). A packet leaves only while the connection may
send.
"""

from __future__ import annotations

import asyncio
import random
import struct
import time
from collections.abc import Callable
from typing import Final, Protocol

from aiortc import RTCRtpSender
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpSendParameters
from aiortc.rtp import (
    AnyRtcpPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
)

from rejoin.clock import Clock
from rejoin.media.audio.microphone import VoiceFrame
from rejoin.media.audio.opus_encoder import FRAME_SAMPLES, SAMPLE_RATE_HZ
from rejoin.rtc.aiortc_seam import (
    RegisteredSender,
    register_sender,
    replace_sending,
    rtp_sender,
    unregister_sender,
)
from rejoin.tasks import cancel, spawn

MOST_WAITING: Final = 10
"""The most frames that wait for the loop: 200 ms. Older voice would only be late."""
REPORT_EVERY_S: Final = 1.0
_NTP_EPOCH_S: Final = 2_208_988_800


class Microphone(Protocol):
    """Where the voice comes from; `runtime.microphone.PlayerMicrophone` implements it."""

    @property
    def offered(self) -> bool: ...
    def send_by(self, sender: VoiceSender) -> None: ...
    def not_by(self, sender: VoiceSender) -> None: ...
    def refused(self) -> None: ...


class VoiceSender(RegisteredSender):
    """The voice of one connection. It takes frames from the microphone while the connection is
    shown and up and the host accepts sound."""

    def __init__(
        self,
        sender: RTCRtpSender,
        microphone: Microphone,
        *,
        clock: Clock,
        may_send: Callable[[], bool],
        shown: bool,
        name: str,
    ) -> None:
        super().__init__(sender)
        self.packets = 0
        self.octets = 0
        self._transport_of = sender
        self._microphone = microphone
        self._clock = clock
        self._may_send = may_send
        self._shown = shown
        self._name = name
        self._taken: bool | None = None
        self._dtls: RTCDtlsTransport | None = None
        self._payload_type = 0
        self._cname = b""
        # The sequence number starts in the lower half, so that the first wrap cannot be lost
        # before SRTP has counted it (RFC 3711, 3.3.1).
        self._sequence = random.getrandbits(15)
        self._offset = random.getrandbits(32)
        self._opened: int | None = None
        self._base = 0
        self._next_time = 0
        """RTP time after the newest frame, without the offset."""
        self._next_at = clock()
        """Boot time of it."""
        self._speaking = False
        self._reported = 0
        self._frames: asyncio.Queue[VoiceFrame] = asyncio.Queue(MOST_WAITING)
        self._tasks: list[asyncio.Task[None]] = []
        replace_sending(sender, send=self.start, stop=self.stop)

    # --- its life ---------------------------------------------------------------------------------

    def answered(self, *, taken: bool) -> None:
        """Whether the answer takes sound from us."""
        self._taken = taken
        self._attach()

    def show(self, shown: bool) -> None:
        """Only the connection that is shown sends."""
        self._shown = shown
        if shown:
            self._attach()
        else:
            self._microphone.not_by(self)

    def _attach(self) -> None:
        if not self._shown:
            return
        if self._taken is False:
            self._microphone.refused()
        elif self._dtls is not None:
            self._microphone.send_by(self)

    async def start(self, parameters: RTCRtpSendParameters) -> None:
        """Called by aiortc once DTLS is up, in place of `RTCRtpSender.send`."""
        if self._dtls is not None or self._taken is not True:
            return
        self._payload_type = parameters.codecs[0].payloadType or 0
        self._cname = (parameters.rtcp.cname or "").encode()
        self._dtls = self._transport_of.transport
        register_sender(self._dtls, self, parameters)
        self._tasks = [
            spawn(self._send_frames(), name=f"{self._name}-voice"),
            spawn(self._report(), name=f"{self._name}-voice-reports"),
        ]
        self._attach()

    async def stop(self) -> None:
        """In place of `RTCRtpSender.stop`. The goodbye has the BYE of its SSRC."""
        self._microphone.not_by(self)
        dtls, self._dtls = self._dtls, None
        if dtls is not None:
            unregister_sender(dtls, self)
        tasks, self._tasks = self._tasks, []
        await cancel(*tasks)

    async def on_rtcp(self, packet: AnyRtcpPacket) -> None:
        """What the host reports of our stream changes nothing: FEC is always there."""

    # --- RTP --------------------------------------------------------------------------------------

    def send(self, frame: VoiceFrame) -> None:
        """Send a frame soon; dropped if too many wait. Never waits."""
        if self._dtls is not None and not self._frames.full():
            self._frames.put_nowait(frame)

    async def _send_frames(self) -> None:
        assert self._dtls is not None
        put = rtp_sender(self._dtls)
        while True:
            frame = await self._frames.get()
            at = self._time_of(frame)
            if frame.payload is None or not self._may_send():
                self._speaking = False
                continue
            marker = 0 if self._speaking or frame.silent else 0x80
            self._speaking = not frame.silent
            header = struct.pack(
                "!BBHII",
                0x80,
                self._payload_type | marker,
                self._sequence,
                (self._offset + at) & 0xFFFFFFFF,
                self.ssrc,
            )
            try:
                await put(header + frame.payload)
            except ConnectionError:
                continue  # DTLS is not connected
            self._sequence = (self._sequence + 1) & 0xFFFF
            self.packets += 1
            self.octets += len(frame.payload)

    def _time_of(self, frame: VoiceFrame) -> int:
        """The RTP time of the frame's first sample. It counts the device's samples; for the time
        that the device was closed, whole frames of the clock are added."""
        if frame.opened != self._opened:
            self._opened = frame.opened
            passed = (frame.taken_at - self._next_at) * SAMPLE_RATE_HZ / FRAME_SAMPLES - 1
            begins = self._next_time + max(0, round(passed)) * FRAME_SAMPLES
            self._base = begins - frame.position
        at = self._base + frame.position
        self._next_time, self._next_at = at + FRAME_SAMPLES, frame.taken_at
        return at

    async def _report(self) -> None:
        """Sender reports while packets leave: they relate RTP time to the clock (RFC 3550, 6.4)."""
        assert self._dtls is not None
        put = rtp_sender(self._dtls)
        while True:
            await asyncio.sleep(REPORT_EVERY_S * random.uniform(0.8, 1.2))
            if self.packets == self._reported or not self._may_send():
                continue
            self._reported = self.packets
            try:
                await put(self.report(self._clock()))
            except ConnectionError:
                continue

    def report(self, now: float) -> bytes:
        """A sender report of now, with the name of the source."""
        wall_s = time.time() - self._clock() + now
        since = (now - self._next_at) * SAMPLE_RATE_HZ
        info = RtcpSenderInfo(
            ntp_timestamp=int((wall_s + _NTP_EPOCH_S) * (1 << 32)),
            rtp_timestamp=(self._offset + self._next_time + round(since)) & 0xFFFFFFFF,
            packet_count=self.packets & 0xFFFFFFFF,
            octet_count=self.octets & 0xFFFFFFFF,
        )
        name = RtcpSourceInfo(ssrc=self.ssrc, items=[(1, self._cname)])
        return bytes(RtcpSrPacket(ssrc=self.ssrc, sender_info=info)) + bytes(
            RtcpSdesPacket(chunks=[name])
        )
