"""Builds the receivers of one connection's media and the sender of the player's voice, in place of
aiortc's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rejoin.clock import Clock
from rejoin.core.model import ConnectionNumber
from rejoin.media.receive.sources import ReceivedSources
from rejoin.rtc.aiortc_seam import replace_receiving, ssrc_of
from rejoin.rtc.candidates import NetworkRules
from rejoin.rtc.playback import AudioPlayback, MediaSinks
from rejoin.rtc.prepared_connection import PreparedConnection
from rejoin.rtc.receiver import AudioReceiver, FrameSink, VideoReceiver
from rejoin.rtc.signal_codec import Answer, decode_response
from rejoin.rtc.transport import Transport
from rejoin.rtc.voice_sender import VoiceSender


@dataclass(frozen=True, slots=True)
class MediaOwner:
    """The connection that the media belong to, and what happens to them, on the event loop.

    `may_send`: whether feedback may be sent now. `on_sources_ended`: every source that was received
    said BYE. `on_refused`: the video begins with a kind that is not decoded; why, in a few words.
    """

    number: ConnectionNumber
    name: str
    clock: Clock
    shown: bool
    may_send: Callable[[], bool]
    on_sources_ended: Callable[[], None]
    on_refused: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class MediaParts:
    """`ssrcs`: ours, audio and video, with which we send RTCP. `voice`: None where no sound of ours
    is offered."""

    video: VideoReceiver
    audio: AudioReceiver
    playback: AudioPlayback
    ssrcs: tuple[int, int]
    voice: VoiceSender | None = None

    def read_answer(self, signal_response: str, rules: NetworkRules) -> Answer:
        """Check the answer, and prepare the receivers for the streams it names. Raises
        SignalError."""
        answer = decode_response(
            signal_response,
            rules,
            allow_444=self.video.allow_444,
            microphone=self.voice is not None,
        )
        self.video.expect_retransmissions(answer.rtx_ssrcs)
        self.video.expect_parameter_sets(answer.parameter_sets)
        if self.voice is not None:
            self.voice.answered(taken=answer.takes_audio)
        return answer

    def show(self, shown: bool) -> None:
        """Only a shown connection plays sound, and sends the player's voice."""
        self.playback.show(shown)
        if self.voice is not None:
            self.voice.show(shown)

    async def stop(self) -> None:
        """Receive and send nothing any more."""
        await self.video.stop()
        await self.audio.stop()
        if self.voice is not None:
            await self.voice.stop()


def build_media(
    prepared: PreparedConnection,
    transport: Transport,
    frames: FrameSink,
    sinks: MediaSinks,
    owner: MediaOwner,
) -> MediaParts:
    """Receivers for the audio and video of a connection whose offer is about to be made."""
    sources = ReceivedSources(owner.on_sources_ended)
    playback = AudioPlayback(owner.number, sinks, clock=owner.clock, shown=owner.shown)
    ssrcs = (ssrc_of(prepared.audio.sender), ssrc_of(prepared.video.sender))
    audio = AudioReceiver(
        prepared.dtls,
        ssrcs[0],
        play=playback.play,
        clock=owner.clock,
        name=f"{owner.name}-audio",
        sources=sources,
    )
    video = VideoReceiver(
        prepared.dtls,
        ssrcs[1],
        sink=frames,
        rtt_s=lambda: transport.checks.rtt_s,
        clock=owner.clock,
        name=f"{owner.name}-video",
        sources=sources,
    )
    audio.send_only_if(owner.may_send)
    video.send_only_if(owner.may_send)
    video.allow_444 = prepared.allow_444
    video.on_refused = owner.on_refused
    video.pause_remb_while(lambda: transport.congestion_feedback.numbering)
    playback.attach(video=video, audio=audio)
    replace_receiving(prepared.audio.receiver, receive=audio.receive, stop=audio.stop)
    replace_receiving(prepared.video.receiver, receive=video.receive, stop=video.stop)
    voice = None
    if prepared.microphone and sinks.microphone is not None:
        voice = VoiceSender(
            prepared.audio.sender,
            sinks.microphone,
            clock=owner.clock,
            may_send=owner.may_send,
            shown=owner.shown,
            name=owner.name,
        )
    return MediaParts(video, audio, playback, ssrcs, voice)
