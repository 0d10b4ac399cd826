"""Makes a `DropProof` from the pictures and heartbeats around a drop. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rejoin.media.video.scene import AFTER_S, Grey, SceneWord, compare
from rejoin.qa.game_proof import DropProof, Rests, Says

MOST_BEAT: Final = 4096
"""Bytes of a heartbeat; a longer message is none."""
_MOST_ID: Final = 128
_MOST_COUNT: Final = 2**63
BEFORE_S: Final = 10.0
"""A picture or heartbeat that is older than this when a drop begins is not used as evidence."""
_LEAST_TOLERANCE_S: Final = 0.25
_MOST_TOLERANCE_S: Final = 3.0
_MOST_AHEAD_S: Final = 10.0
"""A full queue before the drop and an empty one after it can advance the counter by seconds."""
TICKS_PER_S: Final = 60
"""Of the emulated game."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A picture. `at`: when its last packet arrived (boot time). `tick`: of the strip, if any."""

    at: float
    grey: Grey
    tick: int | None = None


@dataclass(frozen=True, slots=True)
class Beat:
    """A heartbeat that arrived at boot time `at`. `game`: id of the game's start; "" if absent."""

    at: float
    count: int
    game: str = ""


def read_beat(data: bytes, at: float) -> Beat | None:
    """A heartbeat is a JSON object with `heartbeat`, a growing count, and optionally `game`, which
    differs for each start. None for any other message."""
    if len(data) > MOST_BEAT:
        return None
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError):
        return None
    count = raw.get("heartbeat") if isinstance(raw, dict) else None
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count < _MOST_COUNT:
        return None
    game = raw.get("game", "")
    return Beat(at, count, game) if isinstance(game, str) and len(game) <= _MOST_ID else None


def of_drop(
    seen: Sequence[Seen], beats: Sequence[Beat], began_at: float, back_at: float
) -> DropProof:
    """The proof for a drop that began and was over at these boot times."""
    before = _last(seen, began_at)
    after = [each for each in seen if back_at <= each.at <= back_at + AFTER_S + 0.5]
    found = _of_strip(before, after) or _of_beats(beats, began_at, back_at)
    if found is not None:
        return found
    scene = compare(None if before is None else before.grey, [each.grey for each in after])
    if scene.word is SceneWord.UNKNOWN and scene.similarity is None:
        return DropProof(Rests.SESSION, Says.NOT_KNOWN)
    rounded = None if scene.similarity is None else round(scene.similarity, 3)
    return DropProof(Rests.PICTURE, Says(scene.word.value), rounded)


def _last(seen: Sequence[Seen], began_at: float) -> Seen | None:
    found = [each for each in seen if began_at - BEFORE_S <= each.at <= began_at]
    return max(found, key=lambda each: each.at, default=None)


def _of_strip(before: Seen | None, after: Sequence[Seen]) -> DropProof | None:
    """The counter must have grown with the time, within a change of the delay. None if it is
    behind, but not as far as in a game that began after the last picture."""
    first = next((each for each in after if each.tick is not None), None)
    if before is None or before.tick is None or first is None or first.tick is None:
        return None
    played_s, passed_s = before.tick / TICKS_PER_S, first.at - before.at
    tolerance_s = min(_MOST_TOLERANCE_S, played_s / 2)
    if tolerance_s < _LEAST_TOLERANCE_S:
        return None
    off_s = (first.tick - before.tick) / TICKS_PER_S - passed_s
    if -tolerance_s <= off_s <= _MOST_AHEAD_S:
        says = Says.WENT_ON
    elif off_s > 0 or first.tick / TICKS_PER_S <= passed_s + _LEAST_TOLERANCE_S:
        says = Says.BEGAN_ANEW
    else:
        return None
    detail = f"tick {before.tick} before, {first.tick} after {passed_s:.2f} s"
    return DropProof(Rests.STRIP, says, detail=detail)


def _of_beats(beats: Sequence[Beat], began_at: float, back_at: float) -> DropProof | None:
    before = [each for each in beats if began_at - BEFORE_S <= each.at <= began_at]
    after = [each for each in beats if each.at >= back_at]
    if not before or not after:
        return None
    old, new = before[-1], after[0]
    went_on = new.count > old.count and new.game == old.game
    says = Says.WENT_ON if went_on else Says.BEGAN_ANEW
    if went_on and not new.game and _might_be_anew(before, new):
        says = Says.NOT_KNOWN
    detail = f"heartbeat {old.count} before, {new.count} after"
    if new.game != old.game:
        detail += ", of another start of the game"
    return DropProof(Rests.HEARTBEAT, says, detail=detail)


def _might_be_anew(before: Sequence[Beat], new: Beat) -> bool:
    """Whether a game that began after the last heartbeat could have counted this far by now, at up
    to twice the previous rate."""
    first, old = before[0], before[-1]
    if old.at <= first.at:
        return True  # the rate is not known
    rate = (old.count - first.count) / (old.at - first.at)
    return new.count <= 2 * rate * (new.at - old.at) + 1
