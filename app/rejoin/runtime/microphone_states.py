"""The state of the microphone, as one value, and the rules for it. Pure.

Rule 1: it is open only where the studio allows a microphone and the player has turned it on.
Rule 2: it is open only while a game is played on a connection that accepts our sound. It is closed
        before the first picture, from LOST until live again, and after the end.
Rule 3: it is closed in the menu and in the background, unless the player has chosen otherwise, and
        while the player has muted it.
Rule 4: a muted microphone stays muted over a drop; an open one opens again after the rejoin.
Rule 5: with push-to-talk the device stays open while a game is played, or the first syllable would
        be lost; nothing is encoded and nothing leaves before the key is held.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TypeAlias

from rejoin.core.model import Stage
from rejoin.language import mark
from rejoin.media.audio.microphone import DeviceState


class MicrophoneMode(enum.Enum):
    """How the player wants it."""

    OFF = "off"
    OPEN = "open"
    PUSH_TO_TALK = "push_to_talk"


@dataclass(frozen=True, slots=True)
class MicrophoneChoices:
    """The player's choices. `device`: name of the device; None: the system's default.
    `in_background`, `in_menu`: it stays open there."""

    mode: MicrophoneMode = MicrophoneMode.OFF
    device: str | None = None
    in_background: bool = False
    in_menu: bool = False


class Why(enum.Enum):
    """Why it is closed for now."""

    NO_GAME = "no game"
    """No picture of the game was shown yet, or it is over."""
    LOST = "lost"
    """The connection is lost."""
    MENU = "menu"
    BACKGROUND = "background"


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """The studio's profile has no microphone."""


@dataclass(frozen=True, slots=True)
class Off:
    """The player has not turned it on."""


@dataclass(frozen=True, slots=True)
class NotTaken:
    """The game accepts no sound from us, by its answer."""


@dataclass(frozen=True, slots=True)
class Shut:
    """Closed for now; open again by itself."""

    why: Why


@dataclass(frozen=True, slots=True)
class Muted:
    """The player has muted it."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The device is being opened."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """It should be open but cannot: MISSING, REFUSED or UNSUPPORTED."""

    device: DeviceState


@dataclass(frozen=True, slots=True)
class Waiting:
    """Push-to-talk: it is open, and nothing is sent until the key is held."""


@dataclass(frozen=True, slots=True)
class Live:
    """Voice is sent. `unheard`: the device delivers only zeros."""

    unheard: bool = False


MicrophoneState: TypeAlias = (
    NotAllowed | Off | NotTaken | Shut | Muted | Opening | Unusable | Waiting | Live
)


@dataclass(frozen=True, slots=True)
class Facts:
    """The inputs of `state_of`. `stage`: of the newest snapshot. `taken`: whether the shown
    connection accepts our sound. `held`: the key of push-to-talk is held."""

    allowed: bool = False
    choices: MicrophoneChoices = MicrophoneChoices()
    stage: Stage = Stage.IDLE
    taken: bool = True
    muted: bool = False
    held: bool = False
    in_menu: bool = False
    in_background: bool = False
    device: DeviceState = DeviceState.CLOSED


def state_of(facts: Facts) -> MicrophoneState:
    """By the rules above."""
    choices = facts.choices
    if not facts.allowed:
        return NotAllowed()
    if choices.mode is MicrophoneMode.OFF:
        return Off()
    if facts.stage is not Stage.LIVE:
        lost = facts.stage in (Stage.LOST, Stage.RECONNECTING)
        return Shut(Why.LOST if lost else Why.NO_GAME)
    if not facts.taken:
        return NotTaken()
    if facts.muted:
        return Muted()
    if facts.in_menu and not choices.in_menu:
        return Shut(Why.MENU)
    if facts.in_background and not choices.in_background:
        return Shut(Why.BACKGROUND)
    return _by_device(facts)


def _by_device(facts: Facts) -> MicrophoneState:
    match facts.device:
        case DeviceState.CLOSED | DeviceState.OPENING:
            return Opening()
        case DeviceState.MISSING | DeviceState.REFUSED | DeviceState.UNSUPPORTED:
            return Unusable(facts.device)
        case DeviceState.OPEN | DeviceState.UNHEARD:
            talks = facts.held or facts.choices.mode is MicrophoneMode.OPEN
            return Live(facts.device is DeviceState.UNHEARD) if talks else Waiting()


def wants_device(state: MicrophoneState) -> bool:
    """Whether the device is opened, or tried again."""
    return isinstance(state, Opening | Unusable | Waiting | Live)


NOT_TAKEN = mark("No microphone: this game takes no sound from you.")
PROBLEMS = {
    DeviceState.MISSING: mark("No microphone: none was found, or not the one that you chose."),
    DeviceState.REFUSED: mark(
        "No microphone: the system does not let Rejoin use it, or another program has it."
    ),
    DeviceState.UNSUPPORTED: mark("No microphone: PortAudio or libopus is missing."),
}
UNHEARD = mark(
    "Your microphone gives no sound: it is muted in the system, or the system does not let Rejoin "
    "use it."
)


def problem_of(state: MicrophoneState) -> str | None:
    """Why it cannot be used, in a sentence; the game goes on without."""
    match state:
        case NotTaken():
            return NOT_TAKEN
        case Unusable(device):
            return PROBLEMS[device]
        case Live(unheard=True):
            return UNHEARD
        case _:
            return None
