"""The two errors that end a test: a failure with a sentence, or a test that is inconclusive."""

from __future__ import annotations

import unittest
from collections.abc import Sequence

from rejoin.qa.verdicts import Judgement, Verdict


class GameFailedError(AssertionError):
    """The player's client failed to do what it must."""


class NothingSaidError(unittest.SkipTest):
    """The test is inconclusive: no capacity, quota, sign-in or network, or a fault that cannot be
    caused there. pytest and unittest report it as skipped."""


def check(judgement: Judgement) -> None:
    """Raise the error for this verdict of a game; do nothing if it passed."""
    words = sentence(judgement.sentences)
    if judgement.verdict is Verdict.FAILED:
        raise GameFailedError(words)
    if judgement.verdict is not Verdict.PASSED:
        raise NothingSaidError(f"{judgement.verdict.value} ({judgement.why.value}): {words}")


def sentence(parts: Sequence[str]) -> str:
    """Make a sentence of a verdict's text, which has no capital and no full stop."""
    text = "; ".join(parts) or "no reason is known"
    return f"{text[0].upper()}{text[1:]}."
