"""What ends a test: failed verdicts fail it, those that say nothing skip it."""

from __future__ import annotations

import unittest

import pytest

from rejoin.qa.verdicts import Judgement, Verdict, Why
from rejoin.testing.problems import GameFailedError, NothingSaidError, check, sentence


def test_a_verdict_passes_fails_or_skips() -> None:
    check(Judgement(Verdict.PASSED, Why.AS_EXPECTED))
    with pytest.raises(GameFailedError, match=r"^It ended internal; really\.$"):
        check(Judgement(Verdict.FAILED, Why.CLIENT, ("it ended internal", "really")))
    for verdict in (Verdict.INCONCLUSIVE, Verdict.SKIPPED):
        with pytest.raises(NothingSaidError, match=rf"^{verdict.value} \(quota\): The start was "):
            check(Judgement(verdict, Why.QUOTA, ("the start was throttled",)))


def test_test_runners_know_both() -> None:
    assert issubclass(GameFailedError, AssertionError)
    assert issubclass(NothingSaidError, unittest.SkipTest)
    assert sentence(()) == "No reason is known."
