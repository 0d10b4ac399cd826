"""Paints the game's scenes into YUV planes, redrawing only what changed."""

from __future__ import annotations

import math

import numpy as np

from rejoin.emulator.host.game import COIN_PX, HEIGHT, PLAYER_PX, WIDTH, Scene
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
    VOICE_PX,
    strip_bits,
    voice_bits,
)

_BLOCK_PX = WIDTH // STRIP_BITS


class Painter:
    """Paints scenes into one set of YUV 4:2:0 planes and redraws only what changed.

    The planes may be the encoder's own memory. For one thread at a time.
    """

    def __init__(self, y: Plane, u: Plane, v: Plane) -> None:
        """Writable planes of 1280x720, 640x360 and 640x360; they are overwritten completely."""
        self._y, self._u, self._v = y, u, v
        self._back = background()
        self._sprites = sprites()
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
        """Make the planes show this scene. Takes about 0.6 ms."""
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
        if scene.voice is not None:
            self._show_voice(scene.voice)

    def _show_voice(self, voice: float) -> None:
        """The third row of the strip, without colour, as the others are."""
        top, bottom = VOICE_PX
        levels = np.where(voice_bits(voice), LIGHT_LUMA, DARK_LUMA).astype(np.uint8)
        self._y[top:bottom] = levels.repeat(_BLOCK_PX)
        for plane in (self._u, self._v):
            plane[top // 2 : bottom // 2] = 128
        self._dirty.append((0, top, WIDTH, bottom))

    def _write(self, row: int, digits: str) -> None:
        for index, digit in enumerate(digits):
            x, y = letter_place(row, index + 6)
            self._y[y : y + 7 * GLYPH_PX, x : x + 5 * GLYPH_PX] = digit_tile(digit)

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
