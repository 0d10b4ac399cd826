"""The media player: key frames and bitrates on request, and no thread left behind."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from typing import Any

import av
import pytest
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RtcpPsfbPacket,
    pack_remb_fci,
)

from helpers.rtp_streams import (
    FakeTransport,
    ManualClock,
    a_stream,
    parameters,
    stock_sender,
)
from helpers.waiting import eventually
from rejoin.clock import boot_s
from rejoin.emulator.host import media_player
from rejoin.emulator.host.encoders import VideoEncoder
from rejoin.emulator.host.game import HEIGHT, WIDTH, Game
from rejoin.emulator.host.media_player import MIN_BITRATE_BPS, NOTICE_EVERY_S, MediaPlayer
from rejoin.emulator.host.rtp_stream import RtpStream
from rejoin.emulator.host.x264 import VideoFormat


async def test_remb_is_followed_within_bounds() -> None:
    stream, _ = a_stream(ManualClock())
    player = MediaPlayer(Game(0.0), VideoFormat(WIDTH, HEIGHT, 60, 8_000_000, "main"), stream, None)
    for requested_bps, rate_bps in (
        (2_000_000, 2_000_000),
        (50_000_000, 8_000_000),
        (10, MIN_BITRATE_BPS),
    ):
        stream.on_bitrate_requested(requested_bps)
        assert player.bitrate_bps == rate_bps
    stream.on_bitrate_requested(8_000_000)
    player.limit_bitrate(700_000)
    assert player.bitrate_bps == 700_000
    stream.on_bitrate_requested(2_000_000)
    assert player.bitrate_bps == 700_000
    player.limit_bitrate(0)
    stream.on_bitrate_requested(2_000_000)
    assert player.bitrate_bps == 2_000_000
    await player.close()


class Recorder(RtpStream):
    """A stream that keeps the frames to send."""

    def __init__(self) -> None:
        super().__init__(stock_sender(1, 2, FakeTransport()), clock_hz=90_000, epoch=0.0)
        self.frames: list[tuple[list[bytes], int]] = []

    async def send(self, payloads: Any, media_time: int) -> None:
        self.frames.append((list(payloads), media_time))


async def test_a_player_answers_key_frame_requests_but_not_a_storm_of_them() -> None:
    stream = Recorder()
    game = Game(boot_s())
    player = MediaPlayer(game, VideoFormat(320, 180, 30, 1_000_000, "main"), stream, None)
    await stream.start(parameters())
    began = boot_s()
    while player.frames < 20:
        stream.on_key_frame_requested()
        await asyncio.sleep(0.005)
    played_s = boot_s() - began
    keys = [payloads[0][0] & 0x1F == 7 for payloads, _ in stream.frames]
    assert keys[0]
    assert 2 <= sum(keys) <= played_s / 0.2 + 1
    times = [media_time for _, media_time in stream.frames]
    assert all(later > sooner for sooner, later in itertools.pairwise(times))
    player.paused = True
    await asyncio.sleep(0.1)
    held = player.frames
    await asyncio.sleep(0.1)
    assert player.frames == held
    await player.close()
    await stream.stop()
    assert not [t for t in threading.enumerate() if t.name.startswith("emulator-encoder")]


async def test_remb_reaches_the_encoder_with_the_next_pictures() -> None:
    """From the RTCP packet to the bytes: a receiver that requests less gets less."""

    stream = Recorder()
    game = Game(boot_s())
    form = VideoFormat(640, 360, 60, 8_000_000, "main", constant_bitrate=True)
    player = MediaPlayer(game, form, stream, None)
    await stream.start(parameters())

    async def bytes_each(after: int, frames: int) -> float:
        for _ in range(4000):
            if player.frames >= after + frames:
                break
            await asyncio.sleep(0.005)
        sent = stream.frames[after : after + frames]
        ticks = (sent[-1][1] - stream.frames[after - 1][1]) / 1500
        return sum(sum(map(len, payloads)) for payloads, _ in sent) / ticks

    high = await bytes_each(10, 20)
    fci = pack_remb_fci(1_000_000, [1])
    await stream.on_rtcp(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=9, media_ssrc=0, fci=fci))
    low = await bytes_each(player.frames + 45, 20)
    assert player.bitrate_bps == pytest.approx(1_000_000, rel=0.01)
    assert high > 2 * low  # the encoder's own buffer takes a second to follow
    await player.close()
    await stream.stop()


async def test_the_size_changes_in_mid_stream_with_a_key_frame() -> None:
    stream = Recorder()
    form = VideoFormat(320, 180, 60, 1_000_000, "main", packetization_mode=0)
    player = MediaPlayer(Game(boot_s()), form, stream, None)
    await stream.start(parameters())
    decoder = av.VideoCodecContext.create("h264", "r")
    sizes: list[tuple[int, int]] = []
    key_frames = 0
    for width, height in ((320, 180), (160, 90), (640, 360), (640, 360)):
        player.set_picture_size(width, height)
        after = player.frames
        for _ in range(4000):
            if player.frames >= after + 4:
                break
            await asyncio.sleep(0.005)
    for payloads, _ in stream.frames:
        key_frames += payloads[0][0] & 0x1F == 7
        picture = b"".join(b"\0\0\0\1" + unit for unit in payloads)
        for frame in decoder.decode(av.Packet(picture)):
            if [(frame.width, frame.height)] != sizes[-1:]:
                sizes.append((frame.width, frame.height))
    assert sizes == [(320, 180), (160, 90), (640, 360)]
    assert key_frames == len(sizes), "a key frame for each size, none for the same size again"
    await player.close()
    await stream.stop()


async def test_a_player_notices_when_it_did_not_run_and_which_frames_it_left_out() -> None:
    stream = Recorder()
    player = MediaPlayer(Game(boot_s()), VideoFormat(320, 180, 30, 1_000_000, "main"), stream, None)
    woke: list[tuple[float, float]] = []
    beats: list[int] = []
    player.on_woke = lambda due, now: woke.append((due, now))
    player.on_frame = beats.append
    await stream.start(parameters())
    await eventually(lambda: bool(beats))
    assert all(due <= now for due, now in woke)
    began = boot_s()
    time.sleep(0.3)  # nothing else runs meanwhile
    ended = boot_s()
    seen, sent = len(woke), len(beats)
    await eventually(lambda: len(woke) > seen and len(beats) > sent + 1)
    due, now = woke[seen]
    assert due <= began + NOTICE_EVERY_S
    assert now >= ended
    assert max(beats[sent:]) >= 5, "at 30 a second nine are missed"
    await player.close()
    await stream.stop()


async def test_the_encoder_is_closed_on_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds memory of FFmpeg, which else stays until the garbage collector finds it."""
    closed: list[tuple[str, str]] = []

    class Video(VideoEncoder):
        def close(self) -> None:
            closed.append(("video", threading.current_thread().name.partition("_")[0]))
            super().close()

    monkeypatch.setattr(media_player, "VideoEncoder", Video)
    video, audio = Recorder(), Recorder()
    picture = VideoFormat(320, 180, 30, 1_000_000, "main")
    player = MediaPlayer(Game(boot_s()), picture, video, audio)
    await video.start(parameters())
    await audio.start(parameters())
    await eventually(lambda: bool(video.frames and audio.frames))
    await player.close()
    await video.stop()
    await audio.stop()
    assert closed == [("video", "emulator-encoder")]
