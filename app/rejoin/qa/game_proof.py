"""The proof in a result that the player came back into the same game, and its evidence.

The strongest evidence counts: the strip that the emulated game paints into each picture, then the
heartbeat that a studio's game may send, the pictures before and after, and at last the session.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict


class Rests(enum.StrEnum):
    """Kinds of evidence, the strongest first."""

    STRIP = "strip"
    HEARTBEAT = "heartbeat"
    PICTURE = "picture"
    SESSION = "session"


class Says(enum.StrEnum):
    """The verdict about the game."""

    WENT_ON = "went on"
    BEGAN_ANEW = "began anew"
    SAME_SCENE = "same scene"
    DIFFERENT = "different"
    BLACK = "black"
    NOT_KNOWN = "not known"


@dataclass(frozen=True, slots=True)
class DropProof:
    """Of one drop. `similarity`: of the pictures, where it rests on them. `detail`: the numbers in
    a sentence; empty where there are none."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")
    rests_on: Rests
    says: Says
    similarity: float | None = None
    detail: str = ""


def weakest(proofs: Iterable[DropProof | None]) -> Rests:
    """The proof of a whole play: the weakest one of its drops; without a drop, the session."""
    order = list(Rests)
    found = [Rests.SESSION if each is None else each.rests_on for each in proofs]
    return max(found, key=order.index, default=Rests.SESSION)
