"""The fence, rule by rule."""

from __future__ import annotations

import pytest

from rejoin.service_model.fence import Claim, claim, keeps_answer


@pytest.mark.parametrize(
    ("attempt", "same_bytes", "offered_before", "expected"),
    [
        (4, False, False, Claim.STALE),
        (4, True, True, Claim.STALE),
        (5, True, True, Claim.REPEATED),
        (5, False, False, Claim.STALE),
        (6, False, True, Claim.REUSED),
        (6, False, False, Claim.NEW),
        (60, False, False, Claim.NEW),
    ],
)
def test_a_claim_after_attempt_five(
    attempt: int, same_bytes: bool, offered_before: bool, expected: Claim
) -> None:
    assert claim(attempt, 5, same_bytes=same_bytes, offered_before=offered_before) is expected


def test_an_answer_is_kept_for_the_newest_attempt_only() -> None:
    assert [keeps_answer(attempt, 5) for attempt in (4, 5, 6)] == [False, True, False]
