"""Whether to decode while nobody sees the picture. Pure; times are seconds of the boot clock.

Later frames depend on earlier ones, so decoding can only be left off at the price of a key frame at
the return. Rule 1: for `PAUSE_AFTER_S` everything is decoded, so that a short look elsewhere costs
nothing. Rule 2: then a key frame is requested, and decoding is left off once it has come: that
shows that this host answers, and leaves a picture to return to. Rule 3: a host that does not answer
within `ANSWER_S` is decoded on, until the window was seen again. Rule 4: key frames that come by
themselves are decoded. Rule 5: at the return a key frame is requested.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final, assert_never

PAUSE_AFTER_S: Final = 2.0
ANSWER_S: Final = 3.0
"""How long the host may take to send the key frame; `inbound_video.PLI_ANSWER_S` and a margin."""


class Verdict(enum.Enum):
    """What to do with a frame."""

    DECODE = "decode"
    REQUEST = "request"
    """Decode it, and request a key frame."""
    SKIP = "skip"
    RETURN = "return"
    """The picture is seen again: a key frame has to be next."""


@dataclass(frozen=True, slots=True)
class Seen:
    pass


@dataclass(frozen=True, slots=True)
class Unseen:
    since_at: float


@dataclass(frozen=True, slots=True)
class Asked:
    """For a key frame."""

    since_at: float


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Everything is decoded until the window was seen again."""


@dataclass(frozen=True, slots=True)
class Paused:
    pass


State = Seen | Unseen | Asked | Unanswered | Paused


def step(state: State, now: float, *, visible: bool, key: bool) -> tuple[State, Verdict]:
    """A frame has arrived at `now`. `visible`: its picture would be seen; `key`: of the frame."""
    if visible:
        returns = isinstance(state, Paused)
        return Seen(), Verdict.RETURN if returns else Verdict.DECODE
    match state:
        case Seen():
            return Unseen(now), Verdict.DECODE
        case Unseen(since_at):
            if now - since_at < PAUSE_AFTER_S:
                return state, Verdict.DECODE
            return Asked(now), Verdict.REQUEST
        case Asked(since_at):
            if key:
                return Paused(), Verdict.DECODE
            late = now - since_at > ANSWER_S
            return Unanswered() if late else state, Verdict.DECODE
        case Unanswered():
            return state, Verdict.DECODE
        case Paused():
            return state, Verdict.DECODE if key else Verdict.SKIP
        case _:
            assert_never(state)
