"""The backend's fence: which attempt of a stream session may still call the service.

Rule 1: attempt numbers of a session rise. A claim with a lower number than the highest is stale. A
        claim with the same number is a repetition if it has the same token and SignalRequest, and
        stale otherwise.
Rule 2: a SignalRequest that one attempt has claimed cannot be claimed by another of that session.
Rule 3: an answer is kept only if its attempt is still the highest when it arrives.

The client matches answers to offers, but it cannot prevent that an older offer replaces a newer one
at the service. The fence prevents it; `tests/verify/test_explore.py` shows what goes wrong without.
"""

from __future__ import annotations

import enum


class Claim(enum.Enum):
    """The result of an attempt's claim to be the session's newest."""

    NEW = "new"
    REPEATED = "repeated"
    STALE = "stale"
    REUSED = "reused"


def claim(attempt: int, newest: int, *, same_bytes: bool, offered_before: bool) -> Claim:
    """Rules 1 and 2. `same_bytes`: token and SignalRequest are those of the newest attempt;
    `offered_before`: some attempt of this session has claimed this SignalRequest."""
    if attempt < newest:
        return Claim.STALE
    if attempt == newest:
        return Claim.REPEATED if same_bytes else Claim.STALE
    return Claim.REUSED if offered_before else Claim.NEW


def keeps_answer(attempt: int, newest: int) -> bool:
    """Rule 3."""
    return attempt == newest
