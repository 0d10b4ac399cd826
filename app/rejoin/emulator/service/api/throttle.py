"""The rate limit of each operation: a token bucket that holds one second's calls."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    at: float
    tokens: float


class Throttle:
    """One bucket per operation. `now` is seconds of any one clock."""

    def __init__(self) -> None:
        self._buckets: dict[str, _Bucket] = {}

    def allows(self, operation: str, now: float, per_s: float) -> bool:
        """Whether this call is within the limit of `per_s` calls; counts it if it is."""
        bucket = self._buckets.setdefault(operation, _Bucket(now, per_s))
        bucket.tokens = min(per_s, bucket.tokens + (now - bucket.at) * per_s)
        bucket.at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True
