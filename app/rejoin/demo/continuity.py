"""Whether the player came back into the same game, read from the pictures themselves.

The emulated game paints its tick counter, and a hash chain over it, into each picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from rejoin.core.model import ConnectionNumber
from rejoin.emulator.host.game import TICKS_PER_S
from rejoin.emulator.host.strip import StripReading, read_strip
from rejoin.media.video.picture import Picture, PictureSlot
from rejoin.media.video.scaling import Scaler

_LEAST_TOLERANCE_S: Final = 0.25
_MOST_TOLERANCE_S: Final = 3.0
"""How far the ticks may be from the clock. Pictures are up to a few frames late, and on a machine
that is overloaded much later: the last one before a drop by 0.34 s at a load of 12 on two cores."""


@dataclass(frozen=True, slots=True)
class Continuity:
    """The game's ticks on both sides of one drop, and the time between these pictures."""

    last_tick: int
    """Of the last picture of the old connection."""
    first_tick: int
    """Of the first picture of the new connection."""
    gap_s: float

    @property
    def missing_ticks(self) -> int:
        """Ticks between the two pictures, which the player did not see."""
        return self.first_tick - self.last_tick - 1

    @property
    def continued(self) -> bool:
        """The counter advanced by as many ticks as time passed: neither a new game nor a pause.

        A game that began after the last picture is behind by all that was played before, of which
        at most half is tolerated. One that is ahead cannot have begun then: the last picture was
        late.
        """
        off_s = (self.first_tick - self.last_tick) / TICKS_PER_S - self.gap_s
        if off_s > 0:
            return off_s <= _MOST_TOLERANCE_S
        played_s = self.last_tick / TICKS_PER_S
        return -off_s <= max(_LEAST_TOLERANCE_S, min(_MOST_TOLERANCE_S, played_s / 2))


class PictureRecorder(PictureSlot):
    """A picture slot that remembers the first and the last picture of each connection."""

    def __init__(self) -> None:
        super().__init__()
        self._first: dict[ConnectionNumber, Picture] = {}
        self._last: dict[ConnectionNumber, Picture] = {}

    def put(self, picture: Picture) -> None:
        self._first.setdefault(picture.connection, picture)
        self._last[picture.connection] = picture
        super().put(picture)

    def continuity(self) -> tuple[Continuity, ...]:
        """One for each connection after the first; unreadable pictures are left out."""
        found = []
        for old, new in pairwise(sorted(self._first)):
            last, first = self._last[old], self._first[new]
            before, after = _read(last), _read(first)
            if before is not None and after is not None:
                gap_s = first.decoded_at - last.decoded_at
                found.append(Continuity(before.counter, after.counter, gap_s))
        return tuple(found)


def _read(picture: Picture) -> StripReading | None:
    pixels = Scaler().pixels(picture, (picture.width, picture.height))
    if pixels is None:
        return None
    rows = np.frombuffer(pixels.data, np.uint8).reshape(pixels.height, pixels.stride)
    return read_strip(rows[:, : pixels.width * 4].reshape(pixels.height, pixels.width, 4))
