"""The sections of the settings screen, their rows, and the words of each. Pure.

A row's words say what is so with each of its values; `rows` adds what only this computer knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from rejoin.runtime.setting_kinds import Value


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a row: `label` as the control shows it, `now` what is so with it."""

    label: str
    now: str


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one row. `choices`: by value; `rows` has the sentence where a value has none.

    `steps`: what is offered of a number; a value that is none of them is shown as well.
    """

    title: str
    choices: Mapping[Value, Choice] = field(default_factory=dict)
    steps: tuple[int | float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """`keys`: those of settings, in order. What else a section shows, the page adds: `extra`."""

    name: str
    title: str
    keys: tuple[str, ...]
    extra: tuple[str, ...] = ()


VOLUME: Final = "volume"
DATA_USED: Final = "data_used"
FILE: Final = "file"
"""Rows that are no settings."""

SECTIONS: Final = (
    Section(
        "video",
        "Video",
        (
            "video.renderer",
            "video.decoder",
            "video.scaling",
            "video.sharpness",
            "video.aspect",
            "video.vsync",
            "video.frame_pacing",
            "video.full_screen",
            "video.screen",
            "video.allow_444",
        ),
    ),
    Section("data", "Data and size", ("network.max_kbps", "network.max_height"), (DATA_USED,)),
    Section("sound", "Sound", ("sound.device", "sound.mute_in_background"), (VOLUME,)),
    Section(
        "controls",
        "Controls",
        (
            "input.module",
            "mouse.capture",
            "mouse.sensitivity",
            "mouse.swap_buttons",
            "mouse.scroll",
            "touch.mode",
            "keyboard.system_keys",
            "pads.enabled",
            "pads.background",
            "pads.dead_zone",
            "pads.swap_ab",
            "pads.swap_xy",
            "pads.swap_ab_cards",
            "pads.rumble",
            "pads.mouse",
        ),
    ),
    Section(
        "shortcuts",
        "Shortcuts",
        (
            "shortcuts.menu",
            "shortcuts.full_screen",
            "shortcuts.statistics",
            "shortcuts.sound",
            "shortcuts.louder",
            "shortcuts.quieter",
            "shortcuts.save_picture",
            "shortcuts.reconnect",
            "shortcuts.free_mouse",
        ),
    ),
    Section(
        "connection",
        "Connection",
        ("network.scope", "network.turn_file", "network.dtls_client"),
    ),
    Section(
        "appearance",
        "Appearance",
        (
            "appearance.theme",
            "appearance.high_contrast",
            "appearance.text_size",
            "appearance.reduced_motion",
        ),
    ),
    Section(
        "notifications",
        "Notifications",
        ("notifications.background", "notifications.sound"),
    ),
    Section("privacy", "Privacy", ("privacy.streamer_mode", "privacy.send_reports")),
    Section("file", "Settings file", (), (FILE,)),
)


def _on_off(title: str, on: str, off: str) -> Words:
    return Words(title, {True: Choice("On", f"On: {on}"), False: Choice("Off", f"Off: {off}")})


WORDS: Final[Mapping[str, Words]] = {
    "video.renderer": Words(
        "Drawn by",
        {
            "auto": Choice("Automatic", ""),
            "card": Choice("Graphics card", "The graphics card draws, whatever its test found."),
            "software": Choice("Processor", "The processor draws."),
        },
    ),
    "video.decoder": Words(
        "Decoded by",
        {
            "auto": Choice("Automatic", "Graphics hardware is tried first, then the processor."),
            "software": Choice("Processor", "The processor decodes."),
        },
    ),
    "video.scaling": Words(
        "Scaling",
        {
            "smooth": Choice("Smooth", "Soft edges."),
            "sharp": Choice("Sharp", "Clear edges; the row below sharpens them further."),
            "pixel": Choice("Whole pixels", "Every pixel of the game is a square."),
        },
    ),
    "video.sharpness": Words("Sharpness"),
    "video.aspect": Words(
        "Shape of the picture",
        {
            "sent": Choice("As the game sends it", "The picture keeps its shape."),
            "fill": Choice("Fill the window", "The picture is stretched to the window."),
            "4:3": Choice("4:3", "The picture is stretched to 4:3."),
            "16:9": Choice("16:9", "The picture is stretched to 16:9."),
            "16:10": Choice("16:10", "The picture is stretched to 16:10."),
            "21:9": Choice("21:9", "The picture is stretched to 21:9."),
        },
    ),
    "video.vsync": _on_off(
        "Wait for the screen (vsync)",
        "no tearing, up to one refresh of the screen later, where the graphics card draws.",
        "each picture is shown as soon as it is there.",
    ),
    "video.frame_pacing": _on_off(
        "Even motion",
        "pictures are shown at even distances, each up to one picture later.",
        "each picture is shown as soon as it is there.",
    ),
    "video.full_screen": _on_off(
        "Start in full screen", "games open in full screen.", "games open in a window."
    ),
    "video.screen": Words("Screen"),
    "video.allow_444": _on_off(
        "Full colour (4:4:4)",
        "offered to the studio; the processor decodes it.",
        "colour in half the resolution (4:2:0).",
    ),
    "network.max_kbps": Words(
        "Most data",
        steps=(None, 2000, 3000, 5000, 8000, 10_000, 12_000, 15_000),
    ),
    "network.max_height": Words("Largest picture", steps=(None, 480, 720, 1080, 1440, 2160)),
    "sound.device": Words("Sound device"),
    "sound.mute_in_background": _on_off(
        "Mute in the background",
        "no sound while another window is the active one.",
        "the game is heard while another window is the active one.",
    ),
    "input.module": Words(
        "Keyboard, mouse and gamepads",
        {
            "service": Choice("Play", "The game's own input module runs, in a sandbox."),
            "off": Choice("Watch only", "Nothing you do reaches the game."),
        },
    ),
    "mouse.capture": Words(
        "Mouse",
        {
            "game": Choice(
                "The game may have it", "A game that asks after a click has the mouse for itself."
            ),
            "never": Choice("Always yours", "The game sees where the pointer is."),
        },
    ),
    "mouse.sensitivity": Words(
        "Speed of the mouse", steps=(0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
    ),
    "mouse.swap_buttons": _on_off(
        "Swap mouse buttons", "left is right in the game.", "as the mouse has them."
    ),
    "mouse.scroll": Words(
        "Wheel",
        {
            "system": Choice("As on the desktop", "It turns as on the desktop."),
            "reversed": Choice("Reversed", "It turns the other way in the game."),
        },
    ),
    "touch.mode": Words(
        "Touch",
        {
            "pointer": Choice("As the pointer", "A finger is the pointer, with its button held."),
            "trackpad": Choice("As a trackpad", "A finger moves the pointer; a tap is a click."),
        },
    ),
    "keyboard.system_keys": Words(
        "Keys of the desktop",
        {
            "off": Choice("For the desktop", "Alt+Tab and Super are the desktop's."),
            "full_screen": Choice(
                "In full screen for the game", "The game has them in full screen, on Linux."
            ),
            "always": Choice("For the game", "The game has them in its window, on Linux."),
        },
    ),
    "shortcuts.menu": Words("Menu"),
    "shortcuts.full_screen": Words("Full screen"),
    "shortcuts.statistics": Words("Stream statistics"),
    "shortcuts.sound": Words("Sound on or off"),
    "shortcuts.louder": Words("Louder"),
    "shortcuts.quieter": Words("Quieter"),
    "shortcuts.save_picture": Words("Save a picture of the game"),
    "shortcuts.reconnect": Words("Reconnect"),
    "shortcuts.free_mouse": Words("Free mouse and keyboard"),
    "pads.enabled": _on_off("Gamepads", "up to four play.", "gamepads are not read."),
    "pads.background": _on_off(
        "Gamepads in the background",
        "they reach the game while another window is the active one.",
        "they are at rest while another window is the active one.",
    ),
    "pads.dead_zone": Words("Dead zone of sticks"),
    "pads.swap_ab": _on_off("Swap A and B in the game", "swapped.", "as the pad has them."),
    "pads.swap_xy": _on_off("Swap X and Y in the game", "swapped.", "as the pad has them."),
    "pads.swap_ab_cards": _on_off(
        "Swap A and B on cards",
        "in Rejoin's own windows B presses and A goes back.",
        "in Rejoin's own windows A presses and B goes back.",
    ),
    "pads.mouse": _on_off(
        "Gamepad as a mouse",
        "hold Menu to move the pointer with a stick, and again to play.",
        "a gamepad is only a gamepad.",
    ),
    "pads.rumble": _on_off(
        "Vibration", "where the game's input module asks for it.", "pads do not vibrate."
    ),
    "network.scope": Words(
        "Where game servers may be",
        {
            "internet": Choice("Internet", "Public addresses only."),
            "lan": Choice("Also this network", "Private addresses too; a link stays outside."),
            "loopback": Choice("This computer", "Nothing but this computer, as for the emulator."),
        },
    ),
    "network.turn_file": Words("Relay (TURN servers)"),
    "network.dtls_client": _on_off(
        "Start the encryption first",
        "this computer is the DTLS client, which saves a round trip. Some hosts refuse it.",
        "the game server chooses the DTLS role.",
    ),
    "appearance.theme": Words(
        "Theme",
        {
            "dark": Choice("Dark", "Dark."),
            "light": Choice("Light", "Light."),
            "system": Choice("As the desktop", ""),
        },
    ),
    "appearance.high_contrast": _on_off(
        "High contrast", "white on black, in place of the theme.", "the theme's own colours."
    ),
    "appearance.text_size": Words("Text size", steps=(100, 110, 125, 150, 175, 200)),
    "appearance.reduced_motion": _on_off(
        "Reduced motion", "nothing moves by itself.", "short animations, as of the card's ring."
    ),
    "notifications.background": _on_off(
        "Notify in the background",
        "while another window is the active one, you hear of a lost connection.",
        "a game in the background hints by its title alone.",
    ),
    "notifications.sound": _on_off(
        "Sound at 15 seconds",
        "two short notes when 15 seconds are left to get back.",
        "the time to get back runs out silently.",
    ),
    "privacy.streamer_mode": _on_off(
        "Streamer mode",
        "folders and device names are hidden here, and addresses in the terminal.",
        "everything is shown.",
    ),
    "privacy.send_reports": _on_off(
        "Reconnect reports",
        "the studio hears how each reconnect went; no address and no text.",
        "nothing is sent.",
    ),
}

HEADING: Final = "Settings"
SECTION_CHOICE: Final = "Section"
BACK: Final = "Back"
SAVED_AT_ONCE: Final = "Changes are saved at once."
RESET_SECTION: Final = "Reset this page"
CHOOSE_FILE: Final = "Choose..."
NO_FILE: Final = "None"
CHOOSE_KEYS: Final = "Choose keys..."
PRESS_KEYS: Final = "Press the keys..."
NO_KEYS: Final = "None"
OPEN_FOLDER: Final = "Open the folder"
EXPORT: Final = "Export..."
IMPORT: Final = "Import..."
RESET_ALL: Final = "Reset everything"
RESET_ALL_QUESTION: Final = "Press again to reset"
START_AGAIN: Final = "Count anew"
VOLUME_TITLE: Final = "Volume"
DATA_TITLE: Final = "Data used"
FILE_TITLE: Final = "Where your settings are"
MOVE_TITLE: Final = "Take them along"
MOVE_NOW: Final = "Export writes them to a new file; Import makes those of a file yours."
RESET_TITLE: Final = "Begin anew"
RESET_NOW: Final = "Every setting goes back to its default."
