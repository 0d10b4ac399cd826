"""The player's settings as one value: every key, its allowed values, and its meaning.

A setting is the default of an option of the command line, which wins. All are read when a game
starts; those that apply at once are followed while one runs (`gui/settings/watch`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from rejoin.errors import BadInputError
from rejoin.language import Message
from rejoin.runtime.setting_kinds import (
    SHOWN,
    Applies,
    Keys,
    Kind,
    Limit,
    Number,
    OneOf,
    Setting,
    Share,
    Text,
    Whole,
    YesNo,
)
from rejoin.runtime.settings_versions import new_name_of

_Default = TypeVar("_Default")

_AT_ONCE, _NEXT_CONNECTION, _NEXT_GAME = Applies


def _setting(key: str, kind: Kind, default: _Default, applies: Applies, meaning: str) -> _Default:
    metadata = {"key": key, "kind": kind, "applies": applies, "meaning": meaning}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerSettings:
    """All settings of one player."""

    renderer: str = _setting(
        "video.renderer",
        OneOf(("auto", "card", "software")),
        "auto",
        _NEXT_GAME,
        "What draws the picture: the graphics card (auto: once a test of it has passed), or the "
        "processor (software).",
    )
    decoder: str = _setting(
        "video.decoder",
        OneOf(("auto", "software")),
        "auto",
        _NEXT_GAME,
        "Video decoder of `rejoin play`; auto tries the graphics hardware first. `rejoin back` "
        "decodes in software whatever this says.",
    )
    scaling: str = _setting(
        "video.scaling",
        OneOf(("smooth", "sharp", "pixel")),
        "smooth",
        _AT_ONCE,
        "How the picture is scaled to the window; pixel scales to whole multiples.",
    )
    sharpness: float = _setting(
        "video.sharpness",
        Share(),
        0.0,
        _AT_ONCE,
        "How much the scaling sharp sharpens as well, where the graphics card draws.",
    )
    aspect: str = _setting(
        "video.aspect",
        OneOf(("sent", "fill", "4:3", "16:9", "16:10", "21:9")),
        "sent",
        _AT_ONCE,
        "The shape of the picture: as the game sends it (sent), as the window (fill), or another "
        "one, for a game that sends it squeezed.",
    )
    vsync: bool = _setting(
        "video.vsync",
        YesNo(),
        False,
        _NEXT_GAME,
        "Wait for the screen before a picture is shown, where the graphics card draws.",
    )
    frame_pacing: bool = _setting(
        "video.frame_pacing",
        YesNo(),
        False,
        _NEXT_GAME,
        "Show frames at even intervals; each may be up to one frame later.",
    )
    full_screen: bool = _setting(
        "video.full_screen",
        YesNo(),
        False,
        _NEXT_GAME,
        "Start games in full screen.",
    )
    screen: str | None = _setting(
        "video.screen",
        Text(200),
        None,
        _NEXT_GAME,
        "The screen on which games open, by its name in the system; none: the desktop decides.",
    )
    allow_444: bool = _setting(
        "video.allow_444",
        YesNo(),
        False,
        _NEXT_GAME,
        "Offer the studio video with colour in full resolution, which is decoded in software.",
    )
    sound_device: str | None = _setting(
        "sound.device",
        Text(200),
        None,
        _NEXT_GAME,
        "The sound device that plays, by its name; none, or while it is not there: the system's "
        "default.",
    )
    mute_in_background: bool = _setting(
        "sound.mute_in_background",
        YesNo(),
        False,
        _AT_ONCE,
        "No sound while the game's window is not the active one.",
    )
    microphone: str = _setting(
        "microphone.mode",
        OneOf(("off", "open", "push_to_talk")),
        "off",
        _NEXT_GAME,
        "Your microphone, in games whose studio takes it: off, open, or open while the keys of "
        "shortcuts.talk are held (push_to_talk).",
    )
    microphone_device: str | None = _setting(
        "microphone.device",
        Text(200),
        None,
        _NEXT_GAME,
        "The microphone, by its name; none: the system's default. No other one is opened in its "
        "place.",
    )
    microphone_in_background: bool = _setting(
        "microphone.background",
        YesNo(),
        False,
        _AT_ONCE,
        "The microphone stays open while the game's window is not the active one.",
    )
    microphone_in_menu: bool = _setting(
        "microphone.menu",
        YesNo(),
        False,
        _AT_ONCE,
        "The microphone stays open in the game's menu.",
    )
    input_module: str = _setting(
        "input.module",
        OneOf(("service", "off")),
        "service",
        _NEXT_GAME,
        "Run the input module that the service names, in a sandbox; or off: watch only.",
    )
    gamepads: bool = _setting(
        "pads.enabled",
        YesNo(),
        True,
        _AT_ONCE,
        "Play with gamepads.",
    )
    pad_background: bool = _setting(
        "pads.background",
        YesNo(),
        False,
        _AT_ONCE,
        "Gamepads reach the game while its window is not active, too.",
    )
    pad_dead_zone: float = _setting(
        "pads.dead_zone",
        Share(),
        0.1,
        _AT_ONCE,
        "How much of a gamepad stick's way counts as its middle.",
    )
    pad_swap_ab: bool = _setting(
        "pads.swap_ab",
        YesNo(),
        False,
        _AT_ONCE,
        "Swap the bottom and the right button of gamepads (A and B) in the game.",
    )
    pad_swap_xy: bool = _setting(
        "pads.swap_xy",
        YesNo(),
        False,
        _AT_ONCE,
        "Swap the left and the top button of gamepads (X and Y) in the game.",
    )
    pad_swap_ab_cards: bool = _setting(
        "pads.swap_ab_cards",
        YesNo(),
        False,
        _AT_ONCE,
        "On Rejoin's own cards the right button of gamepads presses, and the bottom one goes back.",
    )
    pad_rumble: bool = _setting(
        "pads.rumble",
        YesNo(),
        True,
        _AT_ONCE,
        "The game may make gamepads vibrate; only where its input module asks for it.",
    )
    pad_mouse: bool = _setting(
        "pads.mouse",
        YesNo(),
        False,
        _AT_ONCE,
        "Menu, held on a gamepad for three quarters of a second, makes it a mouse, and a gamepad "
        "again.",
    )
    # Mouse, touch, keyboard and shortcuts stand together.
    mouse_capture: str = _setting(
        "mouse.capture",
        OneOf(("game", "never")),
        "game",
        _AT_ONCE,
        "The game gets the mouse for itself when it asks for it after a click (game), or never: "
        "then it sees where the pointer is.",
    )
    mouse_sensitivity: float = _setting(
        "mouse.sensitivity",
        Number(0.1, 10.0),
        1.0,
        _AT_ONCE,
        "By how much the way of a mouse that the game has for itself is multiplied.",
    )
    mouse_swap_buttons: bool = _setting(
        "mouse.swap_buttons",
        YesNo(),
        False,
        _AT_ONCE,
        "Swap the left and the right mouse button in the game.",
    )
    mouse_scroll: str = _setting(
        "mouse.scroll",
        OneOf(("system", "reversed")),
        "system",
        _AT_ONCE,
        "Which way the wheel scrolls in the game: as on the desktop, or reversed.",
    )
    touch_mode: str = _setting(
        "touch.mode",
        OneOf(("pointer", "trackpad")),
        "pointer",
        _AT_ONCE,
        "A finger on a touch screen is the pointer with its left button held, or moves the pointer "
        "as on a trackpad.",
    )
    system_keys: str = _setting(
        "keyboard.system_keys",
        OneOf(("off", "full_screen", "always")),
        "off",
        _AT_ONCE,
        "Keys of the desktop (Alt+Tab, Super) reach the game: never, in full screen, or always; on "
        "Linux alone.",
    )
    keys_menu: str = _setting(
        "shortcuts.menu",
        Keys(),
        "Ctrl+Alt+G",
        _AT_ONCE,
        "Keys for the menu over a game.",
    )
    keys_full_screen: str = _setting(
        "shortcuts.full_screen",
        Keys(),
        "F11, Alt+Enter",
        _AT_ONCE,
        "Keys for full screen.",
    )
    keys_statistics: str = _setting(
        "shortcuts.statistics",
        Keys(),
        "Ctrl+Alt+S",
        _AT_ONCE,
        "Keys for the stream's statistics.",
    )
    keys_sound: str = _setting(
        "shortcuts.sound",
        Keys(),
        "Ctrl+Alt+M",
        _AT_ONCE,
        "Keys for sound on and off.",
    )
    keys_louder: str = _setting(
        "shortcuts.louder",
        Keys(),
        "Ctrl+Alt+Up",
        _AT_ONCE,
        "Keys for louder.",
    )
    keys_quieter: str = _setting(
        "shortcuts.quieter",
        Keys(),
        "Ctrl+Alt+Down",
        _AT_ONCE,
        "Keys for quieter.",
    )
    keys_microphone: str = _setting(
        "shortcuts.microphone",
        Keys(),
        "Ctrl+Alt+V",
        _AT_ONCE,
        "Keys that mute and unmute the microphone.",
    )
    keys_talk: str = _setting(
        "shortcuts.talk",
        Keys(),
        "ScrollLock",
        _AT_ONCE,
        "Keys that are held to talk, where the microphone is push_to_talk.",
    )
    keys_picture: str = _setting(
        "shortcuts.save_picture",
        Keys(),
        "Ctrl+Alt+P",
        _AT_ONCE,
        "Keys that save a picture of the game.",
    )
    keys_reconnect: str = _setting(
        "shortcuts.reconnect",
        Keys(),
        "Ctrl+Alt+R",
        _AT_ONCE,
        "Keys for a new connection, where the window offers it.",
    )
    keys_free_mouse: str = _setting(
        "shortcuts.free_mouse",
        Keys(needed=True),
        "Ctrl+Alt",
        _AT_ONCE,
        "Keys that take mouse and keyboard back from the game.",
    )
    max_kbps: int | None = _setting(
        "network.max_kbps",
        Limit(100, 100_000),
        None,
        _NEXT_CONNECTION,
        "The most that the game may send, in kbit/s.",
    )
    max_height: int | None = _setting(
        "network.max_height",
        Limit(180, 4320),
        None,
        _NEXT_CONNECTION,
        "The largest picture that the game may send, by its height in pixels; only where the input "
        "module passes it on.",
    )
    dtls_client: bool = _setting(
        "network.dtls_client",
        YesNo(),
        False,
        _NEXT_CONNECTION,
        "Act as the DTLS client (saves one round trip). Some hosts refuse it.",
    )
    turn_file: str | None = _setting(
        "network.turn_file",
        Text(1000),
        None,
        _NEXT_GAME,
        "JSON file with TURN servers (iceServers of WebRTC), for games that are reached through a "
        "relay. One that cannot be used is said, and the game starts without.",
    )
    scope: str = _setting(
        "network.scope",
        OneOf(("internet", "lan", "loopback")),
        "internet",
        _NEXT_GAME,
        "Where the game servers of `rejoin play URL` may be: internet; lan: also private "
        "addresses; loopback: only this machine. A studio's link leads to the internet alone.",
    )
    theme: str = _setting(
        "appearance.theme",
        OneOf(("dark", "light", "system")),
        "dark",
        _AT_ONCE,
        "Colours of Rejoin's windows; system follows the desktop.",
    )
    high_contrast: bool = _setting(
        "appearance.high_contrast",
        YesNo(),
        False,
        _AT_ONCE,
        "White on black, in place of the theme.",
    )
    text_size: int = _setting(
        "appearance.text_size",
        Whole(100, 200),
        100,
        _AT_ONCE,
        "Size of Rejoin's texts, in per cent.",
    )
    motion: str = _setting(
        "appearance.motion",
        OneOf(("system", "full", "reduced")),
        "system",
        _AT_ONCE,
        "Short animations of Rejoin's windows: system follows the desktop's wish; reduced: none.",
    )
    language: str = _setting(
        "appearance.language",
        OneOf(("system", "en", "de", "ja", "pseudo", "pseudo-rtl")),
        "system",
        _AT_ONCE,
        "Language of Rejoin's windows; system: that of the desktop, or else English. The command "
        "line is English. pseudo and pseudo-rtl are for tests of translations.",
    )
    notify_in_background: bool = _setting(
        "notifications.background",
        YesNo(),
        True,
        _AT_ONCE,
        "While another window is the active one: notify when the connection is lost, when the last "
        "30 seconds begin, and of what became of it; the taskbar marks the game's window.",
    )
    sound_at_the_end: bool = _setting(
        "notifications.sound",
        YesNo(),
        False,
        _AT_ONCE,
        "Play a short sound when 15 seconds are left to get back into a game.",
    )
    streamer_mode: bool = _setting(
        "privacy.streamer_mode",
        YesNo(),
        False,
        _AT_ONCE,
        "For who shows their screen: no hosts of studios, addresses, folders, device names or "
        "picture of the last game, and the terminal does not say where a game plays. A question "
        "that you have to answer still names the address, and a report what is shared.",
    )
    send_reports: bool = _setting(
        "privacy.send_reports",
        YesNo(),
        False,
        _NEXT_GAME,
        "Whether reports about reconnects may be sent to the studio's backend.",
    )
    check_updates: bool = _setting(
        "privacy.check_updates",
        YesNo(),
        True,
        _AT_ONCE,
        "Ask once a day whether there is a newer Rejoin, if this build names an address for it. "
        "Nothing is downloaded; not asked in streamer mode.",
    )


def _settings() -> dict[str, Setting]:
    defaults = PlayerSettings()
    found = (
        Setting(each.name, default=getattr(defaults, each.name), **each.metadata)
        for each in dataclasses.fields(PlayerSettings)
    )
    return {setting.key: setting for setting in found}


SETTINGS: Final[Mapping[str, Setting]] = _settings()
"""Every setting by its key, in the order in which they are listed."""


def setting(key: str) -> Setting:
    """Raises BadInputError for a key that does not exist."""
    try:
        return SETTINGS[key]
    except KeyError:
        renamed = new_name_of(key)
        if renamed is not None:
            raise BadInputError(
                Message("The setting {key} is now called {renamed}.", key=key, renamed=renamed)
            ) from None
        raise BadInputError(
            Message(
                "There is no setting {key}. `rejoin settings list` shows them all.", key=key[:SHOWN]
            )
        ) from None
