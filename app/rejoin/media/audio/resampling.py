"""Sound of a microphone that has another rate than 48 kHz: blocks in, blocks of 48 kHz out."""

from __future__ import annotations

from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from rejoin.media.audio.capture_ring import Block
from rejoin.media.audio.opus_encoder import SAMPLE_RATE_HZ


class Resampling:
    """By FFmpeg, which keeps a few samples back. Sound around a dropped block is not joined."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._expected = self._position = 0
        """The next sample that comes in, and the next one that goes out."""
        self._begin()

    def _begin(self) -> None:
        self._resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)

    def convert(self, block: Block) -> Block:
        """The same sound, with its position at 48 kHz. It may be empty."""
        if block.position != self._expected:
            self._begin()
            after = round(block.position * SAMPLE_RATE_HZ / self._rate_hz)
            self._position = max(self._position + 1, after)
        count = len(block.samples) // 2
        self._expected = block.position + count
        if not count:
            return Block(b"", self._position, block.taken_at)
        frame = AudioFrame(format="s16", layout="mono", samples=count)
        frame.sample_rate = self._rate_hz
        frame.planes[0].update(block.samples)
        made = b"".join(
            bytes(each.planes[0])[: each.samples * 2] for each in self._resampler.resample(frame)
        )
        position = self._position
        self._position += len(made) // 2
        return Block(made, position, block.taken_at)
