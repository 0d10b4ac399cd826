"""What ends a test: a failure with a sentence, or that the test says nothing."""

from __future__ import annotations

import unittest
from collections.abc import Sequence

from rejoin.qa.verdicts import Judgement, Verdict


class GameFailedError(AssertionError):
    """The player's client did not do what it has to do."""


class NothingSaidError(unittest.SkipTest):
    """The test says nothing about reconnection: no capacity, quota, sign-in or network, or a fault
    that cannot be caused there. pytest and unittest report it as skipped."""


def check(judgement: Judgement) -> None:
    """Raise what fits this verdict of a game; nothing where it passed."""
    words = sentence(judgement.sentences)
    if judgement.verdict is Verdict.FAILED:
        raise GameFailedError(words)
    if judgement.verdict is not Verdict.PASSED:
        raise NothingSaidError(f"{judgement.verdict.value} ({judgement.why.value}): {words}")


def sentence(parts: Sequence[str]) -> str:
    """One sentence of those of a verdict, which have no capital and no full stop."""
    text = "; ".join(parts) or "no reason is known"
    return f"{text[0].upper()}{text[1:]}."
