"""Whether to decode while nobody sees the picture. Pure; times are seconds of the boot clock.

Later frames depend on earlier ones, so after a pause in decoding a key frame is needed. Rule 1: for
`PAUSE_AFTER_S` everything is decoded, so that a short look at another window costs nothing. Rule 2:
then a key frame is requested, and decoding pauses once it has come: the host is known to answer,
and there is a picture to return to. Rule 3: if the host does not answer within `ANSWER_S`, decoding
continues until the window was seen again. Rule 4: unrequested key frames are decoded. Rule 5: when
the window is seen again, a key frame is requested.
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
    """A key frame was requested."""

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
