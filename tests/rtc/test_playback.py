from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import av
import numpy as np
import pytest
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.codec.context import CodecContext

from rejoin.core.model import ConnectionNumber
from rejoin.media.audio.opus import BYTES_PER_SAMPLE, FRAME_SAMPLES
from rejoin.media.audio.output import NullOutput
from rejoin.media.receive.audio_reorder import OrderedAudio
from rejoin.media.receive.receive_statistics import ReceiveStatistics
from rejoin.media.video.picture import Picture, PictureSlot
from rejoin.rtc.playback import PAINTED_WITHIN_S, AudioPlayback, MediaSinks

NUMBER = ConnectionNumber(1)
NTP_PER_S = 1 << 32


class Output(NullOutput):
    """Sound that is heard 30 ms after it was queued."""

    def __init__(self) -> None:
        super().__init__()
        self.played: list[int] = []
        self.adjustments: list[float] = []
        self.audible_in_s: float | None = 0.030

    def play(self, samples: bytes) -> float | None:
        self.played.append(len(samples) // BYTES_PER_SAMPLE)
        return self.audible_in_s

    def adjust_sync_delay(self, change_s: float) -> None:
        self.adjustments.append(change_s)


class Receiver:
    """A stream whose RTP timestamp 0 was captured at second 1000 of the host's clock."""

    def __init__(self, clock_hz: int) -> None:
        self.reception = ReceiveStatistics(clock_hz)
        self.reception.add_sender_report(1000 * NTP_PER_S, 0, 50.0)


class Scene:
    def __init__(self, *, shown: bool = True) -> None:
        self.now = 100.0
        self.slot, self.output = PictureSlot(), Output()
        self.playback = AudioPlayback(
            NUMBER, MediaSinks(self.slot, self.output), clock=lambda: self.now, shown=shown
        )
        self.playback.attach(video=Receiver(90_000), audio=Receiver(48_000))

    def paint(self, media_s: float, connection: ConnectionNumber = NUMBER) -> None:
        """The picture captured `media_s` after timestamp 0 is painted now."""
        picture = SimpleNamespace(
            received_at=self.now, rtp_timestamp=int(media_s * 90_000), connection=connection
        )
        self.slot.count_painted(cast(Picture, picture), self.now)

    def play(self, media_s: float, *, lost_before: int = 0) -> None:
        self.playback.play(OrderedAudio(packet(), lost_before, int(media_s * 48_000)))


def packet() -> bytes:
    """20 ms of silence in Opus."""
    encoder = CodecContext.create("libopus", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", av.AudioFormat("s16")
    frame = AudioFrame.from_ndarray(
        np.zeros((1, 2 * FRAME_SAMPLES), dtype=np.int16), format="s16", layout="stereo"
    )
    frame.sample_rate = 48_000
    return bytes(next(iter([*encoder.encode(frame), *encoder.encode(None)])))


def test_a_hidden_connection_plays_nothing() -> None:
    scene = Scene(shown=False)
    scene.play(0.0)
    assert scene.output.played == []
    scene.playback.show(True)
    scene.play(0.02)
    assert scene.output.played == [FRAME_SAMPLES]


def test_the_delay_of_sound_follows_from_the_times_of_capture_and_painting() -> None:
    scene = Scene()
    assert scene.playback.late_s() is None, "nothing was played"
    scene.paint(2.0)
    scene.play(2.0)
    assert scene.playback.late_s() == pytest.approx(0.030)
    scene.paint(2.1)
    assert scene.playback.late_s() == pytest.approx(0.130)
    scene.paint(1.99)
    assert scene.playback.late_s() == pytest.approx(0.020)


def test_concealed_samples_come_before_those_of_the_packet() -> None:
    scene = Scene()
    scene.play(1.96)
    scene.paint(2.0)
    scene.play(2.0, lost_before=1)
    # The first of the samples queued now is the concealed one, captured 20 ms earlier.
    assert scene.output.played == [FRAME_SAMPLES, 2 * FRAME_SAMPLES]
    assert scene.playback.late_s() == pytest.approx(0.050)


def test_the_delay_is_unknown_with_an_old_picture_another_connection_or_no_device() -> None:
    scene = Scene()
    scene.play(2.0)
    scene.paint(2.0, ConnectionNumber(2))
    assert scene.playback.late_s() is None
    scene.paint(2.0)
    assert scene.playback.late_s() is not None
    scene.now += PAINTED_WITHIN_S + 0.01
    assert scene.playback.late_s() is None
    scene.paint(2.0)
    scene.output.audible_in_s = None
    scene.play(2.02)
    assert scene.playback.late_s() is None


def test_hiding_resets_the_lip_sync() -> None:
    scene = Scene()
    scene.paint(2.0)
    scene.play(2.0)
    scene.playback.show(False)
    assert scene.playback.late_s() is None


def test_sound_that_stays_early_is_delayed() -> None:
    scene = Scene()
    for step in range(200):
        scene.now = 100.0 + step * 0.02
        media_s = 2.0 + step * 0.02
        scene.paint(media_s - 0.2)  # its picture is painted 200 ms later
        scene.play(media_s)
        if scene.output.adjustments:
            break
    assert scene.output.adjustments[0] > 0.1
