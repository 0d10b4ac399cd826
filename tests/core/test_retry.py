"""The table of what to do when a call fails, and its waits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin.core.model import Policy
from rejoin.core.retry import RULES, Action, FailureKind, Wait, backoff_s, on_conflict

POLICY = Policy()


def test_every_kind_of_failure_has_a_rule() -> None:
    assert set(RULES) == set(FailureKind)


def test_every_rule_that_ends_has_a_reason() -> None:
    for kind, rule in RULES.items():
        if Action.END in (rule.first, rule.again):
            assert rule.ending is not None, kind


def test_a_new_offer_or_the_same_bytes_always_wait() -> None:
    for kind, rule in RULES.items():
        if rule.first in (Action.SAME_BYTES, Action.NEW_OFFER):
            assert rule.wait is not Wait.NONE, kind


@pytest.mark.parametrize(
    ("status", "action"),
    [
        ("CONNECTED", Action.WAIT_FOR_SERVICE),
        ("ACTIVE", Action.NEW_OFFER),
        ("PENDING_CLIENT_RECONNECTION", Action.NEW_OFFER),
        ("RECONNECTING", Action.POLL_STATUS),
        ("A_NEW_WORD", Action.POLL_STATUS),
        (None, Action.POLL_STATUS),
    ],
)
def test_a_conflict_is_decided_by_the_status(status: str | None, action: Action) -> None:
    assert on_conflict(status) is action


@given(failures=st.integers(0, 1000), chance=st.floats(0, 1, exclude_max=True))
def test_waits_stay_within_their_bounds(failures: int, chance: float) -> None:
    usual_s = backoff_s(Wait.USUAL, failures, POLICY, lambda: chance)
    assert 0.0 <= usual_s <= min(POLICY.backoff_cap_s, POLICY.backoff_base_s * 2.0**failures)
    throttled_s = backoff_s(Wait.THROTTLED, failures, POLICY, lambda: chance)
    assert 0.5 * POLICY.throttle_base_s <= throttled_s <= POLICY.throttle_cap_s
    turn_s = backoff_s(Wait.TURN, failures, POLICY, lambda: chance)
    assert POLICY.turn_ask_s <= turn_s < POLICY.turn_ask_s + 2.0, "a place lapses after that"
    assert backoff_s(Wait.NONE, failures, POLICY, lambda: chance) == 0.0


def test_waits_grow() -> None:
    waits = [backoff_s(Wait.USUAL, n, POLICY, lambda: 0.99) for n in range(6)]
    assert waits == sorted(waits)
    assert waits[0] < 0.25 < waits[-1]
