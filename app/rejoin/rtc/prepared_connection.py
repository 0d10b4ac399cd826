"""Prepares what an offer needs before it is needed: keys, media sections and the DTLS context.

That takes two to three milliseconds, so the next connection is prepared while this one plays. Only
where TURN servers were given does it use the network: for an allocation, so that the offer has its
relay candidate without waiting (ADR 0036).
"""

from __future__ import annotations

from dataclasses import dataclass

from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCRtpTransceiver
from aiortc.rtcdtlstransport import RTCDtlsTransport

from rejoin.errors import PeerError
from rejoin.rtc.aiortc_seam import ice_connection, prepare_dtls
from rejoin.rtc.codecs import offer_every_profile, offered_codecs
from rejoin.rtc.relay import Relay, RelaySettings


@dataclass(frozen=True, slots=True)
class PreparedConnection:
    """A connection that made no offer: its keys are unused. It has no socket and no task but those
    of `relay`; None where no TURN server was given. `allow_444`: whether its offer has the High
    4:4:4 Predictive profile. `microphone`: whether it offers sound of ours."""

    pc: RTCPeerConnection
    audio: RTCRtpTransceiver
    video: RTCRtpTransceiver
    dtls: RTCDtlsTransport
    relay: Relay | None = None
    allow_444: bool = False
    microphone: bool = False

    async def close(self) -> None:
        """For one that makes no offer."""
        if self.relay is not None:
            await self.relay.close()
        await self.pc.close()


def _make(settings: RelaySettings, *, allow_444: bool, microphone: bool) -> PreparedConnection:
    """Media sections in the Web SDK's order, bundled on one transport."""
    offer_every_profile()
    configuration = RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
    pc = RTCPeerConnection(configuration)
    audio = pc.addTransceiver("audio", direction="sendrecv" if microphone else "recvonly")
    audio.setCodecPreferences(offered_codecs("audio"))
    video = pc.addTransceiver("video", direction="recvonly")
    video.setCodecPreferences(offered_codecs("video", allow_444=allow_444))
    dtls = audio.receiver.transport
    if video.receiver.transport is not dtls:
        raise PeerError("The WebRTC library did not bundle media on one transport.")
    prepare_dtls(dtls)
    relay = None
    if settings.servers:
        relay = Relay(ice_connection(dtls), settings)
        relay.start()
    return PreparedConnection(pc, audio, video, dtls, relay, allow_444, microphone)


class PreparedConnections:
    """Holds at most one prepared connection. For one event loop; each connection is used once."""

    def __init__(
        self,
        relay: RelaySettings | None = None,
        *,
        allow_444: bool = False,
        microphone: bool = False,
    ) -> None:
        """`relay`: TURN servers that each connection gets an allocation of; none by default.
        `allow_444`: offer 4:4:4 colour too. `microphone`: offer sound of ours."""
        self._allow_444 = allow_444
        self._microphone = microphone
        self._relay = relay or RelaySettings()
        self._prepared: PreparedConnection | None = None

    def prepare(self) -> None:
        """Prepare one for the next `pop`, unless there is one. Raises PeerError."""
        if self._prepared is None:
            self._prepared = self._make()

    def pop(self) -> PreparedConnection:
        """The prepared connection, or else a new one. Raises PeerError."""
        prepared, self._prepared = self._prepared, None
        return prepared if prepared is not None else self._make()

    def _make(self) -> PreparedConnection:
        return _make(self._relay, allow_444=self._allow_444, microphone=self._microphone)

    def confirm(self) -> None:
        """What was prepared may be needed soon: one that is lost is made anew meanwhile."""
        if self._prepared is not None and self._prepared.relay is not None:
            self._prepared.relay.confirm()

    async def close(self) -> None:
        """End what was prepared and is not needed any more."""
        prepared, self._prepared = self._prepared, None
        if prepared is not None:
            await prepared.close()
