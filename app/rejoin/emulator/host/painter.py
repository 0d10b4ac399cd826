"""Paints the game's scenes into YUV planes, redrawing only what changed since the last one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

import numpy as np

from rejoin.emulator.host.game import COIN_PX, PLAYER_PX, WIDTH, Scene
from rejoin.emulator.host.scenery import (
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
    voice_bits,
)

_BLOCK_PX = WIDTH // STRIP_BITS


class _Area(NamedTuple):
    """A rectangle, in pixels of the picture."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def pixels(self) -> int:
        return (self.right - self.left) * (self.bottom - self.top)


class _Placed(NamedTuple):
    """A sprite and where its left upper corner is, in pixels of the picture."""

    sprite: Sprite
    x: int
    y: int
    colour: bool = True
    """Whether it changes the chroma planes too."""

    @property
    def area(self) -> _Area:
        height, width = self.sprite.keep.shape
        return _Area(self.x, self.y, self.x + width, self.y + height)


class Painter:
    """Paints scenes into one set of YUV 4:2:0 planes.

    It remembers where each sprite is in them. Where one has moved or changed, that area is painted
    again with everything in it. The planes may be the encoder's own memory. For one thread at a
    time.
    """

    def __init__(self, y: Plane, u: Plane, v: Plane, scale: float = 1.0) -> None:
        """Writable planes of 1280x720, 640x360 and 640x360, or `scale` times as large; they are
        overwritten completely."""
        self._y, self._u, self._v = y, u, v
        self._scale = scale
        self._back = background(scale)
        self._sprites = sprites(scale)
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
        self._below_strip = _Area(0, round(STRIP_PX * scale), y.shape[1], y.shape[0])
        self._shown: list[_Placed | None] = []
        self._voice_shown = False
        for plane, back in zip((y, u, v), self._back, strict=True):
            plane[...] = back

    def paint(self, scene: Scene) -> None:
        """Make the planes show this scene."""
        placed = list(self._place(scene))
        there = [each for each in placed if each is not None]
        for area in self._changed(placed, voice=scene.voice is not None):
            self._redraw(area, there)
        self._shown = placed
        self._write(0, f"{scene.counter % 1_000_000:06d}")
        self._write(1, f"{scene.score % 1_000_000:06d}")
        self.paint_strip(scene)

    def rows_of_strip(self, voice: float | None) -> int:
        """How many rows of pixels the strip has; `voice`: as of the scene."""
        return int(self._strip_rows(1 if voice is None else 2).stop)

    def paint_strip(self, scene: Scene) -> None:
        """Make the strip that of this scene. Everything else stays as it is."""
        bits = strip_bits(scene.counter, scene.chain)
        levels = np.where(bits, LIGHT_LUMA, DARK_LUMA).astype(np.uint8)
        for row in range(2):
            self._y[self._strip_rows(row)] = levels[row].repeat(round(_BLOCK_PX * self._scale))
        if scene.voice is not None:
            self._show_voice(scene.voice)

    def _place(self, scene: Scene) -> Iterator[_Placed | None]:
        """Every sprite of this scene in the order of painting, None in place of an absent one."""
        n, show = scene.counter, self._sprites
        for x, y, phase in self._stars:
            level = (math.sin((n + phase) / 38) + 1) / 2
            yield self._placed(show.twinkle[int(level * 7.99)], x, y, colour=False)
        for index, cloud in enumerate(show.clouds):
            span = WIDTH + 320
            x = (n // (4 + index) + index * 700) % span - 320
            yield self._placed(cloud, x, 96 + index * 84)
        fall = n % 660
        if fall < 44:
            yield self._placed(show.streak, 900 - fall * 14 + (n // 660 * 97) % 300, 50 + fall * 6)
        else:
            yield None
        for index in range(9):
            x = 150 + index * 122 + int(46 * math.sin(n / (67 + 5 * index) + index))
            y = 560 + int(40 * math.sin(n / (49 + 7 * index) + 2 * index))
            level = (math.sin(n / (21 + index) + index) + 1) / 2
            yield self._placed(show.firefly[int(level * 7.99)], x, y)
        for index, (x, y) in enumerate(scene.coins):
            yield self._placed(show.coin, x, y + round(5 * math.sin(n / 19 + index)))
        if scene.coin_taken is not None and n - scene.coin_taken[0] < 36:
            fading = 11 - (n - scene.coin_taken[0]) // 3
            middle = (72 - COIN_PX) // 2
            _, x, y = scene.coin_taken
            yield self._placed(show.sparkle[fading], x - middle, y - middle)
        else:
            yield None
        x, y = scene.player
        breath = round(2 * math.sin(n / 24))
        edge = PLAYER_PX // 2
        yield self._placed(show.player[scene.facing], x - edge, y - edge + breath)

    def _placed(self, sprite: Sprite, x: int, y: int, *, colour: bool = True) -> _Placed:
        return _Placed(sprite, int(x * self._scale), int(y * self._scale), colour)

    def _changed(self, placed: list[_Placed | None], *, voice: bool) -> Iterator[_Area]:
        """The areas that do not show this yet; they may overlap."""
        if self._voice_shown and not voice:
            rows = self._strip_rows(2)
            yield _Area(0, rows.start, self._y.shape[1], rows.stop)
            self._voice_shown = False
        for old, new in zip_longest(self._shown, placed):
            if old == new:
                continue
            areas = [each.area for each in (old, new) if each is not None]
            lefts, tops, rights, bottoms = zip(*areas, strict=True)
            both = _Area(min(lefts), min(tops), max(rights), max(bottoms))
            if both.pixels <= sum(each.pixels for each in areas):
                yield both
            else:
                yield from areas

    def _redraw(self, area: _Area, placed: list[_Placed]) -> None:
        """Paint this area again: the background, and whatever of the sprites is in it."""
        within = self._below_strip
        # even, so that whole pixels of chroma are in it
        left, top = max(area.left & ~1, within.left), max(area.top & ~1, within.top)
        right = min((area.right + 1) & ~1, within.right)
        bottom = min((area.bottom + 1) & ~1, within.bottom)
        if left >= right or top >= bottom:
            return
        full = slice(top, bottom), slice(left, right)
        half = slice(top // 2, bottom // 2), slice(left // 2, right // 2)
        self._y[full] = self._back[0][full]
        self._u[half] = self._back[1][half]
        self._v[half] = self._back[2][half]
        for sprite, x, y, colour in placed:
            height, width = sprite.keep.shape
            # one more, because at odd coordinates the chroma is half a pixel further left and up
            if x > right or y > bottom or x + width < left or y + height < top:
                continue
            where = _overlap(x, y, width, height, full)
            if where is not None:
                outer, inner = where
                self._y[outer] = (self._y[outer] * sprite.keep[inner] + sprite.y[inner]) >> 8
            where = _overlap(x // 2, y // 2, width // 2, height // 2, half) if colour else None
            if where is not None:
                outer, inner = where
                keep = sprite.keep_half[inner]
                self._u[outer] = (self._u[outer] * keep + sprite.u[inner]) >> 8
                self._v[outer] = (self._v[outer] * keep + sprite.v[inner]) >> 8

    def _strip_rows(self, row: int) -> slice:
        height_px = STRIP_ROW_PX * self._scale
        return slice(round(row * height_px), round((row + 1) * height_px))

    def _show_voice(self, voice: float) -> None:
        """The third row of the strip, without colour, as the others are."""
        self._voice_shown = True
        rows = self._strip_rows(2)
        levels = np.where(voice_bits(voice), LIGHT_LUMA, DARK_LUMA).astype(np.uint8)
        self._y[rows] = levels.repeat(round(_BLOCK_PX * self._scale))
        for plane in (self._u, self._v):
            plane[rows.start // 2 : rows.stop // 2] = 128

    def _write(self, row: int, digits: str) -> None:
        for index, digit in enumerate(digits):
            x, y = letter_place(row, index + 6, self._scale)
            tile = digit_tile(digit, self._scale)
            self._y[y : y + tile.shape[0], x : x + tile.shape[1]] = tile


_Slices = tuple[slice, slice]


def _overlap(
    x: int, y: int, width: int, height: int, within: _Slices
) -> tuple[_Slices, _Slices] | None:
    """What of this rectangle is within the other, in the coordinates of the picture and in its own;
    None: nothing."""
    rows, columns = within
    top, bottom = max(y, rows.start), min(y + height, rows.stop)
    left, right = max(x, columns.start), min(x + width, columns.stop)
    if left >= right or top >= bottom:
        return None
    return (slice(top, bottom), slice(left, right)), (
        slice(top - y, bottom - y),
        slice(left - x, right - x),
    )
