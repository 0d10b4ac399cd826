"""Texts of the title and notifications while the window may be hidden. Pure: no Qt, no clock."""

from __future__ import annotations

from dataclasses import replace

from rejoin.core.model import Snapshot, Stage
from rejoin.gui import texts
from rejoin.gui.ending_texts import ending_text
from rejoin.language import tr
from rejoin.runtime.desktop_bus import Notification


def window_title(snapshot: Snapshot, now: float, usual: str) -> str:
    """The window's title: with the time left in front while the connection is lost, so that a
    taskbar shows it. `usual`: the title otherwise."""
    if snapshot.stage not in (Stage.LOST, Stage.RECONNECTING):
        return usual
    left = texts.time_left(snapshot, now)
    if snapshot.shown_deadline_at is None or snapshot.deadline_checking:
        return tr("Reconnecting - {title}", title=usual)
    if left.share == 0.0:
        return tr("Time may be up - {title}", title=usual)
    return tr("{time} to get back - {title}", time=left.digits, title=usual)


def lost(snapshot: Snapshot, now: float) -> Notification:
    """The connection was lost a moment ago."""
    left = texts.time_left(snapshot, now).sentence
    return Notification(_title(snapshot), left)


def last_seconds(snapshot: Snapshot, now: float) -> Notification:
    """The time to get back is nearly over."""
    left = texts.time_left(snapshot, now).sentence
    return Notification(left, _title(snapshot))


def outcome(snapshot: Snapshot) -> Notification | None:
    """The outcome of a drop; None while it is open."""
    if snapshot.stage is Stage.LIVE:
        return Notification(tr(texts.BACK), tr("The connection to your game is there again."))
    if snapshot.stage is Stage.ENDED and snapshot.ending is not None:
        text = ending_text(snapshot.ending)
        return Notification(text.title, text.meaning)
    return None


def _title(snapshot: Snapshot) -> str:
    """The card's, and "Connection lost" where the card says that it is still being checked: who
    does not see the card asks what happened."""
    return texts.lost_title(replace(snapshot, stage=Stage.RECONNECTING))
