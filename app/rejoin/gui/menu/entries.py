"""The entries of the menu: a row of a table for each, with what stands beside it. Pure."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from rejoin.gui.menu import texts
from rejoin.language import tr
from rejoin.media.audio.volume import SoundChoice


class MenuAction(enum.Enum):
    """What an entry does."""

    RESUME = "resume"
    FULL_SCREEN = "full_screen"
    SOUND = "sound"
    MICROPHONE = "microphone"
    RECONNECT = "reconnect"
    STATISTICS = "statistics"
    PRACTICE = "practice"
    SETTINGS = "settings"
    CLOSE = "close"
    END = "end"


@dataclass(frozen=True, slots=True)
class MenuState:
    """The state that the menu shows. `microphone`: whether it will be on back in the game; None:
    this game has none. `trouble`: a problem of the connection, or a limit that will end the game,
    in a sentence. `practice`: the running fault of a tester, "" for none; None: there are no
    practice drops here."""

    full_screen: bool = False
    sound: SoundChoice = SoundChoice()  # noqa: RUF009 frozen
    microphone: bool | None = None
    statistics: bool = False
    """The charts are shown."""
    can_reconnect: bool = False
    can_end: bool = True
    has_settings: bool = True
    practice: str | None = None
    trouble: str = ""
    resume_key: str = ""
    """What goes back to the game, as it is printed there."""


@dataclass(frozen=True, slots=True)
class Entry:
    """`detail`: what stands beside it. `shown`: whether it is there. `danger`: it ends the game.
    `apart`: a line stands over it."""

    action: MenuAction
    text: str
    detail: Callable[[MenuState], str] = lambda state: ""
    shown: Callable[[MenuState], bool] = lambda state: True
    primary: bool = False
    danger: bool = False
    apart: bool = False


ENTRIES: Final = (
    Entry(MenuAction.RESUME, texts.RESUME, lambda state: state.resume_key, primary=True),
    Entry(
        MenuAction.RECONNECT,
        texts.RECONNECT,
        shown=lambda state: state.can_reconnect,
    ),
    Entry(
        MenuAction.FULL_SCREEN,
        texts.FULL_SCREEN,
        lambda state: texts.on_off(state.full_screen),
    ),
    Entry(MenuAction.SOUND, texts.SOUND, lambda state: texts.on_off(not state.sound.silent)),
    Entry(
        MenuAction.MICROPHONE,
        texts.MICROPHONE,
        lambda state: texts.on_off(state.microphone is True),
        shown=lambda state: state.microphone is not None,
    ),
    Entry(
        MenuAction.STATISTICS,
        texts.STATISTICS,
        lambda state: texts.on_off(state.statistics),
    ),
    Entry(
        MenuAction.PRACTICE,
        texts.PRACTICE,
        lambda state: state.practice or "",
        shown=lambda state: state.practice is not None,
    ),
    Entry(MenuAction.SETTINGS, texts.SETTINGS, shown=lambda state: state.has_settings),
    Entry(MenuAction.CLOSE, texts.CLOSE, lambda state: tr(texts.CLOSE_DETAIL), apart=True),
    Entry(MenuAction.END, texts.END, shown=lambda state: state.can_end, danger=True),
)
"""In the order in which they are shown."""
