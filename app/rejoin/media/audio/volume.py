"""The volume that the player chose, and its steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

LOUDEST: Final = 100
STEP: Final = 10


@dataclass(frozen=True, slots=True)
class SoundChoice:
    """`volume` in percent, kept while muted. Raises ValueError if it is not 0..100."""

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
        """The factor of samples, 0..1: the cube of the volume, as in PulseAudio, because loudness
        is perceived that way (volume 50 is an amplitude of 1/8)."""
        return 0.0 if self.muted else (self.volume / LOUDEST) ** 3

    def louder(self) -> SoundChoice:
        """The next multiple of ten above, not muted."""
        return SoundChoice(min(LOUDEST, (self.volume // STEP + 1) * STEP))

    def quieter(self) -> SoundChoice:
        """The next multiple of ten below, not muted."""
        return SoundChoice(max(0, (self.volume - 1) // STEP * STEP))

    def toggled(self) -> SoundChoice:
        """Mute or unmute. From volume 0 it becomes one step, so that it is heard."""
        if self.volume == 0:
            return SoundChoice(STEP)
        return replace(self, muted=not self.muted)
