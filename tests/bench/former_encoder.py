"""The emulator's encoder as it was before ADR 0080, for `bench_encode`.

It paints 1280x720, scales that with swscale's default, and lets x264 refine what stands still. A
program as well: `former_encoder`, then arguments of `rejoin`, is a studio whose host uses it.
"""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
from av.video.frame import PictureType

from rejoin.cli import main as cli
from rejoin.emulator.host import media_player
from rejoin.emulator.host.encoders import VideoEncoder
from rejoin.emulator.host.game import COIN_PX, HEIGHT, PLAYER_PX, TICKS_PER_S, WIDTH, Scene
from rejoin.emulator.host.scenery import (
    GLYPH_PX,
    Plane,
    Sprite,
    background,
    digit_tile,
    letter_place,
    sprites,
)
from rejoin.emulator.host.strip import (
    DARK_LUMA,
    LIGHT_LUMA,
    STRIP_BITS,
    STRIP_PX,
    STRIP_ROW_PX,
    strip_bits,
)
from rejoin.emulator.host.x264 import VIDEO_CLOCK_HZ, VideoFormat, open_x264, planes_of, units_of

_BLOCK_PX = WIDTH // STRIP_BITS


class FormerEncoder(VideoEncoder):
    """Replaces `VideoEncoder`."""

    def __init__(self, video_format: VideoFormat) -> None:
        self._format = video_format
        self._size = video_format.width, video_format.height
        self._pixels = "yuv420p"
        self._frame = av.VideoFrame(WIDTH, HEIGHT, self._pixels)
        self._frame.colorspace = 1  # BT.709
        self._frame.color_range = 1  # limited
        self._former = FormerPainter(*planes_of(self._frame))
        self._codec = open_x264(replace(video_format, finest_quantizer=0), self._pixels)
        self._codec.thread_count = 2 if self._size > (WIDTH, HEIGHT) else 1
        self._bitrate_bps = video_format.max_bitrate_bps
        self._unused_bytes = 0.0
        self._counter: int | None = None

    def encode(self, scene: Scene, *, key: bool, bitrate_bps: int) -> list[bytes]:
        self._former.paint(scene)
        frame = self._frame
        if self._size != (WIDTH, HEIGHT):
            frame = frame.reformat(*self._size, format=self._pixels)
        frame.pts = scene.counter * VIDEO_CLOCK_HZ // TICKS_PER_S
        frame.time_base = Fraction(1, VIDEO_CLOCK_HZ)
        frame.pict_type = PictureType.I if key else PictureType.NONE
        if abs(self._bitrate_bps - bitrate_bps) > bitrate_bps // 20:
            self._codec.bit_rate = self._bitrate_bps = bitrate_bps
        units = units_of(self._codec.encode(frame))
        if self._format.constant_bitrate:
            units += self._filler(scene.counter, sum(map(len, units)), bitrate_bps)
        return units

    def close(self) -> None:
        del self._codec, self._former, self._frame


class FormerPainter:
    """The painter of then: each scene paints every sprite again. 1280x720 only."""

    def __init__(self, y: Plane, u: Plane, v: Plane) -> None:
        self._y, self._u, self._v = y, u, v
        self._back = background(1.0)
        self._sprites = sprites(1.0)
        random = np.random.default_rng(4)
        self._stars = [
            (int(x), int(y), int(p))
            for x, y, p in zip(
                random.integers(340, 1250, 14),
                random.integers(50, 300, 14),
                random.integers(0, 240, 14),
                strict=True,
            )
        ]
        self._dirty: list[tuple[int, int, int, int]] = []
        for plane, back in zip((y, u, v), self._back, strict=True):
            plane[...] = back

    def paint(self, scene: Scene) -> None:
        """Make the planes show this scene."""
        for left, top, right, bottom in self._dirty:
            half = slice(top // 2, (bottom + 1) // 2), slice(left // 2, (right + 1) // 2)
            self._y[top:bottom, left:right] = self._back[0][top:bottom, left:right]
            self._u[half] = self._back[1][half]
            self._v[half] = self._back[2][half]
        self._dirty.clear()
        n, show = scene.counter, self._sprites
        for x, y, phase in self._stars:
            level = (math.sin((n + phase) / 38) + 1) / 2
            self._mix(show.twinkle[int(level * 7.99)], x, y, colour=False)
        for index, cloud in enumerate(show.clouds):
            span = WIDTH + 320
            x = (n // (4 + index) + index * 700) % span - 320
            self._mix(cloud, x, 96 + index * 84)
        fall = n % 660
        if fall < 44:
            self._mix(show.streak, 900 - fall * 14 + (n // 660 * 97) % 300, 50 + fall * 6)
        for index in range(9):
            x = 150 + index * 122 + int(46 * math.sin(n / (67 + 5 * index) + index))
            y = 560 + int(40 * math.sin(n / (49 + 7 * index) + 2 * index))
            level = (math.sin(n / (21 + index) + index) + 1) / 2
            self._mix(show.firefly[int(level * 7.99)], x, y)
        for index, (x, y) in enumerate(scene.coins):
            self._mix(show.coin, x, y + round(5 * math.sin(n / 19 + index)))
        if scene.coin_taken is not None and n - scene.coin_taken[0] < 36:
            fading = 11 - (n - scene.coin_taken[0]) // 3
            middle = (72 - COIN_PX) // 2
            self._mix(
                show.sparkle[fading], scene.coin_taken[1] - middle, scene.coin_taken[2] - middle
            )
        x, y = scene.player
        breath = round(2 * math.sin(n / 24))
        edge = PLAYER_PX // 2
        self._mix(show.player[scene.facing], x - edge, y - edge + breath)
        self._write(0, f"{n % 1_000_000:06d}")
        self._write(1, f"{scene.score % 1_000_000:06d}")
        bits = strip_bits(n, scene.chain)
        levels = np.where(bits, LIGHT_LUMA, DARK_LUMA).astype(np.uint8)
        for row in range(2):
            rows = slice(row * STRIP_ROW_PX, (row + 1) * STRIP_ROW_PX)
            self._y[rows] = levels[row].repeat(_BLOCK_PX)

    def _write(self, row: int, digits: str) -> None:
        for index, digit in enumerate(digits):
            x, y = letter_place(row, index + 6, 1.0)
            self._y[y : y + 7 * GLYPH_PX, x : x + 5 * GLYPH_PX] = digit_tile(digit, 1.0)

    def _mix(self, sprite: Sprite, x: int, y: int, *, colour: bool = True) -> None:
        height, width = sprite.keep.shape
        left, top = max(x, 0), max(y, STRIP_PX)
        right, bottom = min(x + width, WIDTH), min(y + height, HEIGHT)
        if left >= right or top >= bottom:
            return
        self._dirty.append((left, top, right, bottom))
        inner = slice(top - y, bottom - y), slice(left - x, right - x)
        outer = slice(top, bottom), slice(left, right)
        self._y[outer] = (self._y[outer] * sprite.keep[inner] + sprite.y[inner]) >> 8
        if not colour:
            return
        # At odd coordinates the chroma is half a pixel off, which is not visible.
        x, y = x // 2, y // 2
        left, top = max(x, 0), max(y, STRIP_PX // 2)
        right = min(x + width // 2, WIDTH // 2)
        bottom = min(y + height // 2, HEIGHT // 2)
        if left >= right or top >= bottom:
            return
        inner = slice(top - y, bottom - y), slice(left - x, right - x)
        outer = slice(top, bottom), slice(left, right)
        keep = sprite.keep_half[inner]
        self._u[outer] = (self._u[outer] * keep + sprite.u[inner]) >> 8
        self._v[outer] = (self._v[outer] * keep + sprite.v[inner]) >> 8


def main() -> None:
    media_player.VideoEncoder = FormerEncoder  # type: ignore[attr-defined]
    sys.argv = ["rejoin", *sys.argv[1:]]
    cli.main()


if __name__ == "__main__":
    main()
