"""So many at once, and so many a second from then on."""

from __future__ import annotations

import pytest

from rejoin.backend.token_bucket import TokenBucket


def test_what_is_at_once_and_what_comes_back() -> None:
    bucket = TokenBucket(per_s=2.0, at_once=3.0)
    assert [bucket.take(100.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert bucket.take(100.0) == pytest.approx(0.5)
    assert bucket.take(100.25) == pytest.approx(0.25), "one that was refused took nothing"
    assert bucket.take(100.5) == 0.0
    assert [bucket.take(1000.0) for _ in range(4)] == [0.0, 0.0, 0.0, pytest.approx(0.5)]
