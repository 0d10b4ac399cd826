"""What the game's pictures are made of: the background, the sprites and the digits.

Everything here is drawn once for each scale and shared by all painters. The scale is pixels of the
picture per pixel of the game: 1 for 1280x720, 1.5 for 1920x1080.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rejoin.emulator.host.game import COIN_PX, HEIGHT, PLAYER_PX, WIDTH
from rejoin.emulator.host.strip import STRIP_PX

Plane = npt.NDArray[np.uint8]
"""One plane of a YUV picture: height x width."""

_Colour = tuple[float, float, float]
_SKY: tuple[tuple[float, _Colour], ...] = (
    (0.00, (9, 13, 31)),
    (0.35, (20, 28, 66)),
    (0.62, (52, 48, 104)),
    (0.80, (112, 78, 128)),
    (1.00, (196, 122, 128)),
)
_HILLS: tuple[tuple[float, float, float, _Colour], ...] = (
    # horizon (share of the height), swing in pixels, phase, colour
    (0.66, 34, 0.7, (74, 66, 122)),
    (0.74, 40, 2.1, (47, 50, 98)),
    (0.83, 30, 4.0, (28, 36, 72)),
    (0.92, 14, 5.2, (15, 22, 46)),
)
_MOON = (1010, 190, 58)
_PANEL = (24, 52, 324, 100)
"""The panel with the numbers: left, top, width, height in pixels."""
_PANEL_COLOUR: _Colour = (13, 18, 40)

_GLYPHS = {
    "0": "01110 10001 10011 10101 11001 10001 01110",
    "1": "00100 01100 00100 00100 00100 00100 01110",
    "2": "01110 10001 00001 00110 01000 10000 11111",
    "3": "11110 00001 00001 01110 00001 00001 11110",
    "4": "00010 00110 01010 10010 11111 00010 00010",
    "5": "11111 10000 11110 00001 00001 10001 01110",
    "6": "00110 01000 10000 11110 10001 10001 01110",
    "7": "11111 00001 00010 00100 01000 01000 01000",
    "8": "01110 10001 10001 01110 10001 10001 01110",
    "9": "01110 10001 10001 01111 00001 00010 01100",
    "A": "01110 10001 10001 11111 10001 10001 10001",
    "C": "01110 10001 10000 10000 10000 10001 01110",
    "E": "11111 10000 10000 11110 10000 10000 11111",
    "F": "11111 10000 10000 11110 10000 10000 10000",
    "M": "10001 11011 10101 10101 10001 10001 10001",
    "O": "01110 10001 10001 10001 10001 10001 01110",
    "R": "11110 10001 10001 11110 10100 10010 10001",
    "S": "01111 10000 10000 01110 00001 00001 11110",
}
GLYPH_PX = 4
"""Pixels per dot of a glyph, in both directions."""
_TEXT_LUMA = 214


def _luma(colour: _Colour) -> float:
    red, green, blue = colour
    return 16 + (0.2126 * red + 0.7152 * green + 0.0722 * blue) * 219 / 255


def _yuv(rgb: npt.NDArray[np.float32]) -> tuple[Plane, Plane, Plane]:
    """An RGB picture in 0..255 as BT.709 limited-range planes, chroma halved in both directions."""
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    y = 16 + luma * 219 / 255
    u = 128 + (blue - luma) / 1.8556 * 224 / 255
    v = 128 + (red - luma) / 1.5748 * 224 / 255

    def halved(plane: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        pairs = plane.reshape(plane.shape[0] // 2, 2, plane.shape[1] // 2, 2)
        return np.asarray(pairs.mean(axis=(1, 3)), np.float32)

    return _bytes(y), _bytes(halved(u)), _bytes(halved(v))


def _bytes(plane: npt.NDArray[np.float32]) -> Plane:
    return np.clip(np.rint(plane), 0, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A picture with premultiplied alpha (0..256), ready to be blended into the planes."""

    keep: npt.NDArray[np.uint16]
    y: npt.NDArray[np.uint16]
    keep_half: npt.NDArray[np.uint16]
    u: npt.NDArray[np.uint16]
    v: npt.NDArray[np.uint16]


def _sprite(rgb: npt.NDArray[np.float32], alpha: npt.NDArray[np.float32]) -> Sprite:
    """`rgb`: h x w x 3 in 0..255; `alpha`: h x w in 0..1; h and w even."""
    y, u, v = _yuv(rgb)
    full = np.clip(alpha * 256, 0, 256).astype(np.uint16)
    height, width = full.shape
    half = full.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3)).astype(np.uint16)
    return Sprite(256 - full, y * full, 256 - half, u * half, v * half)


def _enlarged(plane: npt.NDArray[Any], height: int, width: int) -> npt.NDArray[np.float32]:
    """The plane at another size, by bilinear interpolation."""
    for axis, size in ((0, height), (1, width)):
        before = plane.shape[axis]
        at = np.clip((np.arange(size) + 0.5) * before / size - 0.5, 0, before - 1)
        first = at.astype(np.intp)
        share = (at - first).astype(np.float32).reshape((-1, 1) if axis == 0 else (1, -1))
        second = np.minimum(first + 1, before - 1)
        plane = plane.take(first, axis) * (1 - share) + plane.take(second, axis) * share
    return np.asarray(plane, np.float32)


def _enlarged_sprite(sprite: Sprite, scale: float) -> Sprite:
    if scale == 1.0:
        return sprite
    height, width = (2 * math.ceil(side * scale / 2) for side in sprite.keep.shape)

    def plane(values: npt.NDArray[np.uint16], part: int) -> npt.NDArray[np.uint16]:
        return np.rint(_enlarged(values, height // part, width // part)).astype(np.uint16)

    return Sprite(
        plane(sprite.keep, 1),
        plane(sprite.y, 1),
        plane(sprite.keep_half, 2),
        plane(sprite.u, 2),
        plane(sprite.v, 2),
    )


def _distance(size: int, centre: tuple[float, float]) -> npt.NDArray[np.float32]:
    down, right = np.mgrid[0:size, 0:size].astype(np.float32)
    return np.asarray(np.hypot(right + 0.5 - centre[0], down + 0.5 - centre[1]), np.float32)


def _flat(height: int, width: int, colour: _Colour) -> npt.NDArray[np.float32]:
    return np.broadcast_to(np.array(colour, np.float32), (height, width, 3)).copy()


def _edge(inside: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Coverage (0..1) of a shape, from the signed distance to its edge in pixels (inside: > 0)."""
    return np.asarray(np.clip(inside + 0.5, 0, 1), np.float32)


def _player_sprite(facing: tuple[int, int]) -> Sprite:
    """The player: a glowing square with round corners whose eyes point where it is going."""
    size = 2 * PLAYER_PX
    middle = size / 2
    glow = np.clip(1 - _distance(size, (middle, middle)) / middle, 0, 1) ** 2 * 0.45
    down, right = np.mgrid[0:size, 0:size].astype(np.float32)
    corner = 14.0
    reach = PLAYER_PX / 2 - corner
    beyond_x = np.maximum(np.abs(right + 0.5 - middle) - reach, 0)
    beyond_y = np.maximum(np.abs(down + 0.5 - middle) - reach, 0)
    body = _edge(np.asarray(corner - np.hypot(beyond_x, beyond_y), np.float32))
    rgb = _flat(size, size, (94, 228, 206))
    rgb *= (1.06 - 0.24 * np.clip((down - middle + 24) / 48, 0, 1))[..., None]
    for side in (-1, 1):
        eye = (middle + side * 9 + facing[0] * 5, middle - 4 + facing[1] * 5)
        shape = _edge(4.5 - _distance(size, eye))[..., None]
        rgb = rgb * (1 - shape) + np.array((12, 24, 44), np.float32) * shape
        spark = _edge(1.6 - _distance(size, (eye[0] + 1.4, eye[1] - 1.4)))[..., None]
        rgb = rgb * (1 - spark) + np.array((240, 255, 250), np.float32) * spark
    alpha = np.maximum(glow, body)
    return _sprite(np.asarray(np.clip(rgb, 0, 255), np.float32), np.asarray(alpha, np.float32))


def _coin_sprite() -> Sprite:
    size, middle = COIN_PX, COIN_PX / 2
    away = _distance(size, (middle, middle))
    rgb = _flat(size, size, (246, 196, 84))
    ring = (_edge(9.5 - away) - _edge(7.5 - away))[..., None]
    rgb = rgb * (1 - 0.45 * ring) + np.array((150, 96, 30), np.float32) * 0.45 * ring
    shine = _edge(2.4 - _distance(size, (middle - 3.2, middle - 3.2)))[..., None] * 0.8
    rgb = rgb * (1 - shine) + np.array((255, 246, 214), np.float32) * shine
    return _sprite(np.asarray(rgb, np.float32), _edge(12 - away))


def _glow_sprite(size: int, colour: _Colour, strength: float) -> Sprite:
    away = _distance(size, (size / 2, size / 2)) / (size / 2)
    alpha = np.clip(1 - away, 0, 1) ** 1.6 * strength
    return _sprite(_flat(size, size, colour), np.asarray(alpha, np.float32))


def _cloud_sprite(width: int, height: int, seed: int) -> Sprite:
    random = np.random.default_rng(seed)
    down, right = np.mgrid[0:height, 0:width].astype(np.float32)
    cover = np.zeros((height, width), np.float32)
    for _ in range(7):
        x = random.uniform(0.2, 0.8) * width
        y = random.uniform(0.45, 0.62) * height
        wide = random.uniform(0.12, 0.2) * width
        high = random.uniform(0.2, 0.34) * height
        away = ((right - x) / wide) ** 2 + ((down - y) / high) ** 2
        cover = np.maximum(cover, np.asarray(np.clip(1.1 - away, 0, 1), np.float32))
    return _sprite(_flat(height, width, (150, 146, 196)), cover * 0.22)


def _streak_sprite() -> Sprite:
    """A shooting star that falls to the left."""
    width, height = 160, 80
    down, right = np.mgrid[0:height, 0:width].astype(np.float32)
    along = right / width
    off = np.abs(down - (height - 4) * (1 - along) - 2)
    alpha = np.clip(1.5 - off, 0, 1) * (1 - along) ** 1.5 * 0.9
    return _sprite(_flat(height, width, (236, 240, 255)), np.asarray(alpha, np.float32))


@functools.cache
def background(scale: float) -> tuple[Plane, Plane, Plane]:
    """Sky, stars, moon, hills and pines: everything that never moves. Takes 0.2 s, once."""
    if scale != 1.0:
        y, u, v = (
            _bytes(_enlarged(plane, *(round(side * scale) for side in plane.shape)))
            for plane in background(1.0)
        )
        return y, u, v
    random = np.random.default_rng(20)
    share = np.linspace(0, 1, int(HEIGHT * 0.8))
    stops = [stop for stop, _ in _SKY]
    sky = np.stack([np.interp(share, stops, [c[i] for _, c in _SKY]) for i in range(3)], axis=1)
    rgb = np.empty((HEIGHT, WIDTH, 3), np.float32)
    rgb[: len(sky)] = sky[:, None, :]
    rgb[len(sky) :] = sky[-1]
    _draw_stars(rgb, random)
    _draw_moon(rgb)
    _draw_hills(rgb, sky[-1].astype(np.float32), random)
    _draw_panel(rgb)
    # Noise of half a step hides the banding of a slow gradient in eight bits.
    rgb += (random.random((HEIGHT, WIDTH, 1), np.float32) - np.float32(0.5)) * np.float32(1.2)
    rgb[:STRIP_PX] = 128
    planes = _yuv(np.asarray(np.clip(rgb, 0, 255), np.float32))
    for row, word in enumerate(("FRAME", "SCORE")):
        for index, letter in enumerate(word):
            x, at = letter_place(row, index, 1.0)
            tile = planes[0][at : at + 7 * GLYPH_PX, x : x + 5 * GLYPH_PX]
            tile[_glyph(letter)] = _TEXT_LUMA - 60
    return planes


def _draw_stars(rgb: npt.NDArray[np.float32], random: np.random.Generator) -> None:
    for _ in range(190):
        x = int(random.integers(2, WIDTH - 2))
        y = int(random.beta(1, 2.2) * HEIGHT * 0.55) + STRIP_PX
        light = random.uniform(0.25, 0.9)
        rgb[y, x] += (np.array((226, 232, 255), np.float32) - rgb[y, x]) * light
        if light > 0.75:
            rgb[y : y + 2, x : x + 2] += (255 - rgb[y : y + 2, x : x + 2]) * 0.45


def _draw_moon(rgb: npt.NDArray[np.float32]) -> None:
    down, right = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    moon_x, moon_y, radius = _MOON
    window = slice(0, moon_y + 330), slice(moon_x - 330, WIDTH)
    near, x_off, y_off = rgb[window], right[window] - moon_x, down[window] - moon_y
    away = np.hypot(x_off, y_off)
    glow = (np.clip(1 - away / 330, 0, 1) ** 2.4 * 0.4)[..., None]
    near += (np.array((216, 206, 226), np.float32) - near) * glow
    window = slice(moon_y - 64, moon_y + 64), slice(moon_x - 64, moon_x + 64)
    near, x_off, y_off = rgb[window], right[window] - moon_x, down[window] - moon_y
    disk = np.clip(radius - np.hypot(x_off, y_off) + 0.5, 0, 1)[..., None]
    shade = np.clip(1.02 - 0.1 * np.hypot(x_off + 22, y_off + 20) / radius, 0, 1)[..., None]
    near += (np.array((246, 238, 218), np.float32) * shade - near) * disk
    for x, y, size in ((-20, -14, 12), (14, 8, 16), (-6, 26, 9), (24, -24, 7)):
        crater = np.clip(size - np.hypot(x_off - x, y_off - y) + 0.5, 0, 1)
        near -= near * (0.07 * crater)[..., None]


def _draw_hills(
    rgb: npt.NDArray[np.float32],
    haze_colour: npt.NDArray[np.float32],
    random: np.random.Generator,
) -> None:
    down = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)[0]
    line = np.arange(WIDTH, dtype=np.float32)
    for layer, (horizon, swing, phase, colour) in enumerate(_HILLS):
        outline = HEIGHT * horizon - swing * (
            0.62 * np.sin(line / 210 + phase)
            + 0.28 * np.sin(line / 83 + 2.4 * phase)
            + 0.1 * np.sin(line / 31 + 5 * phase)
        )
        top = np.asarray(outline, np.float32)
        if layer >= 1:
            top = _pines(top, layer, random)
        land = rgb[int(top.min()) - 1 :]
        depth = down[int(top.min()) - 1 :] - top[None, :]
        cover = np.clip(depth + 0.5, 0, 1)[..., None]
        haze = np.clip(1 - depth / 150, 0, 1)[..., None] * np.float32(0.16 / (layer + 1))
        here = np.array(colour, np.float32)
        land += (here + (haze_colour - here) * haze - land) * cover


def _draw_panel(rgb: npt.NDArray[np.float32]) -> None:
    """The dark panel behind the numbers."""
    down, right = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    left, top_px, width, height = _PANEL
    window = slice(top_px, top_px + height), slice(left, left + width)
    beyond_x = np.maximum(np.abs(right[window] - left - width / 2) - width / 2 + 14, 0)
    beyond_y = np.maximum(np.abs(down[window] - top_px - height / 2) - height / 2 + 14, 0)
    panel = np.clip(14.5 - np.hypot(beyond_x, beyond_y), 0, 1)[..., None] * 0.82
    rgb[window] += (np.array(_PANEL_COLOUR, np.float32) - rgb[window]) * panel


def _pines(
    ground: npt.NDArray[np.float32], layer: int, random: np.random.Generator
) -> npt.NDArray[np.float32]:
    """The outline of a row of pines on a hill: the height of each pixel column."""
    top = ground.copy()
    line = np.arange(WIDTH, dtype=np.float32)
    for _ in range(18 + 9 * layer):
        x = random.uniform(0, WIDTH)
        tall = random.uniform(12, 22) * (0.6 + 0.5 * layer)
        foot = ground[min(WIDTH - 1, int(x))]
        wide = tall * 0.3
        away = np.abs(line - x) / wide
        steps = np.floor(away * 4) / 4 * 0.35 + away * 0.65
        top = np.where(away < 1, np.minimum(top, foot - tall * (1 - steps)), top)
    return np.asarray(top, np.float32)


@functools.cache
def _glyph(letter: str) -> npt.NDArray[np.bool_]:
    dots = np.array([[dot == "1" for dot in row] for row in _GLYPHS[letter].split()])
    return dots.repeat(GLYPH_PX, axis=0).repeat(GLYPH_PX, axis=1)


@functools.cache
def digit_tile(digit: str, scale: float) -> Plane:
    height, width = (round(dots * GLYPH_PX * scale) for dots in (7, 5))
    return _bytes(
        _enlarged(np.where(_glyph(digit), _TEXT_LUMA, round(_luma(_PANEL_COLOUR))), height, width)
    )


def letter_place(row: int, index: int, scale: float) -> tuple[int, int]:
    """Left and top of a letter on the panel."""
    left, top, _, _ = _PANEL
    return (
        round((left + 18 + index * 6 * GLYPH_PX) * scale),
        round((top + 14 + row * 44) * scale),
    )


@dataclass(frozen=True, slots=True)
class SpriteSet:
    """Everything that moves, drawn once and shared by all painters."""

    player: dict[tuple[int, int], Sprite]
    coin: Sprite
    sparkle: list[Sprite]
    firefly: list[Sprite]
    twinkle: list[Sprite]
    clouds: list[Sprite]
    streak: Sprite


@functools.cache
def sprites(scale: float) -> SpriteSet:
    """Everything that moves, at this scale."""

    def enlarged(sprite: Sprite) -> Sprite:
        return _enlarged_sprite(sprite, scale)

    turns = (-1, 0, 1)
    return SpriteSet(
        player={(x, y): enlarged(_player_sprite((x, y))) for x in turns for y in turns},
        coin=enlarged(_coin_sprite()),
        sparkle=[enlarged(_glow_sprite(72, (255, 226, 150), step / 12)) for step in range(12)],
        firefly=[
            enlarged(_glow_sprite(14, (244, 232, 150), 0.2 + step * 0.1)) for step in range(8)
        ],
        twinkle=[enlarged(_glow_sprite(8, (236, 240, 255), step / 8)) for step in range(8)],
        clouds=[enlarged(_cloud_sprite(300, 70, 3)), enlarged(_cloud_sprite(240, 56, 8))],
        streak=enlarged(_streak_sprite()),
    )


def prepare_scenery() -> None:
    """Draw what pictures of 1280x720 share, so that no client has to wait for it. A larger scale is
    drawn for the first connection that needs it."""
    background(1.0)
    sprites(1.0)
