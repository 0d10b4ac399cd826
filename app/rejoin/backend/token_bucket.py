"""A token bucket: so many at once after a quiet moment, and so many a second from then on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class TokenBucket:
    """`at_once`: what it holds, and has at the beginning. `at`: when `left` was right; None: never
    used. Times are seconds of any one clock."""

    per_s: float
    at_once: float
    left: float = 0.0
    at: float | None = None

    def take(self, now: float) -> float:
        """Take one, if there is one. How long it takes until there is: 0.0 if one was taken."""
        gained = self.at_once if self.at is None else (now - self.at) * self.per_s
        self.left, self.at = min(self.at_once, self.left + gained), now
        if self.left < 1.0:
            return (1.0 - self.left) / self.per_s
        self.left -= 1.0
        return 0.0
