"""What each row of the settings says: what is so now, when a change counts, what is wrong. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from rejoin.gui.settings.sections import WORDS
from rejoin.input_events import chords
from rejoin.media.audio.volume import SoundChoice
from rejoin.runtime.data_used import DataTotal
from rejoin.runtime.loaded_settings import Loaded, clashes_of
from rejoin.runtime.player_settings import SETTINGS, PlayerSettings, setting
from rejoin.runtime.renderer_memory import Verdict
from rejoin.runtime.setting_kinds import Applies, Keys, OneOf, Value, YesNo

HIDDEN: Final = "not shown"
_WHEN: Final = {
    Applies.AT_ONCE: "Applies at once.",
    Applies.NEXT_CONNECTION: "Applies from the next connection.",
    Applies.NEXT_GAME: "Applies from the next game.",
}
_GIGA, _MEGA = 1e9, 1e6
MOST_KBPS: Final = 19_000
"""`rtc.signal_codec.MAX_BITRATE_KBPS`, repeated so that the screen needs no WebRTC."""
_BREAK: Final = "\u200b"
"""Zero width space."""


@dataclass(frozen=True, slots=True)
class Playing:
    """The game that is played in this program, if one is. Sizes in device pixels."""

    drawn_by: str = ""
    decoder: str = ""
    picture: tuple[int, int] | None = None
    view: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class ScreenFact:
    """A screen of this computer, in device pixels."""

    name: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true now beside the settings. None: not known, or not asked yet.

    `devices`: the sound devices; `microphones`: those that record. `verdict`: what the test of the
    graphics card found. `metered`: whether the network counts data.
    """

    playing: Playing | None = None
    verdict: Verdict | None = None
    screens: tuple[ScreenFact, ...] = ()
    devices: tuple[str, ...] | None = None
    microphones: tuple[str, ...] | None = None
    data: DataTotal = DataTotal()  # noqa: RUF009 frozen
    metered: bool | None = None
    desktop_light: bool = False


@dataclass(frozen=True, slots=True)
class RowText:
    """`now`: what is true, and when a change counts. `notice`: what is not as it was chosen."""

    title: str
    now: str
    notice: str = ""

    @property
    def spoken(self) -> str:
        """For screen readers, with the control."""
        return " ".join(part for part in (self.now, self.notice) if part)


@dataclass(frozen=True, slots=True)
class State:
    """All that rows are made from. `fixed`: what the command line of this run says, by key."""

    loaded: Loaded = Loaded()  # noqa: RUF009 frozen
    facts: Facts = Facts()
    fixed: Mapping[str, Value] = field(default_factory=dict)

    @property
    def settings(self) -> PlayerSettings:
        return self.loaded.settings

    def value(self, key: str) -> Value:
        """The saved value of a setting, or its default."""
        found: Value = getattr(self.settings, SETTINGS[key].name)
        return found


def row_text(key: str, state: State) -> RowText:
    """What the row of this setting says. Raises BadInputError for a key that does not exist."""
    known = setting(key)
    value = state.value(key)
    choice = WORDS[key].choices.get(value)
    now = _SPECIAL[key](state) if key in _SPECIAL else ""
    if isinstance(known.kind, Keys):
        now = f"{_keys(key, value)}."
    if not now and choice is not None:
        now = choice.now
    return RowText(WORDS[key].title, f"{now} {_WHEN[known.applies]}", _notice(key, state))


def _notice(key: str, state: State) -> str:
    """Why the saved value is not what counts; empty if it is."""
    if key in state.fixed:
        given = value_text(key, state.fixed[key], state)
        return f"The command line of this run says {given}, which goes first."
    if key in state.loaded.bad:
        return state.loaded.bad[key]
    clashing = clashes_of(state.settings).get(key)
    if clashing is not None:
        return clashing
    if key == "microphone.device" and _microphone_is_missing(state):
        return "This microphone is not there now, and no other one is opened."
    if key == "sound.device" and _is_missing(state):
        return "This device is not there now."
    if key == "video.screen" and _screen_is_missing(state):
        return "This screen is not there now."
    return ""


def value_text(key: str, value: Value, state: State) -> str:
    """A value as the control of its row shows it."""
    known, words = SETTINGS[key], WORDS[key]
    if value in words.choices and isinstance(known.kind, OneOf | YesNo):
        return words.choices[value].label
    match key:
        case "network.max_kbps":
            return "No limit" if value is None else rate_text(value)
        case "network.max_height":
            return "No limit" if value is None else f"{value} rows"
        case "sound.device" | "microphone.device":
            return "System default" if value is None else _name(str(value), state)
        case "video.screen":
            return "The desktop chooses" if value is None else screen_text(str(value), state)
        case "network.turn_file":
            return "None" if value is None else _path(str(value), state)
        case "video.sharpness" | "pads.dead_zone":
            return f"{round(float(value or 0) * 100)} %"
        case "appearance.text_size":
            return f"{value} %"
        case "mouse.sensitivity":
            return f"{float(value or 0):g} x"
        case _:
            return known.to_text(value)


def _keys(key: str, value: Value) -> str:
    """The keys of a shortcut, as a sentence names them."""
    named = chords.label(chords.parse(str(value)))
    fixed = key == "shortcuts.free_mouse"
    return (f"{named}, also shown over the game" if fixed else named) or "No keys"


def rate_text(kbps: object) -> str:
    """A limit in kbit/s as a person reads it."""
    number = float(str(kbps))
    return f"{number / 1000:g} Mbit/s" if number >= 1000 else f"{number:g} kbit/s"


def screen_text(name: str, state: State) -> str:
    """A screen with its size, where it is there."""
    found = next((each for each in state.facts.screens if each.name == name), None)
    shown = _name(name, state)
    return shown if found is None else f"{shown}, {found.width} x {found.height}"


def _name(text: str, state: State) -> str:
    """A device's or screen's name, unless they are hidden: then only which of them it is."""
    if not state.settings.streamer_mode:
        return text
    names = [*(each.name for each in state.facts.screens), *(state.facts.devices or ())]
    names += state.facts.microphones or ()
    return f"Number {names.index(text) + 1}" if text in names else HIDDEN


def _path(text: str, state: State) -> str:
    if state.settings.streamer_mode:
        return HIDDEN
    for separator in "/\\":  # where a line may break
        text = text.replace(separator, separator + _BREAK)
    return text


def path_text(path: object, state: State) -> str:
    """The path of the settings file, unless folders are hidden."""
    return _path(str(path), state)


# --- what only this computer knows ----------------------------------------------------------------


def _renderer(state: State) -> str:
    playing, verdict = state.facts.playing, state.facts.verdict
    if playing is not None and playing.drawn_by:
        return f"Now: {playing.drawn_by}."
    if state.settings.renderer != "auto":
        return ""
    if verdict is None:
        return "The processor draws; the next game tests the graphics card."
    if verdict.refused is not None:
        return "The processor draws: the graphics card did not pass its test."
    return f"The graphics card draws ({verdict.backend}): it passed its test."


def _decoder(state: State) -> str:
    playing = state.facts.playing
    if playing is None or not playing.decoder:
        return ""
    by = "the processor" if playing.decoder == "software" else f"hardware ({playing.decoder})"
    return f"Now: {by}."


def _scaling(state: State) -> str:
    playing = state.facts.playing
    if playing is None or playing.picture is None or playing.view is None:
        return ""
    sent, view = (f"{size[0]} x {size[1]}" for size in (playing.picture, playing.view))
    return f"The game sends {sent}; your window shows {view}."


def _sharpness(state: State) -> str:
    if state.settings.scaling != "sharp":
        return "Has no effect with this scaling."
    share = state.settings.sharpness
    return "Nothing is sharpened." if share == 0 else f"{round(share * 100)} %, on a graphics card."


def _screen(state: State) -> str:
    screen = state.settings.screen
    if screen is not None and not _screen_is_missing(state):
        if state.settings.streamer_mode:
            return "Games open on the screen that you chose."
        return f"Games open on {value_text('video.screen', screen, state)}."
    count = len(state.facts.screens)
    return "The desktop chooses where games open." + (f" {count} screens." if count > 1 else "")


def _screen_is_missing(state: State) -> bool:
    screen, known = state.settings.screen, {each.name for each in state.facts.screens}
    return screen is not None and bool(known) and screen not in known


def _max_kbps(state: State) -> str:
    limit = state.settings.max_kbps
    kbps = min(limit or MOST_KBPS, MOST_KBPS)
    per_hour = f"{kbps * 3600 / 8 / 1e6:.1f} GB an hour"
    now = f"At most {per_hour}."
    if kbps == MOST_KBPS:
        now = f"As much as Rejoin asks for: {rate_text(kbps)}, or {per_hour}."
    if state.facts.metered:
        now += " This network counts your data (metered)."
    return now


def _max_height(state: State) -> str:
    height = state.settings.max_height
    if height is None:
        return "The game decides."
    return f"At most {height} rows, where the game's input module passes it on."


def _device(state: State) -> str:
    device = state.settings.sound_device
    if state.facts.devices == ():
        return "No sound device was found."
    if device is None or _is_missing(state):
        return "The system's default plays."
    if state.settings.streamer_mode:
        return "The device that you chose plays."
    return f"{device} plays."


def _is_missing(state: State) -> bool:
    device, known = state.settings.sound_device, state.facts.devices
    return device is not None and known is not None and device not in known


def _microphone(state: State) -> str:
    device = state.settings.microphone_device
    if state.facts.microphones == ():
        return "No microphone was found."
    if device is None or state.settings.streamer_mode:
        return "The system's default." if device is None else "The one that you chose."
    return f"{device}."


def _microphone_is_missing(state: State) -> bool:
    device, known = state.settings.microphone_device, state.facts.microphones
    return device is not None and known is not None and device not in known


def _dead_zone(state: State) -> str:
    return (
        f"The first {round(state.settings.pad_dead_zone * 100)} % of a stick's way are its middle."
    )


def _sensitivity(state: State) -> str:
    times = state.settings.mouse_sensitivity
    if times == 1:
        return "As on the desktop."
    return f"{times:g} times as far, where the game has the mouse for itself."


def _turn_file(state: State) -> str:
    file = state.settings.turn_file
    if file is None:
        return "No relay: games are reached directly."
    shown = "your file" if state.settings.streamer_mode else _path(file, state)
    return f"Servers from {shown}, where a game cannot be reached directly."


def _theme(state: State) -> str:
    if state.settings.high_contrast:
        return "High contrast goes first."
    if state.settings.theme != "system":
        return ""
    return f"Your desktop is {'light' if state.facts.desktop_light else 'dark'}."


def _text_size(state: State) -> str:
    return f"Texts are shown at {state.settings.text_size} %."


_SPECIAL: Final = {
    "video.renderer": _renderer,
    "video.decoder": _decoder,
    "video.scaling": _scaling,
    "video.sharpness": _sharpness,
    "video.screen": _screen,
    "network.max_kbps": _max_kbps,
    "network.max_height": _max_height,
    "sound.device": _device,
    "microphone.device": _microphone,
    "mouse.sensitivity": _sensitivity,
    "pads.dead_zone": _dead_zone,
    "network.turn_file": _turn_file,
    "appearance.theme": _theme,
    "appearance.text_size": _text_size,
}
"""Where the sentence of a value is not enough; an empty answer leaves it at that."""


# --- rows that are no settings --------------------------------------------------------------------


def volume_text(choice: SoundChoice, *, at_once: bool) -> str:
    """`at_once`: a game that hears of it is played in this program."""
    now = "Muted." if choice.muted else f"{choice.volume} %."
    return f"{now} {_WHEN[Applies.AT_ONCE if at_once else Applies.NEXT_GAME]}"


def data_text(total: DataTotal) -> str:
    """What games have used so far, and in an hour of play."""
    if total.since_unix_s is None:
        return "Nothing was counted yet."
    since = datetime.fromtimestamp(total.since_unix_s, UTC).astimezone()
    so_far = f"{_size(total.received_bytes)} since {since:%Y-%m-%d}"
    per_hour = total.bytes_per_hour
    rate = "" if per_hour is None else f", {_size(per_hour)} an hour of play"
    return f"{so_far}{rate}. Picture and sound; headers of packets add some per cent."


def _size(count: float) -> str:
    if count >= _GIGA:
        return f"{count / _GIGA:.1f} GB"
    return f"{count / _MEGA:.0f} MB" if count >= _MEGA else f"{count / 1000:.0f} kB"


def offered(key: str, state: State) -> list[tuple[Value, str]]:
    """What a row's choice offers: values and how they are shown, with the one that is set."""
    known, words, now = SETTINGS[key], WORDS[key], state.value(key)
    values: list[Value] = list(words.steps)
    match key:
        case "sound.device":
            values = [None, *(state.facts.devices or ())]
        case "microphone.device":
            values = [None, *(state.facts.microphones or ())]
        case "video.screen":
            values = [None, *(screen.name for screen in state.facts.screens)]
        case _:
            if isinstance(known.kind, OneOf):
                values = list(known.kind.words)
    if now not in values:
        values.append(now)
        if words.steps:
            values.sort(
                key=lambda each: (each is not None, each if isinstance(each, int | float) else 0)
            )
    return [(value, value_text(key, value, state)) for value in values]
