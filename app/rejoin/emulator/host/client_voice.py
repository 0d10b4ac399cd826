"""The client's microphone: decodes its RTP and measures the level for the strip of the pictures.

No sound is kept or played: the host only shows the level and counts packets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aiortc import RTCRtpTransceiver
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters

from rejoin.clock import Clock
from rejoin.media.audio.loudness import SILENT_DBFS, meter, peak_dbfs
from rejoin.media.audio.opus import FRAME_SAMPLES, OpusDecoder
from rejoin.media.receive import rtp
from rejoin.rtc import aiortc_seam

SHOWN_FOR_S: Final = 0.1
"""How long the level of a packet is shown, so that a picture falls into this time."""
MOST_LOST: Final = 50
"""A gap of up to this many sequence numbers is loss; a larger step is another stream."""


class ClientVoice:
    """The voice of one connection. Late packets are left out: loopback does not reorder."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._decoder = OpusDecoder()
        self._payload_type: int | None = None
        self._next: int | None = None
        self._level_dbfs = SILENT_DBFS
        self._heard_at = float("-inf")
        self.packets = 0
        self.lost = 0
        self.spurts = 0
        """Packets with the marker: the first after a silence."""
        self.samples = 0
        self.on_sound: Callable[[bytes, rtp.RtpPacket], None] = lambda sound, packet: None
        """Gets the decoded sound of each packet: 16-bit stereo at 48 kHz."""

    def listen(self, dtls: RTCDtlsTransport, audio: RTCRtpTransceiver) -> None:
        """Receive the client's sound on this section, if the answer allows it. Call it before the
        connection starts."""
        aiortc_seam.replace_receiving(audio.receiver, receive=self._begin, stop=self._end)
        aiortc_seam.replace_rtp_handler(dtls, self._on_rtp)

    @property
    def taken(self) -> bool:
        """Whether the client may talk: the connection is up, and both sides have agreed."""
        return self._payload_type is not None

    @property
    def level_dbfs(self) -> float:
        """The peak of the newest packet, for a moment."""
        return self._level_dbfs if self._clock() - self._heard_at < SHOWN_FOR_S else SILENT_DBFS

    def meter(self) -> float | None:
        """For the strip, 0 to 1; None while the client may not talk."""
        return meter(self.level_dbfs) if self.taken else None

    async def _begin(self, parameters: RTCRtpReceiveParameters) -> None:
        self._payload_type = parameters.codecs[0].payloadType

    async def _end(self) -> None:
        self._payload_type = None

    async def _on_rtp(self, data: bytes, arrival_time_ms: int) -> None:
        try:
            packet = rtp.parse(data)
        except ValueError:
            return
        if self._payload_type is not None and packet.payload_type == self._payload_type:
            self.on_packet(packet)

    def on_packet(self, packet: rtp.RtpPacket) -> None:
        """One packet of the client's sound."""
        step = 0 if self._next is None else (packet.sequence_number - self._next) & 0xFFFF
        if step >= 0x8000:
            return  # late, or twice
        lost = step if step <= MOST_LOST else 0
        self._next = (packet.sequence_number + 1) & 0xFFFF
        self.packets += 1
        self.lost += lost
        self.spurts += packet.marker
        sound = self._decoder.decode(packet.payload, lost_before=lost)
        self.samples += self._decoder.packet_samples or FRAME_SAMPLES
        self._level_dbfs, self._heard_at = peak_dbfs(sound), self._clock()
        self.on_sound(sound, packet)

    def describe(self) -> dict[str, object] | None:
        """As JSON values; None while the client may not talk."""
        if not self.taken:
            return None
        return {
            "packets": self.packets,
            "lost": self.lost,
            "spurts": self.spurts,
            "seconds": round(self.samples / rtp.AUDIO_CLOCK_HZ, 2),
            "level_dbfs": round(self.level_dbfs, 1),
        }
