"""Prepares what an offer needs before it is needed: keys, media sections and the DTLS context.

That takes two to three milliseconds and no network, so the next connection is prepared while this
one plays.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCRtpTransceiver
from aiortc.rtcdtlstransport import RTCDtlsTransport

from rejoin.errors import PeerError
from rejoin.rtc.aiortc_seam import prepare_dtls
from rejoin.rtc.codecs import offer_every_profile, offered_codecs


@dataclass(frozen=True, slots=True)
class PreparedConnection:
    """A connection that made no offer: it has no socket and no task, and its keys are unused."""

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
    audio.setCodecPreferences(offered_codecs("audio"))
    video = pc.addTransceiver("video", direction="recvonly")
    video.setCodecPreferences(offered_codecs("video"))
    dtls = audio.receiver.transport
    if video.receiver.transport is not dtls:
        raise PeerError("The WebRTC library did not bundle media on one transport.")
    prepare_dtls(dtls)
    return PreparedConnection(pc, audio, video, dtls)


class PreparedConnections:
    """Holds at most one prepared connection. For one event loop; each connection is used once."""

    def __init__(self) -> None:
        self._prepared: PreparedConnection | None = None

    def prepare(self) -> None:
        """Prepare one for the next `pop`, unless there is one. Raises PeerError."""
        if self._prepared is None:
            self._prepared = _make()

    def pop(self) -> PreparedConnection:
        """The prepared connection, or else a new one. Raises PeerError."""
        prepared, self._prepared = self._prepared, None
        return prepared if prepared is not None else _make()
