"""What every offer needs and no network knows of: keys, media sections, the context of DTLS.

Two to three milliseconds of a rejoin; so the next connection's are made while this one plays.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCRtpTransceiver
from aiortc.rtcdtlstransport import RTCDtlsTransport

from rejoin.errors import PeerError
from rejoin.rtc.aiortc_seam import prepare_dtls
from rejoin.rtc.codecs import offer_every_profile, receivable


@dataclass(frozen=True, slots=True)
class PreparedConnection:
    """A connection that has offered nothing: no socket, no task, and keys that nobody has seen."""

    pc: RTCPeerConnection
    audio: RTCRtpTransceiver
    video: RTCRtpTransceiver
    dtls: RTCDtlsTransport


def _make() -> PreparedConnection:
    """Media sections in the Web SDK's order, bundled on one transport."""
    offer_every_profile()
    configuration = RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
    pc = RTCPeerConnection(configuration)
    audio = pc.addTransceiver("audio", direction="recvonly")
    audio.setCodecPreferences(receivable("audio"))
    video = pc.addTransceiver("video", direction="recvonly")
    video.setCodecPreferences(receivable("video"))
    dtls = audio.receiver.transport
    if video.receiver.transport is not dtls:
        raise PeerError("The WebRTC library did not bundle media on one transport.")
    prepare_dtls(dtls)
    return PreparedConnection(pc, audio, video, dtls)


class PreparedConnections:
    """Keeps one ready. For one event loop; each is given away once."""

    def __init__(self) -> None:
        self._ready: PreparedConnection | None = None

    def prepare(self) -> None:
        """Have one ready for the next `take`. Raises PeerError."""
        if self._ready is None:
            self._ready = _make()

    def take(self) -> PreparedConnection:
        """The one that is ready, or a new one. Raises PeerError."""
        ready, self._ready = self._ready, None
        return ready if ready is not None else _make()
