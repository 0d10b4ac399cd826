"""Sentences about what is about to end a game, and about files that the player saved. Pure.

The rules are those of `texts`.
"""

from __future__ import annotations

from pathlib import Path
from typing import assert_never

from rejoin.gui.limits import LimitKind, Warned
from rejoin.language import mark, tr, tr_plural
from rejoin.runtime.new_file import NotSaved, Saved


def saved_text(outcome: Saved | NotSaved, *, hides_folders: bool = False) -> str:
    """The result of saving a file. `hides_folders`: others may see the screen."""
    match outcome:
        case Saved(file) if hides_folders:
            return tr("Saved: {file}", file=file.name)
        case Saved(file, home):
            return tr("Saved: {file}", file=_shortened(file, home))
        case NotSaved(sentence):
            return tr(sentence)
        case _:
            assert_never(outcome)


def _shortened(file: Path, home: Path) -> str:
    """The path from the home folder on; of a long one the end, which has the name."""
    if file.is_relative_to(home):
        file = file.relative_to(home)
    path = str(file)
    return path if len(path) <= _MOST_LETTERS else f"...{path[3 - _MOST_LETTERS :]}"


_MOST_LETTERS = 60
"""Of a path, so that it fits into the smallest window."""


def limit_text(warned: Warned, *, takes_input: bool) -> tuple[str, str]:
    """A limit that is about to end the game, in two lines; not more than is known of it."""
    match warned.kind:
        case LimitKind.LENGTH if warned.is_last:
            return tr("The game reaches its maximum length and ends within a minute"), tr(_SAVE)
        case LimitKind.LENGTH:
            ends = tr_plural(
                "In about {count} minute the game reaches its maximum length and ends",
                "In about {count} minutes the game reaches its maximum length and ends",
                warned.minutes,
            )
            return ends, tr(_SAVE)
        case LimitKind.IDLE:
            idle = tr_plural(
                "No input for {count} minute: the service ends a game after {most}",
                "No input for {count} minutes: the service ends a game after {most}",
                warned.minutes_without_input,
                most=round(warned.idle_s / 60),
            )
            return idle, tr(_GO_ON) if takes_input else ""
        case _:
            assert_never(warned.kind)


_SAVE = mark("Save your progress.")
_GO_ON = mark("Press a key or move the mouse to go on.")
