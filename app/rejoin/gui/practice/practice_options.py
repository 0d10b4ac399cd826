"""What a window needs for practice drops: the injector behind them, and the tester's keys."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rejoin.gui.control_options import ControlOptions
from rejoin.gui.shortcuts import ShortcutAction, Shortcuts
from rejoin.input_events.chords import Chord
from rejoin.runtime.practice_port import PracticePort


@dataclass(frozen=True, slots=True)
class PracticeOptions:
    """`drop_keys`: begin the chosen drop, or lift. `marker_keys`: set a marker. Empty: no keys."""

    port: PracticePort
    drop_keys: tuple[Chord, ...] = ()
    marker_keys: tuple[Chord, ...] = ()


def with_keys(controls: ControlOptions, practice: PracticeOptions | None) -> ControlOptions:
    """The player's controls, with the tester's keys."""
    if practice is None:
        return controls
    keys = dict(controls.shortcuts.keys)
    keys[ShortcutAction.PRACTICE_DROP] = practice.drop_keys
    keys[ShortcutAction.SET_MARKER] = practice.marker_keys
    return replace(controls, shortcuts=Shortcuts(keys))
