"""The emulated game: its state, which ticks whether or not anybody watches, and how it is painted.

The state is a pure function of the clock and of the inputs: 60 ticks per second of boot time, each
moving the player, collecting coins and adding one link to a hash chain over (counter, inputs). So
"the same game went on" can be proved from outside: the counter must be right for the time that
passed, and the chain cannot be right without every tick in between.

The two top rows of every picture are a strip of large dark and light blocks that carries the
counter and the newest two bytes of the chain, and survives compression and scaling (`read_strip`).
Layout, 32 blocks per row, most significant bit first: row 0 the counter (32 bits); row 1 the chain
(16 bits) and a CRC-16 over those six bytes.
"""

from __future__ import annotations

import binascii
import functools
import hashlib
import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rejoin.input_protocol.controls import Controls

WIDTH = 1280
HEIGHT = 720
TICKS_PER_S = 60
CHAIN_BYTES = 16

STRIP_BITS = 32
STRIP_ROW_PX = 16
"""One macroblock high, so that the encoder never mixes a block with the picture below it."""
STRIP_PX = 2 * STRIP_ROW_PX

_BLOCK_PX = WIDTH // STRIP_BITS
_STRIP_DARK, _STRIP_LIGHT = 26, 206
_STRIP_THRESHOLD = 112
"""Between dark and light both as limited-range luma and as full-range grey after conversion."""

# USB HID usages of page 7.
KEYS_LEFT = frozenset({0x50, 0x04})
KEYS_RIGHT = frozenset({0x4F, 0x07})
KEYS_UP = frozenset({0x52, 0x1A})
KEYS_DOWN = frozenset({0x51, 0x16})

PLAYER_PX = 48
STEP_PX = 6
COIN_PX = 28
COINS = 6
COIN_SCORE = 10
_FIELD = (24, 168, WIDTH - 24, HEIGHT - 56)
"""Where player and coins can be: left, top, right, bottom in pixels."""

Plane = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class StripReading:
    """What the strip of one picture said; the CRC was right."""

    counter: int
    chain_head: int
    """The first 16 bits of the hash chain after tick `counter`."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that one picture shows, so that another thread can paint it."""

    counter: int
    chain: bytes
    score: int
    key_presses: int
    player: tuple[int, int]
    facing: tuple[int, int]
    coins: tuple[tuple[int, int], ...]
    won_at: tuple[int, int, int] | None
    """Counter and place of the newest coin taken, for its sparkle."""


class Game:
    """The state of one game. Not thread-safe: one event loop owns it."""

    def __init__(self, started_at: float, seed: int = 1) -> None:
        """`started_at`: boot time of tick 0, in seconds. The same seed plays the same game."""
        self.started_at = started_at
        self.seed = seed
        self.counter = 0
        self.score = 0
        self.key_presses = 0
        self.chain = hashlib.blake2b(b"game %d" % seed, digest_size=CHAIN_BYTES).digest()
        self._held = Controls()
        self._nudge = (0, 0)
        self._player = (WIDTH // 2 - PLAYER_PX // 2, HEIGHT - 250)
        self._facing = (0, 0)
        self._coins = [_coin_place(seed, n) for n in range(COINS)]
        self._next_coin = COINS
        self._won_at: tuple[int, int, int] | None = None

    def advance(self, now: float) -> int:
        """Run every tick that is due at boot time `now` and return the counter.

        Catching up costs about 4 us per tick (a minute nobody looked: 15 ms).
        """
        due = math.floor((now - self.started_at) * TICKS_PER_S + 1e-6)
        while self.counter < due:
            self._tick()
        return self.counter

    def hold(self, controls: Controls, now: float, *, travel: tuple[int, int] = (0, 0)) -> None:
        """From `now` on the player holds this, and moved the pointer by `travel` pixels."""
        self.advance(now)
        pressed = len(controls.keys - self._held.keys)
        pressed += (controls.buttons & ~self._held.buttons).bit_count()
        self.key_presses += pressed
        self.score += pressed
        self._held = controls
        self._nudge = (self._nudge[0] + travel[0], self._nudge[1] + travel[1])

    def release(self, now: float) -> None:
        """Let everything go, as after half a second without a message."""
        self.hold(self._held.released(), now)

    @property
    def held(self) -> Controls:
        return self._held

    def scene(self) -> Scene:
        return Scene(
            self.counter,
            self.chain,
            self.score,
            self.key_presses,
            self._player,
            self._facing,
            tuple(self._coins),
            self._won_at,
        )

    def _tick(self) -> None:
        self.counter += 1
        keys, buttons = self._held.keys, self._held.buttons
        dx = STEP_PX * (bool(keys & KEYS_RIGHT) - bool(keys & KEYS_LEFT))
        dy = STEP_PX * (bool(keys & KEYS_DOWN) - bool(keys & KEYS_UP))
        nudge, self._nudge = self._nudge, (0, 0)
        if keys or buttons or nudge != (0, 0):
            inputs = struct.pack(f"!I{len(keys)}Hqq", buttons, *sorted(keys), nudge[0], nudge[1])
        else:
            inputs = b""
        self.chain = hashlib.blake2b(
            self.chain + struct.pack("!Q", self.counter) + inputs, digest_size=CHAIN_BYTES
        ).digest()
        dx, dy = dx + nudge[0], dy + nudge[1]
        if dx or dy:
            self._facing = ((dx > 0) - (dx < 0), (dy > 0) - (dy < 0))
            left, top, right, bottom = _FIELD
            self._player = (
                min(max(self._player[0] + dx, left), right - PLAYER_PX),
                min(max(self._player[1] + dy, top), bottom - PLAYER_PX),
            )
            self._take_coins()

    def _take_coins(self) -> None:
        reach = (PLAYER_PX + COIN_PX) // 2
        for index, coin in enumerate(self._coins):
            gap_x = coin[0] + COIN_PX // 2 - self._player[0] - PLAYER_PX // 2
            gap_y = coin[1] + COIN_PX // 2 - self._player[1] - PLAYER_PX // 2
            if abs(gap_x) < reach and abs(gap_y) < reach:
                self.score += COIN_SCORE
                self._won_at = (self.counter, *coin)
                self._coins[index] = _coin_place(self.seed, self._next_coin)
                self._next_coin += 1


def _coin_place(seed: int, number: int) -> tuple[int, int]:
    """Where the coin of this number lies: anywhere in the field, always the same place."""
    left, top, right, bottom = _FIELD
    name = b"coin %d %d" % (seed, number)
    a, b = struct.unpack("!II", hashlib.blake2b(name, digest_size=8).digest())
    return left + a % (right - left - COIN_PX), top + b % (bottom - top - COIN_PX - 20)


# --- the strip ----------------------------------------------------------------------------------


def strip_bits(counter: int, chain: bytes) -> npt.NDArray[np.uint8]:
    """The strip's bits as two rows of 32 zeros and ones."""
    body = struct.pack("!I", counter & 0xFFFFFFFF) + chain[:2]
    word = body + struct.pack("!H", binascii.crc_hqx(body, 0xFFFF))
    return np.unpackbits(np.frombuffer(word, np.uint8)).reshape(2, STRIP_BITS)


def read_strip(picture: npt.NDArray[Any]) -> StripReading | None:
    """Read the strip of a decoded picture of any size; None if it is not one of ours.

    `picture`: 8 bits, height x width (grey or luma), or height x width x 3 or 4 (BGR or BGRA).
    """
    height, width = picture.shape[:2]
    if height < HEIGHT // 8 or width < WIDTH // 8:
        return None
    rows = picture[: math.ceil(STRIP_PX * height / HEIGHT)]
    grey = rows.astype(np.float32) if rows.ndim == 2 else rows[..., :3].mean(axis=2)
    bits = np.zeros((2, STRIP_BITS), np.uint8)
    for row in range(2):
        top, bottom = _middle(row, STRIP_ROW_PX * height / HEIGHT)
        line = grey[top:bottom].mean(axis=0)
        for column in range(STRIP_BITS):
            left, right = _middle(column, width / STRIP_BITS)
            bits[row, column] = line[left:right].mean() > _STRIP_THRESHOLD
    word = np.packbits(bits).tobytes()
    counter, chain_head, crc = struct.unpack("!IHH", word)
    if crc != binascii.crc_hqx(word[:6], 0xFFFF):
        return None
    return StripReading(counter, chain_head)


def _middle(index: int, size: float) -> tuple[int, int]:
    """The inner half of block `index`, at least one pixel."""
    first = int((index + 0.25) * size)
    return first, max(first + 1, int((index + 0.75) * size))


# --- the picture --------------------------------------------------------------------------------

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
"""The panel with the numbers: left, top, width, height."""
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
_GLYPH_PX = 4
"""How large one dot of a glyph is painted."""
_TEXT_LUMA = 214


def _luma(colour: _Colour) -> float:
    red, green, blue = colour
    return 16 + (0.2126 * red + 0.7152 * green + 0.0722 * blue) * 219 / 255


def _yuv(rgb: npt.NDArray[np.float32]) -> tuple[Plane, Plane, Plane]:
    """BT.709 limited-range planes, chroma halved both ways, of an RGB picture in 0..255."""
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


@dataclass(frozen=True, slots=True)
class _Sprite:
    """A picture with alpha (0..256), premultiplied, ready to be mixed into the planes."""

    keep: npt.NDArray[np.uint16]
    y: npt.NDArray[np.uint16]
    keep_half: npt.NDArray[np.uint16]
    u: npt.NDArray[np.uint16]
    v: npt.NDArray[np.uint16]


def _sprite(rgb: npt.NDArray[np.float32], alpha: npt.NDArray[np.float32]) -> _Sprite:
    """`rgb`: h x w x 3 in 0..255; `alpha`: h x w in 0..1; h and w even."""
    y, u, v = _yuv(rgb)
    full = np.clip(alpha * 256, 0, 256).astype(np.uint16)
    height, width = full.shape
    half = full.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3)).astype(np.uint16)
    return _Sprite(256 - full, y * full, 256 - half, u * half, v * half)


def _distance(size: int, centre: tuple[float, float]) -> npt.NDArray[np.float32]:
    down, right = np.mgrid[0:size, 0:size].astype(np.float32)
    return np.asarray(np.hypot(right + 0.5 - centre[0], down + 0.5 - centre[1]), np.float32)


def _flat(height: int, width: int, colour: _Colour) -> npt.NDArray[np.float32]:
    return np.broadcast_to(np.array(colour, np.float32), (height, width, 3)).copy()


def _edge(inside: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Coverage of a shape from the signed distance to its edge in pixels (inside positive)."""
    return np.asarray(np.clip(inside + 0.5, 0, 1), np.float32)


def _player_sprite(facing: tuple[int, int]) -> _Sprite:
    """A small round-cornered being that glows, its eyes where it is going."""
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


def _coin_sprite() -> _Sprite:
    size, middle = COIN_PX, COIN_PX / 2
    away = _distance(size, (middle, middle))
    rgb = _flat(size, size, (246, 196, 84))
    ring = (_edge(9.5 - away) - _edge(7.5 - away))[..., None]
    rgb = rgb * (1 - 0.45 * ring) + np.array((150, 96, 30), np.float32) * 0.45 * ring
    shine = _edge(2.4 - _distance(size, (middle - 3.2, middle - 3.2)))[..., None] * 0.8
    rgb = rgb * (1 - shine) + np.array((255, 246, 214), np.float32) * shine
    return _sprite(np.asarray(rgb, np.float32), _edge(12 - away))


def _glow_sprite(size: int, colour: _Colour, strength: float) -> _Sprite:
    away = _distance(size, (size / 2, size / 2)) / (size / 2)
    alpha = np.clip(1 - away, 0, 1) ** 1.6 * strength
    return _sprite(_flat(size, size, colour), np.asarray(alpha, np.float32))


def _cloud_sprite(width: int, height: int, seed: int) -> _Sprite:
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


def _streak_sprite() -> _Sprite:
    """A shooting star that falls to the left."""
    width, height = 160, 80
    down, right = np.mgrid[0:height, 0:width].astype(np.float32)
    along = right / width
    off = np.abs(down - (height - 4) * (1 - along) - 2)
    alpha = np.clip(1.5 - off, 0, 1) * (1 - along) ** 1.5 * 0.9
    return _sprite(_flat(height, width, (236, 240, 255)), np.asarray(alpha, np.float32))


@functools.lru_cache(maxsize=1)
def _background() -> tuple[Plane, Plane, Plane]:
    """Sky, stars, moon, hills and pines: everything that never moves. About 0.2 s, once."""
    random = np.random.default_rng(20)
    share = np.linspace(0, 1, int(HEIGHT * 0.8))
    stops = [stop for stop, _ in _SKY]
    sky = np.stack([np.interp(share, stops, [c[i] for _, c in _SKY]) for i in range(3)], axis=1)
    rgb = np.empty((HEIGHT, WIDTH, 3), np.float32)
    rgb[: len(sky)] = sky[:, None, :]
    rgb[len(sky) :] = sky[-1]
    down, right = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)

    for _ in range(190):
        x = int(random.integers(2, WIDTH - 2))
        y = int(random.beta(1, 2.2) * HEIGHT * 0.55) + STRIP_PX
        light = random.uniform(0.25, 0.9)
        rgb[y, x] += (np.array((226, 232, 255), np.float32) - rgb[y, x]) * light
        if light > 0.75:
            rgb[y : y + 2, x : x + 2] += (255 - rgb[y : y + 2, x : x + 2]) * 0.45

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
        land += (here + (sky[-1].astype(np.float32) - here) * haze - land) * cover

    left, top_px, width, height = _PANEL
    window = slice(top_px, top_px + height), slice(left, left + width)
    beyond_x = np.maximum(np.abs(right[window] - left - width / 2) - width / 2 + 14, 0)
    beyond_y = np.maximum(np.abs(down[window] - top_px - height / 2) - height / 2 + 14, 0)
    panel = np.clip(14.5 - np.hypot(beyond_x, beyond_y), 0, 1)[..., None] * 0.82
    rgb[window] += (np.array(_PANEL_COLOUR, np.float32) - rgb[window]) * panel
    # Half a step of noise hides the bands of a slow gradient in eight bits.
    rgb += (random.random((HEIGHT, WIDTH, 1), np.float32) - np.float32(0.5)) * np.float32(1.2)
    rgb[:STRIP_PX] = 128
    planes = _yuv(np.asarray(np.clip(rgb, 0, 255), np.float32))
    for row, word in enumerate(("FRAME", "SCORE")):
        for index, letter in enumerate(word):
            x, at = _letter_place(row, index)
            tile = planes[0][at : at + 7 * _GLYPH_PX, x : x + 5 * _GLYPH_PX]
            tile[_glyph(letter)] = _TEXT_LUMA - 60
    return planes


def _pines(
    ground: npt.NDArray[np.float32], layer: int, random: np.random.Generator
) -> npt.NDArray[np.float32]:
    """The outline of a row of pines standing on a hill, as heights per column."""
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
    return dots.repeat(_GLYPH_PX, axis=0).repeat(_GLYPH_PX, axis=1)


@functools.cache
def _digit(digit: str) -> Plane:
    return np.where(_glyph(digit), _TEXT_LUMA, round(_luma(_PANEL_COLOUR))).astype(np.uint8)


def _letter_place(row: int, index: int) -> tuple[int, int]:
    left, top, _, _ = _PANEL
    return left + 18 + index * 6 * _GLYPH_PX, top + 14 + row * 44


@dataclass(frozen=True, slots=True)
class _Sprites:
    """Everything that moves, drawn once for all painters."""

    player: dict[tuple[int, int], _Sprite]
    coin: _Sprite
    sparkle: list[_Sprite]
    firefly: list[_Sprite]
    twinkle: list[_Sprite]
    clouds: list[_Sprite]
    streak: _Sprite


@functools.lru_cache(maxsize=1)
def _sprites() -> _Sprites:
    return _Sprites(
        player={(x, y): _player_sprite((x, y)) for x in (-1, 0, 1) for y in (-1, 0, 1)},
        coin=_coin_sprite(),
        sparkle=[_glow_sprite(72, (255, 226, 150), step / 12) for step in range(12)],
        firefly=[_glow_sprite(14, (244, 232, 150), 0.2 + step * 0.1) for step in range(8)],
        twinkle=[_glow_sprite(8, (236, 240, 255), step / 8) for step in range(8)],
        clouds=[_cloud_sprite(300, 70, 3), _cloud_sprite(240, 56, 8)],
        streak=_streak_sprite(),
    )


def prepare_scenery() -> None:
    """Draw what all painters share, so that no client waits for it."""
    _background()
    _sprites()


class Painter:
    """Paints scenes into one set of YUV 4:2:0 planes, touching only what changed.

    The planes may be the encoder's own. Used by one thread at a time.
    """

    def __init__(self, y: Plane, u: Plane, v: Plane) -> None:
        """Planes of 1280x720 and twice 640x360, writable; they are painted over completely."""
        self._y, self._u, self._v = y, u, v
        self._back = _background()
        self._sprites = _sprites()
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
        """Bring the planes to this scene. About 0.6 ms."""
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
        if scene.won_at is not None and n - scene.won_at[0] < 36:
            fading = 11 - (n - scene.won_at[0]) // 3
            middle = (72 - COIN_PX) // 2
            self._mix(show.sparkle[fading], scene.won_at[1] - middle, scene.won_at[2] - middle)
        x, y = scene.player
        breath = round(2 * math.sin(n / 24))
        edge = PLAYER_PX // 2
        self._mix(show.player[scene.facing], x - edge, y - edge + breath)
        self._write(0, f"{n % 1_000_000:06d}")
        self._write(1, f"{scene.score % 1_000_000:06d}")
        bits = strip_bits(n, scene.chain)
        levels = np.where(bits, _STRIP_LIGHT, _STRIP_DARK).astype(np.uint8)
        for row in range(2):
            rows = slice(row * STRIP_ROW_PX, (row + 1) * STRIP_ROW_PX)
            self._y[rows] = levels[row].repeat(_BLOCK_PX)

    def _write(self, row: int, digits: str) -> None:
        for index, digit in enumerate(digits):
            x, y = _letter_place(row, index + 6)
            self._y[y : y + 7 * _GLYPH_PX, x : x + 5 * _GLYPH_PX] = _digit(digit)

    def _mix(self, sprite: _Sprite, x: int, y: int, *, colour: bool = True) -> None:
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
        # Chroma of an odd place is half a pixel off, which nobody sees.
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
