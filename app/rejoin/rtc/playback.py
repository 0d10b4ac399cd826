"""Plays one connection's sound: decode, queue for the audio output, and keep in lip sync."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from rejoin.clock import Clock
from rejoin.core.model import ConnectionNumber
from rejoin.media.audio.opus import BYTES_PER_SAMPLE, OpusDecoder
from rejoin.media.audio.output import AudioOutput
from rejoin.media.receive.audio_reorder import OrderedAudio
from rejoin.media.receive.lip_sync import LipSync
from rejoin.media.receive.receive_statistics import ReceiveStatistics
from rejoin.media.video.picture import PictureSlot
from rejoin.rtc.voice_sender import Microphone

PAINTED_WITHIN_S = 0.5
"""An older picture (frozen, or the window is minimised) says nothing about lip sync now."""


@dataclass(frozen=True, slots=True)
class MediaSinks:
    """Where pictures and sound of a connection go, and where the player's voice comes from."""

    slot: PictureSlot
    audio: AudioOutput
    microphone: Microphone | None = None


class HasReception(Protocol):
    """A receiver whose sender reports relate RTP timestamps to the host's clock."""

    @property
    def reception(self) -> ReceiveStatistics: ...


@dataclass(frozen=True, slots=True)
class _Audible:
    """When (boot time) the sample with this RTP timestamp leaves the loudspeaker."""

    at: float
    rtp_timestamp: int


class AudioPlayback:
    """Plays only while the connection is shown; a hidden connection's sound is not decoded.

    `attach` it to the receivers before the first packet. Runs on the event loop's thread.
    """

    def __init__(
        self, number: ConnectionNumber, sinks: MediaSinks, *, clock: Clock, shown: bool
    ) -> None:
        self.opus = OpusDecoder()
        self._number = number
        self._slot = sinks.slot
        self._output = sinks.audio
        self._clock = clock
        self._shown = shown
        self._receivers: tuple[HasReception, HasReception] | None = None
        self._newest: _Audible | None = None
        self._lip_sync = LipSync()

    def attach(self, *, video: HasReception, audio: HasReception) -> None:
        self._receivers = (video, audio)

    def show(self, shown: bool) -> None:
        if shown != self._shown:
            self._newest = None
            self._lip_sync.reset()
        self._shown = shown

    def play(self, packet: OrderedAudio) -> None:
        """Decode one packet, conceal the lost ones before it, and queue the samples."""
        if not self._shown:
            return
        samples = self.opus.decode(packet.payload, lost_before=packet.lost_before)
        if not samples:
            return
        now = self._clock()
        audible_in_s = self._output.play(samples)
        if audible_in_s is None:
            self._newest = None
        else:
            # The first of these samples conceals the first of the lost packets.
            concealed = len(samples) // BYTES_PER_SAMPLE - self.opus.packet_samples
            self._newest = _Audible(now + audible_in_s, packet.rtp_timestamp - concealed)
        change_s = self._lip_sync.correction_s(now, self.late_s())
        if change_s:
            self._output.adjust_sync_delay(change_s)

    def late_s(self) -> float | None:
        """How late sound is relative to its picture (negative: early); None while unknown.

        The latency of the screen is unknown: a picture counts as seen when it is painted.
        """
        painted, newest = self._slot.painted, self._newest
        if newest is None or self._receivers is None:
            return None
        if painted.last_connection != self._number:
            return None
        if self._clock() - painted.last_at > PAINTED_WITHIN_S:
            return None
        video, audio = self._receivers
        sound_captured_at = audio.reception.captured_at(newest.rtp_timestamp)
        picture_captured_at = video.reception.captured_at(painted.last_rtp_timestamp)
        if sound_captured_at is None or picture_captured_at is None:
            return None
        return (newest.at - sound_captured_at) - (painted.last_at - picture_captured_at)
