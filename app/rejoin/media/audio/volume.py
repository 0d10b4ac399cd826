"""How loud the player wants the game: the choice, and its steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

LOUDEST: Final = 100
STEP: Final = 10


@dataclass(frozen=True, slots=True)
class SoundChoice:
    """`volume` in percent, 0..100, kept while it is muted. Raises ValueError for another."""

    volume: int = LOUDEST
    muted: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.volume <= LOUDEST:
            raise ValueError("a volume is 0 to 100 percent")

    @property
    def silent(self) -> bool:
        return self.muted or self.volume == 0

    @property
    def amplitude(self) -> float:
        """What samples are multiplied with, 0..1: the cube, as PulseAudio has it, because that is
        how an ear counts: half as loud is an eighth."""
        return 0.0 if self.muted else (self.volume / LOUDEST) ** 3

    def louder(self) -> SoundChoice:
        """The next multiple of ten above; heard again if it was muted."""
        return SoundChoice(min(LOUDEST, (self.volume // STEP + 1) * STEP))

    def quieter(self) -> SoundChoice:
        """The next multiple of ten below; heard again if it was muted."""
        return SoundChoice(max(0, (self.volume - 1) // STEP * STEP))

    def toggled(self) -> SoundChoice:
        """Muted or not any more; from nothing at all it comes back as a step."""
        if self.volume == 0:
            return SoundChoice(STEP)
        return replace(self, muted=not self.muted)
