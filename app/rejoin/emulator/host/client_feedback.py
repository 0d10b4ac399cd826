"""Reads the client's RTCP that aiortc does not pass on: feedback on the bitrate, and FIR.

Transport-wide feedback decides the bitrate, or REMB while there is none. FIR names its stream only
inside the FCI (RFC 5104, 4.3.1), which aiortc does not read.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtp import RTCP_PSFB, RTCP_PSFB_FIR

from rejoin.clock import Clock
from rejoin.emulator.host.congestion_control import CongestionControl
from rejoin.emulator.host.media_player import MediaPlayer
from rejoin.emulator.host.rtp_stream import RtpStream
from rejoin.media.receive import transport_feedback
from rejoin.media.receive.rtp import rtcp_packets
from rejoin.rtc import aiortc_seam

_FCI_AT: Final = 12
_FCI_BYTES: Final = 8
_REQUESTERS: Final = 16
"""The newest FIR of at most this many senders is remembered."""


class ClientFeedback:
    """Reads the RTCP of one client and steers what plays for it."""

    def __init__(self, congestion: CongestionControl, clock: Clock) -> None:
        self._congestion, self._clock = congestion, clock
        self._handle_as_aiortc: aiortc_seam.PacketHandler | None = None
        self._playing: tuple[MediaPlayer, RtpStream] | None = None
        self._firs = FirCommands()

    def watch(self, dtls: RTCDtlsTransport) -> None:
        """Read the RTCP of this transport. Call it before the connection starts."""
        self._handle_as_aiortc = aiortc_seam.replace_rtcp_handler(dtls, self._on_rtcp)

    def steer(self, player: MediaPlayer, video: RtpStream) -> None:
        """Steer this player from now on."""
        self._playing = player, video
        video.on_bitrate_requested = self._on_remb
        player.on_woke = self._congestion.lateness.woke
        player.on_frame = self._congestion.frame_sent

    def _on_remb(self, bitrate_bps: int) -> None:
        if self._playing is not None and not self._congestion.has_feedback(self._clock()):
            self._playing[0].request_bitrate(bitrate_bps)

    async def _on_rtcp(self, data: bytes) -> None:
        """A decrypted compound packet; aiortc reads it after us."""
        now = self._clock()
        for report in transport_feedback.parse(data):
            self._congestion.on_report(report, now)
            if self._playing is not None:
                self._playing[0].request_bitrate(self._congestion.bitrate_bps)
        if self._playing is not None and self._firs.ask_for(self._playing[1].ssrc, data):
            self._playing[1].key_frame_requested()
        if self._handle_as_aiortc is not None:
            await self._handle_as_aiortc(data)


class FirCommands:
    """The FIR commands of a client; one that is repeated has the same number."""

    def __init__(self) -> None:
        self._newest: OrderedDict[int, int] = OrderedDict()
        """The number of the newest command of each sender."""

    def ask_for(self, ssrc: int, rtcp: bytes) -> bool:
        """Whether a compound packet has a new command for this stream; malformed ones have none."""
        found = False
        for packet in rtcp_packets(rtcp):
            if packet[1] == RTCP_PSFB and packet[0] & 0x1F == RTCP_PSFB_FIR:
                found = self._is_new(ssrc, packet) or found
        return found

    def _is_new(self, ssrc: int, packet: bytes) -> bool:
        sender = int.from_bytes(packet[4:8])
        for entry in range(_FCI_AT, len(packet) - _FCI_BYTES + 1, _FCI_BYTES):
            if int.from_bytes(packet[entry : entry + 4]) == ssrc:
                number = packet[entry + 4]
                before = self._newest.pop(sender, None)
                self._newest[sender] = number
                if len(self._newest) > _REQUESTERS:
                    self._newest.popitem(last=False)
                return number != before
        return False
