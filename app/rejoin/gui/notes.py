"""Decides what lies over the running game: badge, notes, hints and the volume control.

Pure. The result comes from the newest snapshot, the clock, recent events and the window's own
state, so nothing has to be switched off again. Times are boot time in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rejoin.core.model import HealthLevel, Snapshot, Stage
from rejoin.gamepads.in_hand import PadInHand
from rejoin.gui import note_texts, pad_texts, texts
from rejoin.gui.limits import Limits, Warned, warning
from rejoin.gui.mouse_capture import Captured, CaptureState, Free, FreedByDrop, Refused
from rejoin.gui.shortcuts import ShortcutAction, Shortcuts
from rejoin.language import Message, sentences, tr
from rejoin.media.audio.volume import SoundChoice

BADGE_AFTER_S = 0.5
"""Trouble is shown once it has lasted this long."""
BACK_FOR_S = 3.0
PROBLEM_FOR_S = 8.0
CLICK_HINT_FOR_S = 4.0
"""How long a new game shows the hint to click."""
PICTURE_NOTE_FOR_S = 6.0
"""How long the note about a saved picture stays."""
SOUND_NOTE_FOR_S = 1.5
SOUND_CONTROL_FOR_S = 2.5
"""How long the volume control stays after the last move of a mouse that is not captured."""
MENU_TAB_FOR_S = 3.0
"""How long the tab of the menu stays after the pointer was at the upper edge, or was freed."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Sentences to show once, one a line, and since when the player can see them."""

    text: str
    since_at: float


@dataclass(frozen=True, slots=True)
class Memory:
    """When something last happened; None: never, or it does not matter any more."""

    started_at: float | None = None
    """The first picture of a new game was shown."""
    mouse_moved_at: float | None = None
    """The mouse moved while it was not captured."""
    volume_changed_at: float | None = None
    """A key changed the volume."""
    problem: Problem | None = None
    mouse_refused_at: float | None = None
    """The desktop did not let us capture the mouse."""
    picture: Problem | None = None
    """Where a picture of the game was saved, or why it was not."""
    warned: Warned | None = None
    """The limit that was announced last."""
    menu_reached_at: float | None = None
    """The pointer was at the upper edge of the picture, or the mouse was freed."""
    menu_touched_at: float | None = None
    """A finger that is a trackpad was at the upper edge: it can press the tab of the menu even
    while the game has the mouse."""

    def with_limits(self, limits: Limits, now: float) -> Memory:
        """With the announcement that is due, as the player can see it now."""
        warned = warning(limits, self.warned, now)
        return self if warned == self.warned else replace(self, warned=warned)

    def with_problem(self, text: str | None, now: float) -> Memory:
        """With the newest problem, if the player can see it now; its time starts when it is new."""
        if text == (self.problem.text if self.problem else None):
            return self
        if text is None:
            return replace(self, problem=None)
        before = self.problem
        if before is not None and set(text.splitlines()) < set(before.text.splitlines()):
            return replace(self, problem=replace(before, text=text))  # one of them is gone
        return replace(self, problem=Problem(text, now))

    def captured(self) -> Memory:
        """The mouse was captured: the hint to click and what is for a free mouse are not needed."""
        return replace(self, started_at=None, mouse_moved_at=None, menu_reached_at=None)


@dataclass(frozen=True, slots=True)
class WindowState:
    """State of the window that the notes depend on."""

    mouse: CaptureState = Free()  # noqa: RUF009 frozen
    takes_input: bool = False
    """The game takes the player's input."""
    may_capture: bool = True
    """The player lets the game have the mouse for itself."""
    sound: SoundChoice = SoundChoice()  # noqa: RUF009 frozen
    can_drop: bool = False
    """A demo, in which a key drops the connection."""
    volume_control_held: bool = False
    """The pointer is on the volume control, or drags it."""
    menu_tab_held: bool = False
    """The pointer is on the tab of the menu."""
    keyboard_captured: bool = False
    """The game has keys of the desktop."""
    shortcuts: Shortcuts = Shortcuts()  # noqa: RUF009 frozen
    pad: PadInHand | None = None
    """The gamepad that the player's hand holds."""


@dataclass(frozen=True, slots=True)
class Notes:
    """What each place shows; an empty text shows nothing."""

    badge: str = ""
    reconnect_hint: str = ""
    """Below the badge, while a new connection is offered and there are keys for it."""
    offers_reconnect: bool = False
    """The button *Reconnect* is shown."""
    note: tuple[str, str] = ("", "")
    """Two lines."""
    problem: str = ""
    limit: tuple[str, str] = ("", "")
    """Two lines about what is about to end the game."""
    picture: str = ""
    volume: str = ""
    free_mouse_hint: str = ""
    drop_hint: str = ""
    shows_volume_control: bool = False
    shows_menu_tab: bool = False

    @property
    def spoken(self) -> tuple[str, ...]:
        """Their sentences for screen readers."""
        note = sentences(*self.note)
        first, second = self.limit
        limit = sentences(tr("{sentence}.", sentence=first), second) if first else ""
        spoken = (note, self.badge, self.reconnect_hint, *self.problem.splitlines(), limit)
        return tuple(part for part in spoken if part)


def notes(snapshot: Snapshot, now: float, memory: Memory, state: WindowState) -> Notes:
    """What is shown at `now`."""
    captured = isinstance(state.mouse, Captured)
    hint = state.shortcuts.hint
    free_mouse_hint = texts.way_out(
        state.shortcuts.label(ShortcutAction.FREE_MOUSE),
        mouse=captured,
        keyboard=state.keyboard_captured,
    )
    if snapshot.stage is not Stage.LIVE:
        return Notes(free_mouse_hint=free_mouse_hint)
    problem, warned, picture = memory.problem, memory.warned, memory.picture
    return Notes(
        badge=texts.trouble_text(snapshot) if _in_trouble(snapshot, now) else "",
        reconnect_hint=_hint(state, ShortcutAction.RECONNECT) if snapshot.can_reconnect else "",
        offers_reconnect=snapshot.can_reconnect,
        note=_note(snapshot, now, memory, state),
        problem=_lines(problem.text) if problem and now - problem.since_at < PROBLEM_FOR_S else "",
        limit=(
            note_texts.limit_text(warned, takes_input=state.takes_input)
            if warned is not None and warned.shows(now)
            else ("", "")
        ),
        picture=(picture.text if picture and now - picture.since_at < PICTURE_NOTE_FOR_S else ""),
        volume=(
            texts.sound_text(state.sound)
            if _within(SOUND_NOTE_FOR_S, memory.volume_changed_at, now)
            else ""
        ),
        free_mouse_hint=free_mouse_hint,
        drop_hint=hint(ShortcutAction.DROP_CONNECTION) if state.can_drop else "",
        shows_volume_control=not captured
        and (state.volume_control_held or _within(SOUND_CONTROL_FOR_S, memory.mouse_moved_at, now)),
        shows_menu_tab=_within(MENU_TAB_FOR_S, memory.menu_touched_at, now)
        or (not captured and _reaches_menu(now, memory, state)),
    )


def _reaches_menu(now: float, memory: Memory, state: WindowState) -> bool:
    """Whether a mouse that is free may be looking for the menu."""
    return (
        state.menu_tab_held
        or _within(MENU_TAB_FOR_S, memory.menu_reached_at, now)
        or _within(CLICK_HINT_FOR_S, memory.started_at, now)
    )


def _lines(text: str) -> str:
    """Sentences, one a line, translated."""
    if isinstance(text, Message):
        return tr(text)
    return "\n".join(tr(line) for line in text.splitlines())


def is_just_back(snapshot: Snapshot, now: float) -> bool:
    """Whether the connection came back a moment ago."""
    return snapshot.stage is Stage.LIVE and _within(BACK_FOR_S, snapshot.back_at, now)


def _hint(state: WindowState, action: ShortcutAction) -> str:
    """How it is done with what the hand holds: with a pad all is in the menu."""
    return state.shortcuts.hint(action) if state.pad is None else pad_texts.chord(state.pad)


def _note(snapshot: Snapshot, now: float, memory: Memory, state: WindowState) -> tuple[str, str]:
    takes_click = state.takes_input and state.may_capture
    can_capture = takes_click and not isinstance(state.mouse, Captured | Refused)
    if is_just_back(snapshot, now):
        again = can_capture and isinstance(state.mouse, FreedByDrop)
        return tr(texts.BACK), tr(texts.CLICK_TO_CONTROL) if again else ""
    refused = isinstance(state.mouse, Refused)
    if refused and _within(PROBLEM_FOR_S, memory.mouse_refused_at, now):
        return tr(texts.MOUSE_REFUSED), ""
    if can_capture and _within(CLICK_HINT_FOR_S, memory.started_at, now):
        return tr(texts.CLICK_TO_CONTROL), _hint(state, ShortcutAction.OPEN_MENU)
    return "", ""


def _in_trouble(snapshot: Snapshot, now: float) -> bool:
    since_at = snapshot.trouble_since_at
    return (
        snapshot.health is not HealthLevel.HEALTHY
        and since_at is not None
        and now - since_at >= BADGE_AFTER_S
    )


def _within(for_s: float, since_at: float | None, now: float) -> bool:
    return since_at is not None and now - since_at < for_s
