"""The rate limit: a burst of one second's calls, then the rate, each operation on its own."""

from __future__ import annotations

from rejoin.emulator.service.api.throttle import Throttle


def test_a_burst_of_one_second_and_then_the_rate() -> None:
    throttle = Throttle()
    assert [throttle.allows("Get", 10.0, 3.0) for _ in range(4)] == [True, True, True, False]
    assert not throttle.allows("Get", 10.3, 3.0)
    assert throttle.allows("Get", 10.4, 3.0)
    assert not throttle.allows("Get", 10.4, 3.0)
    assert [throttle.allows("Get", 100.0, 3.0) for _ in range(4)] == [True, True, True, False]


def test_operations_do_not_share_their_limit() -> None:
    throttle = Throttle()
    assert throttle.allows("Get", 10.0, 1.0)
    assert not throttle.allows("Get", 10.0, 1.0)
    assert throttle.allows("List", 10.0, 1.0)
