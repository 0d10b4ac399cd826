"""Announces changes of the window to screen readers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from PySide6.QtWidgets import QWidget

from rejoin.core.model import Snapshot, Stage
from rejoin.gui import texts
from rejoin.gui.announcement import SPOKEN_TIMES_S, announce
from rejoin.gui.notes import Notes
from rejoin.language import sentences, tr

MOST, WITHIN_S = 9, 30.0
"""At most this many announcements in this time. The last three are kept: one for a new face, one
for the time left, and the very last for the end."""

PAUSE_S = 3.0
"""A card announces at most this often what is new on it."""


@dataclass(frozen=True, slots=True)
class Said:
    """Announced sentences, and those still to come.

    `face`: the face of the window that was announced. `shown`: its sentences that were announced
    and are still shown, without their numbers. `gone`: those that are not shown any more, and since
    when. `times_s`: which of `SPOKEN_TIMES_S` are still to come. `at`: when anything was announced.
    """

    face: str = ""
    shown: frozenset[str] = frozenset()
    gone: tuple[tuple[str, float], ...] = ()
    times_s: tuple[int, ...] = ()
    at: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Announcement:
    """`urgent`: it may interrupt what is being said."""

    text: str
    urgent: bool = False


def next_announcement(
    said: Said, snapshot: Snapshot, notes: Notes, now: float
) -> tuple[Said, Announcement | None]:
    """What to announce now, if anything: what is shown, once, and the time left at certain values.

    A new face of the window is announced at once and completely, later only what is new on it. A
    sentence that comes and goes is not new. The time left goes first. There are at most `MOST`
    announcements in `WITHIN_S`; what had to wait for that is announced later, if it is still shown.
    """
    recent = tuple(at for at in said.at if now - at < WITHIN_S)
    live, face = snapshot.stage is Stage.LIVE, _face(snapshot)
    shown = {_key(text): text for text in _sentences(snapshot, notes, now)}
    if face != said.face:
        if len(recent) >= (MOST if snapshot.stage is Stage.ENDED else MOST - 2):
            return said, None
        left_s = _left_s(snapshot, now)
        # The announcement includes the time left; only lower values are still to come.
        times_s = () if left_s is None else _still_to_come(SPOKEN_TIMES_S, left_s)
        said = Said(face, frozenset(shown), times_s=times_s, at=said.at)
        text = texts.announcement(snapshot, now) if not live else _joined(shown)
        return _announce(said, recent, now, text, urgent=not live)
    said = _without_gone(said, frozenset(shown), now)
    known = said.shown | {key for key, _ in said.gone}
    fresh = {key: text for key, text in shown.items() if key not in known}
    times_s = _times_to_come(said, snapshot, now)
    if times_s != said.times_s and len(recent) < MOST - 1:
        said = replace(said, times_s=times_s)
        return _announce(said, recent, now, texts.time_left(snapshot, now).sentence)
    if len(recent) >= MOST - 3:
        return said, None
    if fresh and (live or not recent or now - recent[-1] >= PAUSE_S):
        said = replace(said, shown=said.shown | frozenset(fresh))
        return _announce(said, recent, now, _joined(fresh))
    return said, None


def _times_to_come(said: Said, snapshot: Snapshot, now: float) -> tuple[int, ...]:
    """Which of `SPOKEN_TIMES_S` have not been reached yet."""
    left_s = _left_s(snapshot, now) if _face(snapshot) == _OVERLAY else None
    if left_s is None or snapshot.deadline_checking:
        return said.times_s
    return _still_to_come(said.times_s, left_s)


def _still_to_come(times_s: tuple[int, ...], left_s: float) -> tuple[int, ...]:
    """The digits are rounded down, so 0:10 is reached before 10 s are; and the end is the end."""
    return tuple(time for time in times_s if (math.floor(left_s) > time if time else left_s > 0))


def _announce(
    said: Said, recent: tuple[float, ...], now: float, text: str, *, urgent: bool = False
) -> tuple[Said, Announcement | None]:
    if not text:
        return said, None
    return replace(said, at=(*recent, now)), Announcement(text, urgent)


def _sentences(snapshot: Snapshot, notes: Notes, now: float) -> list[str]:
    """The shown sentences, without the time left."""
    if snapshot.stage is not Stage.LIVE:
        return texts.announced_sentences(snapshot, now)
    view_only = texts.view_only(snapshot)
    return [text for text in (*notes.spoken, view_only) if text]


def _without_gone(said: Said, keys: frozenset[str], now: float) -> Said:
    """With what is not shown any more noted, and forgotten after `WITHIN_S`."""
    left = tuple((key, now) for key in sorted(said.shown - keys))
    back = frozenset(key for key, _ in said.gone) & keys
    gone = tuple((key, at) for key, at in said.gone if key not in back and now - at < WITHIN_S)
    return replace(said, shown=(said.shown & keys) | back, gone=gone + left)


def _left_s(snapshot: Snapshot, now: float) -> float | None:
    return None if snapshot.shown_deadline_at is None else snapshot.shown_deadline_at - now


_OVERLAY = "lost"


def _face(snapshot: Snapshot) -> str:
    """What is announced as a whole when it appears."""
    counting = snapshot.stage in (Stage.LOST, Stage.RECONNECTING)
    return _OVERLAY if counting else snapshot.stage.value


def _joined(found: Mapping[str, str]) -> str:
    """One after the other, with a full stop where one has no end of its own."""
    *before, last = found.values() or ("",)
    return sentences(*map(_ended, before), last)


def _ended(text: str) -> str:
    return text if text[-1] in _ENDS else tr("{sentence}.", sentence=text)


_ENDS = ".?!\u2026\u3002\uff1f\uff01"
"""The last characters of a sentence, those of East Asia too."""


def _key(text: str) -> str:
    """The same for sentences that differ only in their numbers ("Next try in 3 s")."""
    return re.sub(r"\d+", "#", text)


class Announcer:
    """Announces the changes of one window."""

    def __init__(self, widget: QWidget, on_announced: Callable[[str], None]) -> None:
        """`on_announced` is called with each announced text."""
        self._widget = widget
        self._on_announced = on_announced
        self._said = Said()

    def say(self, text: str, *, urgent: bool = False) -> None:
        announce(self._widget, text, urgent=urgent)
        self._on_announced(text)

    def update(self, snapshot: Snapshot, notes: Notes, now: float) -> None:
        """Announce what is new at `now`."""
        self._said, announcement = next_announcement(self._said, snapshot, notes, now)
        if announcement is not None:
            self.say(announcement.text, urgent=announcement.urgent)
