"""What each row of the settings says: what is so now, when a change counts, what is wrong. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from rejoin.gui.settings.sections import WORDS
from rejoin.gui.shortcuts import keys_label
from rejoin.input_events import chords
from rejoin.language import mark, number, sentences, tr, tr_plural
from rejoin.media.audio.volume import SoundChoice
from rejoin.runtime.data_used import DataTotal
from rejoin.runtime.loaded_settings import Loaded, clashes_of
from rejoin.runtime.player_settings import SETTINGS, PlayerSettings, setting
from rejoin.runtime.renderer_memory import Verdict
from rejoin.runtime.setting_kinds import Applies, Keys, OneOf, Value, YesNo

HIDDEN: Final = mark("not shown")
_WHEN: Final = {
    Applies.AT_ONCE: mark("Applies at once."),
    Applies.NEXT_CONNECTION: mark("Applies from the next connection."),
    Applies.NEXT_GAME: mark("Applies from the next game."),
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
    system_reduces_motion: bool = False


@dataclass(frozen=True, slots=True)
class RowText:
    """`now`: what is true, and when a change counts. `notice`: what is not as it was chosen."""

    title: str
    now: str
    notice: str = ""

    @property
    def spoken(self) -> str:
        """For screen readers, with the control."""
        return sentences(self.now, self.notice)


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
        now = tr("{keys}.", keys=_keys(key, value))
    if not now and choice is not None:
        now = tr(choice.now)
    said = sentences(now, tr(_WHEN[known.applies]))
    return RowText(tr(WORDS[key].title), said, _notice(key, state))


def _notice(key: str, state: State) -> str:
    """Why the saved value is not what counts; empty if it is."""
    if key in state.fixed:
        given = value_text(key, state.fixed[key], state)
        return tr("The command line of this run says {value}, which takes precedence.", value=given)
    if key in state.loaded.bad:
        return tr(state.loaded.bad[key])
    is_keys = isinstance(SETTINGS[key].kind, Keys)
    clashing = clashes_of(state.settings).get(key) if is_keys else None
    if clashing is not None:
        return tr(clashing)
    if key == "microphone.device" and _microphone_is_missing(state):
        return tr("This microphone is not there now, and no other one is opened.")
    if key == "sound.device" and _is_missing(state):
        return tr("This device is not there now.")
    if key == "video.screen" and _screen_is_missing(state):
        return tr("This screen is not there now.")
    return ""


def value_text(key: str, value: Value, state: State) -> str:
    """A value as the control of its row shows it."""
    known, words = SETTINGS[key], WORDS[key]
    if value in words.choices and isinstance(known.kind, OneOf | YesNo):
        return tr(words.choices[value].label)
    match key:
        case "network.max_kbps":
            return tr("No limit") if value is None else rate_text(value)
        case "network.max_height":
            return tr("No limit") if value is None else tr("{count} rows", count=value)
        case "sound.device" | "microphone.device":
            return tr("System default") if value is None else _name(str(value), state)
        case "video.screen":
            return tr("The desktop chooses") if value is None else screen_text(str(value), state)
        case "network.turn_file":
            return tr("None") if value is None else _path(str(value), state)
        case "video.sharpness" | "pads.dead_zone":
            return tr("{percent} %", percent=round(float(value or 0) * 100))
        case "appearance.text_size":
            return tr("{percent} %", percent=value)
        case "mouse.sensitivity":
            return tr("{factor} x", factor=number(float(value or 0)))
        case _:
            return known.to_text(value)


def _keys(key: str, value: Value) -> str:
    """The keys of a shortcut, as a sentence names them."""
    named = keys_label(chords.parse(str(value)))
    fixed = key == "shortcuts.free_mouse"
    if fixed:
        return tr("{keys}, also shown over the game", keys=named)
    return named or tr("No keys")


def rate_text(kbps: object) -> str:
    """A limit in kbit/s as a person reads it."""
    rate = float(str(kbps))
    if rate >= 1000:
        return tr("{rate} Mbit/s", rate=number(rate / 1000))
    return tr("{rate} kbit/s", rate=number(rate))


def screen_text(name: str, state: State) -> str:
    """A screen with its size, where it is there."""
    found = next((each for each in state.facts.screens if each.name == name), None)
    shown = _name(name, state)
    if found is None:
        return shown
    return tr("{screen}, {width} x {height}", screen=shown, width=found.width, height=found.height)


def _name(text: str, state: State) -> str:
    """A device's or screen's name, unless they are hidden: then only which of them it is."""
    if not state.settings.streamer_mode:
        return text
    names = [*(each.name for each in state.facts.screens), *(state.facts.devices or ())]
    names += state.facts.microphones or ()
    if text not in names:
        return tr(HIDDEN)
    return tr("Number {number}", number=names.index(text) + 1)


def _path(text: str, state: State) -> str:
    if state.settings.streamer_mode:
        return tr(HIDDEN)
    for separator in "/\\":  # where a line may break
        text = text.replace(separator, separator + _BREAK)
    return text


def path_text(path: object, state: State) -> str:
    """The path of the settings file, unless folders are hidden."""
    return _path(str(path), state)


def log_text(folder: object | None, state: State) -> str:
    """What the log is, and where. `folder`: None: there is no home folder."""
    what = tr("What Rejoin noted while you played, without secrets. It stays on this computer.")
    if folder is None:
        return tr("Nothing is kept: there is no home folder.")
    if state.settings.streamer_mode:
        return what
    return sentences(what, tr("Folder: {folder}", folder=_path(str(folder), state)))


# --- what only this computer knows ----------------------------------------------------------------


def _renderer(state: State) -> str:
    playing, verdict = state.facts.playing, state.facts.verdict
    if playing is not None and playing.drawn_by:
        return tr("Now: {what}.", what=tr(playing.drawn_by))
    if state.settings.renderer != "auto":
        return ""
    if verdict is None:
        return tr("The processor draws; the next game tests the graphics card.")
    if verdict.refused is not None:
        return tr("The processor draws: the graphics card did not pass its test.")
    return tr("The graphics card draws ({by}): it passed its test.", by=verdict.backend)


def _decoder(state: State) -> str:
    playing = state.facts.playing
    if playing is None or not playing.decoder:
        return ""
    if playing.decoder == "software":
        return tr("Now: the processor.")
    return tr("Now: hardware ({decoder}).", decoder=playing.decoder)


def _scaling(state: State) -> str:
    playing = state.facts.playing
    if playing is None or playing.picture is None or playing.view is None:
        return ""
    sent, view = (f"{size[0]} x {size[1]}" for size in (playing.picture, playing.view))
    return tr("The game sends {sent}; your window shows {view}.", sent=sent, view=view)


def _sharpness(state: State) -> str:
    if state.settings.scaling != "sharp":
        return tr("Has no effect with this scaling.")
    share = state.settings.sharpness
    if share == 0:
        return tr("Nothing is sharpened.")
    return tr("{percent} %, on a graphics card.", percent=round(share * 100))


def _screen(state: State) -> str:
    screen = state.settings.screen
    if screen is not None and not _screen_is_missing(state):
        if state.settings.streamer_mode:
            return tr("Games open on the screen that you chose.")
        return tr("Games open on {screen}.", screen=value_text("video.screen", screen, state))
    count = len(state.facts.screens)
    screens = tr_plural("{count} screen.", "{count} screens.", count) if count > 1 else ""
    return sentences(tr("The desktop chooses where games open."), screens)


def _screen_is_missing(state: State) -> bool:
    screen, known = state.settings.screen, {each.name for each in state.facts.screens}
    return screen is not None and bool(known) and screen not in known


def _max_kbps(state: State) -> str:
    limit = state.settings.max_kbps
    kbps = min(limit or MOST_KBPS, MOST_KBPS)
    size = number(kbps * 3600 / 8 / 1e6, 1)
    now = tr("At most {size} GB an hour.", size=size)
    if kbps == MOST_KBPS:
        rate = rate_text(kbps)
        now = tr("As much as Rejoin asks for: {rate}, or {size} GB an hour.", rate=rate, size=size)
    if state.facts.metered:
        now = sentences(now, tr("This network counts your data (metered)."))
    return now


def _max_height(state: State) -> str:
    height = state.settings.max_height
    if height is None:
        return tr("The game decides.")
    return tr("At most {rows} rows, where the game's input module passes it on.", rows=height)


def _device(state: State) -> str:
    device = state.settings.sound_device
    if state.facts.devices == ():
        return tr("No sound device was found.")
    if device is None or _is_missing(state):
        return tr("The system's default plays.")
    if state.settings.streamer_mode:
        return tr("The device that you chose plays.")
    return tr("{device} plays.", device=device)


def _is_missing(state: State) -> bool:
    device, known = state.settings.sound_device, state.facts.devices
    return device is not None and known is not None and device not in known


def _microphone(state: State) -> str:
    device = state.settings.microphone_device
    if state.facts.microphones == ():
        return tr("No microphone was found.")
    if device is None:
        return tr("The system's default.")
    if state.settings.streamer_mode:
        return tr("The one that you chose.")
    return tr("{device} is opened.", device=device)


def _microphone_is_missing(state: State) -> bool:
    device, known = state.settings.microphone_device, state.facts.microphones
    return device is not None and known is not None and device not in known


def _dead_zone(state: State) -> str:
    percent = round(state.settings.pad_dead_zone * 100)
    return tr("The first {percent} % of a stick's way are its middle.", percent=percent)


def _sensitivity(state: State) -> str:
    times = state.settings.mouse_sensitivity
    if times == 1:
        return tr("As on the desktop.")
    factor = number(times)
    return tr("{factor} times as far, where the game has the mouse for itself.", factor=factor)


def _turn_file(state: State) -> str:
    file = state.settings.turn_file
    if file is None:
        return tr("No relay: games are reached directly.")
    if state.settings.streamer_mode:
        return tr("Servers from your file, where a game cannot be reached directly.")
    shown = _path(file, state)
    return tr("Servers from {file}, where a game cannot be reached directly.", file=shown)


def _theme(state: State) -> str:
    if state.settings.high_contrast:
        return tr("High contrast takes precedence.")
    if state.settings.theme != "system":
        return ""
    return (
        tr("Your desktop is light.") if state.facts.desktop_light else tr("Your desktop is dark.")
    )


def _motion(state: State) -> str:
    if state.settings.motion != "system":
        return ""
    if state.facts.system_reduces_motion:
        return tr("Your system asks for less motion: nothing moves by itself.")
    return tr("Your system says nothing against short animations.")


def _text_size(state: State) -> str:
    return tr("Texts are shown at {percent} %.", percent=state.settings.text_size)


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
    "appearance.motion": _motion,
    "appearance.text_size": _text_size,
}
"""Where the sentence of a value is not enough; an empty answer leaves it at that."""


# --- rows that are no settings --------------------------------------------------------------------


def volume_text(choice: SoundChoice, *, at_once: bool) -> str:
    """`at_once`: a game that hears of it is played in this program."""
    now = tr("Muted.") if choice.muted else tr("{percent} %.", percent=choice.volume)
    return sentences(now, tr(_WHEN[Applies.AT_ONCE if at_once else Applies.NEXT_GAME]))


def data_text(total: DataTotal) -> str:
    """What games have used so far, and in an hour of play."""
    if total.since_unix_s is None:
        return tr("Nothing was counted yet.")
    since = datetime.fromtimestamp(total.since_unix_s, UTC).astimezone()
    size, date = _size(total.received_bytes), f"{since:%Y-%m-%d}"
    per_hour = total.bytes_per_hour
    if per_hour is None:
        so_far = tr("{size} since {date}.", size=size, date=date)
    else:
        rate = _size(per_hour)
        so_far = tr("{size} since {date}, {rate} an hour of play.", size=size, date=date, rate=rate)
    return sentences(so_far, tr("Picture and sound; headers of packets add some per cent."))


def _size(count: float) -> str:
    if count >= _GIGA:
        return tr("{size} GB", size=number(count / _GIGA, 1))
    if count >= _MEGA:
        return tr("{size} MB", size=number(count / _MEGA, 0))
    return tr("{size} kB", size=number(count / 1000, 0))


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
                values = [each for each in known.kind.words if each not in words.rare]
    if now not in values:
        values.append(now)
        if words.steps:
            values.sort(
                key=lambda each: (each is not None, each if isinstance(each, int | float) else 0)
            )
    return [(value, value_text(key, value, state)) for value in values]
