"""When a window in the background hints at what happens: notification, taskbar, sound. Pure.

A drop is notified of once, the last seconds of the time to get back once, and what became of it
once, each only while another window is the active one. Times are boot time in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from rejoin.core.model import Snapshot, Stage
from rejoin.gui.guest import hint_texts
from rejoin.runtime.desktop_bus import Notification

NOTIFY_AFTER_S: Final = 2.0
"""Nothing is said of a drop that is over within this time."""
LAST_S: Final = 30.0
SOUND_AT_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Seen:
    """How the window stands. `active`: it is the one in front, which has the keyboard. `shown`: it
    is open and not minimised."""

    active: bool
    shown: bool


@dataclass(frozen=True, slots=True)
class Choices:
    """`background`: notify while the window is in the background. `sound`: one at 15 s."""

    background: bool = True
    sound: bool = False


@dataclass(frozen=True, slots=True)
class Quiet:
    """No drop, and no notification."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """The connection is lost since `since_at`.

    `known`: the player has seen or been notified of it. `last`: the last seconds have begun, and
    the player knows. `sounded`: the sound was played, or its time is over. `notified`: a
    notification is shown.
    """

    since_at: float
    known: bool = False
    last: bool = False
    sounded: bool = False
    notified: bool = False


@dataclass(frozen=True, slots=True)
class Over:
    """No drop, and a notification that says what became of the last one."""


Hinted: TypeAlias = Quiet | Dropped | Over


@dataclass(frozen=True, slots=True)
class Notify:
    """Show this in place of the one before, and have the taskbar mark the window."""

    notification: Notification


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Take the notification away."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Play the sound."""


Hint: TypeAlias = Notify | Withdraw | Sound


def keeps_awake(snapshot: Snapshot, seen: Seen) -> bool:
    """Whether the screen stays on: a game is played or got back, and its window can be seen."""
    playing = snapshot.stage in (Stage.LIVE, Stage.LOST, Stage.RECONNECTING)
    return playing and seen.shown


def next_hints(
    hinted: Hinted, snapshot: Snapshot, now: float, seen: Seen, choices: Choices
) -> tuple[Hinted, tuple[Hint, ...]]:
    """What to hint at now. To be called again at each snapshot and several times a second."""
    if snapshot.stage in (Stage.LOST, Stage.RECONNECTING):
        dropped = hinted if isinstance(hinted, Dropped) else Dropped(now)
        before = (Withdraw(),) if isinstance(hinted, Over) else ()
        after, hints = _while_dropped(dropped, snapshot, now, seen, choices)
        return after, before + hints
    standing = isinstance(hinted, Over) or (isinstance(hinted, Dropped) and hinted.notified)
    if not standing:
        return Quiet(), ()
    if seen.active:
        return Quiet(), (Withdraw(),)
    if isinstance(hinted, Dropped) and (outcome := hint_texts.outcome(snapshot)) is not None:
        return Over(), (Notify(outcome),)
    return hinted, ()


def _while_dropped(
    dropped: Dropped, snapshot: Snapshot, now: float, seen: Seen, choices: Choices
) -> tuple[Dropped, tuple[Hint, ...]]:
    left_s = _left_s(snapshot, now)
    last = left_s is not None and left_s <= LAST_S
    hints: list[Hint] = []
    if seen.active:
        if dropped.notified:
            hints.append(Withdraw())
        dropped = replace(dropped, known=True, notified=False, last=dropped.last or last)
    elif choices.background:
        if last and not dropped.last:
            hints.append(Notify(hint_texts.last_seconds(snapshot, now)))
            dropped = replace(dropped, known=True, notified=True, last=True)
        elif not dropped.known and now - dropped.since_at >= NOTIFY_AFTER_S:
            hints.append(Notify(hint_texts.lost(snapshot, now)))
            dropped = replace(dropped, known=True, notified=True)
    if left_s is not None and left_s <= SOUND_AT_S and not dropped.sounded:
        dropped = replace(dropped, sounded=True)
        if choices.sound and left_s > 0:
            hints.append(Sound())
    return dropped, tuple(hints)


def _left_s(snapshot: Snapshot, now: float) -> float | None:
    """The time left that the card counts down; None while it counts none."""
    if snapshot.deadline_checking or snapshot.shown_deadline_at is None:
        return None
    unnoticed_until_at = snapshot.unnoticed_until_at
    if unnoticed_until_at is not None and now < unnoticed_until_at:
        return None  # the whole time is still to come
    return snapshot.shown_deadline_at - now
