"""The emulated game: a state that ticks whether or not a client is connected.

The state depends only on the clock and the inputs: 60 ticks per second of boot time. Each tick
moves the player, collects coins and extends a hash chain over (counter, inputs). A test can
therefore prove from outside that the same game went on: the counter must match the time that
passed, and the chain can only be right if every tick in between happened.
"""

from __future__ import annotations

import hashlib
import math
import struct
from dataclasses import dataclass

from rejoin.input_protocol.controls import Controls

WIDTH = 1280
HEIGHT = 720
TICKS_PER_S = 60
CHAIN_BYTES = 16

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
"""Where the player and the coins can be: left, top, right, bottom in pixels."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that one picture shows: an immutable value that another thread can paint."""

    counter: int
    chain: bytes
    score: int
    key_presses: int
    player: tuple[int, int]
    facing: tuple[int, int]
    coins: tuple[tuple[int, int], ...]
    coin_taken: tuple[int, int, int] | None
    """Counter and place (x, y) of the coin taken last, for its sparkle."""
    voice: float | None = None
    """How loud the client's microphone is, 0 to 1; None: it may not talk. No part of the game."""


class Game:
    """The state of one game. Not thread-safe: it belongs to one event loop."""

    def __init__(self, started_at: float, seed: int = 1) -> None:
        """`started_at`: boot time of tick 0, in seconds. The same seed gives the same game."""
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
        self._coin_taken: tuple[int, int, int] | None = None

    @property
    def start_id(self) -> str:
        """A text that differs for each start of a game."""
        return f"{round(self.started_at * 1e6):x}"

    def advance(self, now: float) -> int:
        """Run every tick that is due at boot time `now`; returns the counter.

        Catching up costs about 4 us per tick (15 ms for a minute).
        """
        due = math.floor((now - self.started_at) * TICKS_PER_S + 1e-6)
        while self.counter < due:
            self._tick()
        return self.counter

    def hold(self, controls: Controls, now: float, *, travel: tuple[int, int] = (0, 0)) -> None:
        """From `now` on the player holds these controls; the pointer moved by `travel` pixels."""
        self.advance(now)
        pressed = len(controls.keys - self._held.keys)
        pressed += (controls.buttons & ~self._held.buttons).bit_count()
        self.key_presses += pressed
        self.score += pressed
        self._held = controls
        self._nudge = (self._nudge[0] + travel[0], self._nudge[1] + travel[1])

    def release(self, now: float) -> None:
        """Release every key and button, as after half a second without a message."""
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
            self._coin_taken,
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
                self._coin_taken = (self.counter, *coin)
                self._coins[index] = _coin_place(self.seed, self._next_coin)
                self._next_coin += 1


def _coin_place(seed: int, number: int) -> tuple[int, int]:
    """Where coin `number` lies: a pseudo-random place in the field, the same for the same seed."""
    left, top, right, bottom = _FIELD
    name = b"coin %d %d" % (seed, number)
    a, b = struct.unpack("!II", hashlib.blake2b(name, digest_size=8).digest())
    return left + a % (right - left - COIN_PX), top + b % (bottom - top - COIN_PX - 20)
