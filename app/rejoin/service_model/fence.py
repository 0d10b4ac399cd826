"""The backend's fence: which attempt of a stream session may still ask the service for an answer.

Rule 1: attempt numbers of a session rise. A claim lower than the highest is stale; an equal one is
        a repetition only with the same token and the same SignalRequest, else it is stale too.
Rule 2: a SignalRequest claimed by one attempt is never claimed by another of that session.
Rule 3: an answer is kept only for the attempt that is the highest when it arrives.

Matching answers at the client alone cannot keep an older offer from overwriting a newer one at the
service; this can, and `check` tells that without it that happens.
"""

from __future__ import annotations

import enum


class Claim(enum.Enum):
    """What became of an attempt's wish to be the session's newest."""

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
