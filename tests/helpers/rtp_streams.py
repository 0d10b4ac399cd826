"""An outgoing RTP stream without a connection: a fake transport, a clock by hand, parameters."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

from aiortc import RTCRtpSender
from aiortc.rtcrtpparameters import (
    RTCRtcpParameters,
    RTCRtpCodecParameters,
    RTCRtpHeaderExtensionParameters,
    RTCRtpSendParameters,
)
from aiortc.rtp import (
    RTCP_RTPFB_NACK,
    HeaderExtensionsMap,
    RtcpRtpfbPacket,
    is_rtcp,
)

from rejoin.emulator.host.rtp_stream import RtpStream
from rejoin.media.receive.transport_feedback import TRANSPORT_CC_URI

ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"


class FakeTransport:
    """Replaces a DTLS transport; records what is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.senders: list[Any] = []
        self.broken = False

    async def _send_rtp(self, data: bytes) -> None:
        if self.broken:
            raise ConnectionError
        self.sent.append(data)

    def _register_rtp_sender(self, sender: Any, parameters: RTCRtpSendParameters) -> None:
        self.senders.append(sender)

    def _unregister_rtp_sender(self, sender: Any) -> None:
        self.senders.remove(sender)

    @property
    def rtcp(self) -> list[bytes]:
        return [data for data in self.sent if is_rtcp(data)]

    @property
    def rtp(self) -> list[bytes]:
        return [data for data in self.sent if not is_rtcp(data)]


class ManualClock:
    """A clock that stands still until a test sets `now`."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def _unused(*_arguments: object) -> None:
    """aiortc's own method, which the stream replaces."""
    raise AssertionError


def stock_sender(ssrc: int, rtx_ssrc: int, transport: FakeTransport) -> RTCRtpSender:
    """What a stream needs of aiortc's sender."""
    stock = SimpleNamespace(
        _ssrc=ssrc, _rtx_ssrc=rtx_ssrc, transport=transport, send=_unused, stop=_unused
    )
    return cast(RTCRtpSender, stock)


def a_stream(
    clock: ManualClock, next_number: Callable[[int, float], int] | None = None
) -> tuple[RtpStream, FakeTransport]:
    """A stream with SSRC 1111 and RTX SSRC 2222, not yet started."""
    transport = FakeTransport()
    sender = stock_sender(1111, 2222, transport)
    stream = RtpStream(sender, clock_hz=90_000, epoch=1000.0, clock=clock, next_number=next_number)
    return stream, transport


def parameters(
    *, rtx: bool = False, send_time: bool = False, numbers: bool = False
) -> RTCRtpSendParameters:
    """What was negotiated: H.264, with RTX, abs-send-time and transport-wide numbers if so."""
    codecs = [RTCRtpCodecParameters("video/H264", 90_000, payloadType=102)]
    if rtx:
        codecs.append(
            RTCRtpCodecParameters("video/rtx", 90_000, payloadType=103, parameters={"apt": 102})
        )
    extensions = [RTCRtpHeaderExtensionParameters(id=3, uri=ABS_SEND_TIME)] if send_time else []
    if numbers:
        extensions.append(RTCRtpHeaderExtensionParameters(id=4, uri=TRANSPORT_CC_URI))
    return RTCRtpSendParameters(
        codecs=codecs,
        headerExtensions=extensions,
        rtcp=RTCRtcpParameters(cname="name"),
    )


def extensions() -> HeaderExtensionsMap:
    """The extension ids of `parameters(send_time=True)`."""
    found = HeaderExtensionsMap()
    found.configure(parameters(send_time=True))
    return found


def a_nack(lost: list[int]) -> RtcpRtpfbPacket:
    """A NACK for these sequence numbers of SSRC 1111."""
    return RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=9, media_ssrc=1111, lost=lost)
