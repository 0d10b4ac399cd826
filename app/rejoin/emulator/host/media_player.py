"""Plays one game into the RTP streams of one connection: encodes on a thread, sends on the loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from rejoin import tasks
from rejoin.clock import Clock, boot_s
from rejoin.emulator.host.encoders import VideoEncoder, music_packets
from rejoin.emulator.host.game import TICKS_PER_S, Game
from rejoin.emulator.host.h264 import packetize
from rejoin.emulator.host.modelled_media import BlackPictures
from rejoin.emulator.host.music import FRAME_SAMPLES, SAMPLE_RATE_HZ
from rejoin.emulator.host.rtp_stream import RtpStream
from rejoin.emulator.host.x264 import VIDEO_CLOCK_HZ, VideoFormat

_T = TypeVar("_T")

KEY_FRAME_EVERY_S = 0.200
"""Requests for a key frame within this time are answered with one key frame."""
NOTICE_EVERY_S = 0.010
MIN_BITRATE_BPS = 300_000
"""REMB and transport-wide feedback are followed down to this; below it the strip would no longer be
readable."""
_AUDIO_FRAME_S = FRAME_SAMPLES / SAMPLE_RATE_HZ


def _encoder_of(video_format: VideoFormat) -> VideoEncoder | BlackPictures:
    return BlackPictures(video_format) if video_format.modelled else VideoEncoder(video_format)


class MediaPlayer:
    """Encodes and sends one game's pictures and music for one connection.

    It starts when the video stream is up, and stops with `close`, which leaves no thread.
    The encoder is made at once, while the connection is still being made; x264 itself is opened
    with the first picture.
    """

    def __init__(
        self,
        game: Game,
        video_format: VideoFormat,
        video: RtpStream,
        audio: RtpStream | None,
        clock: Clock = boot_s,
    ) -> None:
        self._game, self._clock = game, clock
        self._format = replace(video_format, fps=min(video_format.fps, TICKS_PER_S))
        self._video, self._audio = video, audio
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "emulator-encoder")
        self._opened = self._thread.submit(_encoder_of, self._format)
        self._tasks: list[asyncio.Task[None]] = []
        self._key_frame_requested = True
        self._key_frame_at = float("-inf")
        self._closed = False
        self.bitrate_bps = self._limit_bps = video_format.max_bitrate_bps
        self.frames = 0
        self.key_frames = 0
        self.paused = False
        """While True nothing is encoded or sent."""
        self.picture_paused = False
        """While True no picture is encoded or sent."""
        self.on_woke: Callable[[float, float], None] = lambda _due, _now: None
        """Called each 10 ms, with the time when that was due and the time now."""
        self.on_frame: Callable[[int], None] = lambda _beats: None
        """Called for each picture that was sent, with the number of frame intervals since the one
        before it: more than one where there was no time to encode the others."""
        self.voice: Callable[[], float | None] = lambda: None
        """How loud the client's microphone is, for the strip: 0 to 1; None: it may not talk."""
        video.on_started = self._start_video
        video.on_key_frame_requested = self._request_key_frame
        video.on_bitrate_requested = self.request_bitrate
        if audio is not None:
            audio.on_started = self._start_audio

    async def close(self) -> None:
        """Stop playing; returns when the encoder thread has ended."""
        self._closed = True
        await tasks.cancel(*self._tasks)
        # The thread works in order: when this call is done, everything before it is done too.
        await asyncio.wrap_future(self._thread.submit(self._close_encoder))
        self._thread.shutdown(wait=True)

    def _reopen(self, video_format: VideoFormat) -> VideoEncoder | BlackPictures:
        """An encoder for this format in place of the present one; called on the encoder thread."""
        self._close_encoder()
        encoder = _encoder_of(video_format)
        self._opened = concurrent.futures.Future()
        self._opened.set_result(encoder)
        return encoder

    def _close_encoder(self) -> None:
        """Close it explicitly: an encoder left to the garbage collector pins the memory around
        it."""
        if self._opened.exception() is None:
            self._opened.result().close()

    def set_picture_size(self, width: int, height: int) -> None:
        """Send pictures of this size from the next one on, which is a key frame."""
        self._format = replace(self._format, width=width, height=height)

    def _request_key_frame(self) -> None:
        self._key_frame_requested = True

    def limit_bitrate(self, bitrate_bps: int) -> None:
        """Send no more than this from now on, whatever is requested; 0: no limit."""
        self._limit_bps = bitrate_bps or self._format.max_bitrate_bps
        self.request_bitrate(self.bitrate_bps)

    def request_bitrate(self, bitrate_bps: int) -> None:
        """Encode the next pictures at this bitrate, within what encoder and format allow."""
        most = min(self._limit_bps, self._format.max_bitrate_bps)
        self.bitrate_bps = max(MIN_BITRATE_BPS, min(bitrate_bps, most))

    def _start_video(self) -> None:
        if not self._closed:
            self._tasks.append(tasks.spawn(self._play_video(), name="emulator-video"))
            if not self._format.modelled:
                self._tasks.append(tasks.spawn(self._notice_lateness(), name="emulator-lateness"))

    def _start_audio(self) -> None:
        if not self._closed and not self._format.modelled:
            self._tasks.append(tasks.spawn(self._play_audio(), name="emulator-audio"))

    async def _off_loop(self, work: Callable[[], _T]) -> _T:
        if self._format.modelled:
            return work()  # which takes less time than to get to the thread and back
        return await asyncio.wrap_future(self._thread.submit(work))

    async def _play_video(self) -> None:
        encoder = await asyncio.wrap_future(self._opened)
        opened_for = self._format
        shown = -1
        sent_due: float | None = None
        for due in self._beats(1 / self._format.fps):
            await self._until(due)
            if not self._video.open:
                return
            if self.paused or self.picture_paused:
                sent_due = None
                continue
            now = self._clock()
            counter = self._game.advance(max(now, due))
            if counter == shown:
                continue  # the previous picture was late and showed this tick already
            shown = counter
            scene = replace(self._game.scene(), voice=self.voice())
            if self._format != opened_for:
                opened_for = self._format
                encoder = await self._off_loop(functools.partial(self._reopen, opened_for))
                self._key_frame_requested, self._key_frame_at = True, float("-inf")
            key = self._key_frame_requested and now - self._key_frame_at >= KEY_FRAME_EVERY_S
            if key:
                self._key_frame_requested, self._key_frame_at = False, now
                self.key_frames += 1
            units = await self._off_loop(
                functools.partial(encoder.encode, scene, key=key, bitrate_bps=self.bitrate_bps)
            )
            self.frames += 1
            await self._video.send(
                packetize(units, mode=self._format.packetization_mode),
                counter * VIDEO_CLOCK_HZ // TICKS_PER_S,
            )
            if sent_due is not None:
                self.on_frame(max(1, round((due - sent_due) * self._format.fps)))
            sent_due = due

    async def _play_audio(self) -> None:
        assert self._audio is not None
        packets = await self._off_loop(music_packets)
        for due in self._beats(_AUDIO_FRAME_S):
            await self._until(due)
            if not self._audio.open:
                return
            if self.paused:
                continue
            number = round((due - self._game.started_at) / _AUDIO_FRAME_S)
            await self._audio.send([packets[number % len(packets)]], number * FRAME_SAMPLES)

    async def _notice_lateness(self) -> None:
        """Measure the lateness by a timer: frames cannot show it, as nothing is due while one waits
        for the encoder."""
        while self._video.open:
            due = self._clock() + NOTICE_EVERY_S
            await asyncio.sleep(NOTICE_EVERY_S)
            self.on_woke(due, self._clock())

    def _beats(self, every_s: float) -> Iterator[float]:
        """Boot times on the game's own grid, endlessly; those already missed are left out."""
        epoch = self._game.started_at
        beat = 0
        while True:
            beat = max(beat + 1, int((self._clock() - epoch) / every_s))
            yield epoch + beat * every_s

    async def _until(self, at: float) -> None:
        await asyncio.sleep(max(0.0, at - self._clock()))
