"""The sections of the settings screen, their rows, and the words of each. Pure.

A row's words say what is so with each of its values; `rows` adds what only this computer knows, and
translates them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from rejoin.language import Message, mark
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
    `rare`: values that are only offered while they are set.
    """

    title: str
    choices: Mapping[Value, Choice] = field(default_factory=dict)
    steps: tuple[int | float | None, ...] = ()
    rare: frozenset[Value] = frozenset()


@dataclass(frozen=True, slots=True)
class Section:
    """`keys`: those of settings, in order. What else a section shows, the page adds: `extra`."""

    name: str
    title: str
    keys: tuple[str, ...]
    extra: tuple[str, ...] = ()


VOLUME: Final = "volume"
MICROPHONE_TEST: Final = "microphone_test"
DATA_USED: Final = "data_used"
FILE: Final = "file"
LOG: Final = "log"
"""Rows that are no settings."""

SECTIONS: Final = (
    Section(
        "video",
        mark("Video"),
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
    Section(
        "data", mark("Data and size"), ("network.max_kbps", "network.max_height"), (DATA_USED,)
    ),
    Section("sound", mark("Sound"), ("sound.device", "sound.mute_in_background"), (VOLUME,)),
    Section(
        "microphone",
        mark("Microphone"),
        ("microphone.mode", "microphone.device", "microphone.background", "microphone.menu"),
        (MICROPHONE_TEST,),
    ),
    Section(
        "controls",
        mark("Controls"),
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
        mark("Shortcuts"),
        (
            "shortcuts.menu",
            "shortcuts.full_screen",
            "shortcuts.statistics",
            "shortcuts.sound",
            "shortcuts.louder",
            "shortcuts.quieter",
            "shortcuts.microphone",
            "shortcuts.talk",
            "shortcuts.save_picture",
            "shortcuts.reconnect",
            "shortcuts.free_mouse",
        ),
    ),
    Section(
        "connection",
        mark("Connection"),
        ("network.scope", "network.turn_file", "network.dtls_client"),
    ),
    Section(
        "appearance",
        mark("Appearance"),
        (
            "appearance.language",
            "appearance.theme",
            "appearance.high_contrast",
            "appearance.text_size",
            "appearance.motion",
        ),
    ),
    Section(
        "notifications",
        mark("Notifications"),
        ("notifications.background", "notifications.sound"),
    ),
    Section(
        "privacy",
        mark("Privacy"),
        ("privacy.streamer_mode", "privacy.send_reports", "privacy.check_updates"),
        (LOG,),
    ),
    Section("file", mark("Settings file"), (), (FILE,)),
)


def _on_off(title: str, on: str, off: str) -> Words:
    return Words(
        title,
        {
            True: Choice(mark("On"), Message("On: {what}", what=Message(on))),
            False: Choice(mark("Off"), Message("Off: {what}", what=Message(off))),
        },
    )


WORDS: Final[Mapping[str, Words]] = {
    "video.renderer": Words(
        mark("Drawn by"),
        {
            "auto": Choice(mark("Automatic"), ""),
            "card": Choice(
                mark("Graphics card"), mark("The graphics card draws, whatever its test found.")
            ),
            "software": Choice(mark("Processor"), mark("The processor draws.")),
        },
    ),
    "video.decoder": Words(
        mark("Decoded by"),
        {
            "auto": Choice(
                mark("Automatic"), mark("Graphics hardware is tried first, then the processor.")
            ),
            "software": Choice(mark("Processor"), mark("The processor decodes.")),
        },
    ),
    "video.scaling": Words(
        mark("Scaling"),
        {
            "smooth": Choice(mark("Smooth"), mark("Soft edges.")),
            "sharp": Choice(
                mark("Sharp"), mark("Clear edges; the row below sharpens them further.")
            ),
            "pixel": Choice(mark("Whole pixels"), mark("Every pixel of the game is a square.")),
        },
    ),
    "video.sharpness": Words(mark("Sharpness")),
    "video.aspect": Words(
        mark("Shape of the picture"),
        {
            "sent": Choice(mark("As the game sends it"), mark("The picture keeps its shape.")),
            "fill": Choice(
                mark("Fill the window"), mark("The picture is stretched to the window.")
            ),
            "4:3": Choice(mark("4:3"), mark("The picture is stretched to 4:3.")),
            "16:9": Choice(mark("16:9"), mark("The picture is stretched to 16:9.")),
            "16:10": Choice(mark("16:10"), mark("The picture is stretched to 16:10.")),
            "21:9": Choice(mark("21:9"), mark("The picture is stretched to 21:9.")),
        },
    ),
    "video.vsync": _on_off(
        mark("Wait for the screen (vsync)"),
        mark("no tearing, up to one refresh of the screen later, where the graphics card draws."),
        mark("each picture is shown as soon as it is there."),
    ),
    "video.frame_pacing": _on_off(
        mark("Even motion"),
        mark("pictures are shown at even distances, each up to one picture later."),
        mark("each picture is shown as soon as it is there."),
    ),
    "video.full_screen": _on_off(
        mark("Start in full screen"),
        mark("games open in full screen."),
        mark("games open in a window."),
    ),
    "video.screen": Words(mark("Screen")),
    "video.allow_444": _on_off(
        mark("Full colour (4:4:4)"),
        mark("offered to the studio; the processor decodes it."),
        mark("colour in half the resolution (4:2:0)."),
    ),
    "network.max_kbps": Words(
        mark("Most data"),
        steps=(None, 2000, 3000, 5000, 8000, 10_000, 12_000, 15_000),
    ),
    "network.max_height": Words(mark("Largest picture"), steps=(None, 480, 720, 1080, 1440, 2160)),
    "sound.device": Words(mark("Sound device")),
    "sound.mute_in_background": _on_off(
        mark("Mute in the background"),
        mark("no sound while another window is the active one."),
        mark("the game is heard while another window is the active one."),
    ),
    "microphone.mode": Words(
        mark("Microphone"),
        {
            "off": Choice(mark("Off"), mark("The microphone is never opened.")),
            "open": Choice(
                mark("On"),
                mark(
                    "Open while you play, where the studio takes it. Use headphones: no echo is "
                    "cancelled."
                ),
            ),
            "push_to_talk": Choice(
                mark("Push to talk"),
                mark("What you say is sent while you hold the keys, where the studio takes it."),
            ),
        },
    ),
    "microphone.device": Words(mark("Which microphone")),
    "microphone.background": _on_off(
        mark("Open in the background"),
        mark("you are heard while another window is the active one."),
        mark("closed while another window is the active one."),
    ),
    "microphone.menu": _on_off(
        mark("Open in the menu"),
        mark("you are heard in the game's menu."),
        mark("closed in the game's menu."),
    ),
    "input.module": Words(
        mark("Keyboard, mouse and gamepads"),
        {
            "service": Choice(
                mark("Play"), mark("The game's own input module runs, in a sandbox.")
            ),
            "off": Choice(mark("Watch only"), mark("Nothing you do reaches the game.")),
        },
    ),
    "mouse.capture": Words(
        mark("Mouse"),
        {
            "game": Choice(
                mark("The game may have it"),
                mark("A game that asks after a click has the mouse for itself."),
            ),
            "never": Choice(mark("Always yours"), mark("The game sees where the pointer is.")),
        },
    ),
    "mouse.sensitivity": Words(
        mark("Speed of the mouse"), steps=(0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
    ),
    "mouse.swap_buttons": _on_off(
        mark("Swap mouse buttons"),
        mark("left is right in the game."),
        mark("as the mouse has them."),
    ),
    "mouse.scroll": Words(
        mark("Wheel"),
        {
            "system": Choice(mark("As on the desktop"), mark("It turns as on the desktop.")),
            "reversed": Choice(mark("Reversed"), mark("It turns the other way in the game.")),
        },
    ),
    "touch.mode": Words(
        mark("Touch"),
        {
            "pointer": Choice(
                mark("As the pointer"), mark("A finger is the pointer, with its button held.")
            ),
            "trackpad": Choice(
                mark("As a trackpad"), mark("A finger moves the pointer; a tap is a click.")
            ),
        },
    ),
    "keyboard.system_keys": Words(
        mark("Keys of the desktop"),
        {
            "off": Choice(mark("For the desktop"), mark("Alt+Tab and Super are the desktop's.")),
            "full_screen": Choice(
                mark("In full screen for the game"),
                mark("The game has them in full screen, on Linux."),
            ),
            "always": Choice(
                mark("For the game"), mark("The game has them in its window, on Linux.")
            ),
        },
    ),
    "shortcuts.menu": Words(mark("Menu")),
    "shortcuts.full_screen": Words(mark("Full screen")),
    "shortcuts.statistics": Words(mark("Stream statistics")),
    "shortcuts.sound": Words(mark("Sound on or off")),
    "shortcuts.louder": Words(mark("Louder")),
    "shortcuts.quieter": Words(mark("Quieter")),
    "shortcuts.microphone": Words(mark("Mute the microphone")),
    "shortcuts.talk": Words(mark("Hold to talk")),
    "shortcuts.save_picture": Words(mark("Save a picture of the game")),
    "shortcuts.reconnect": Words(mark("Reconnect")),
    "shortcuts.free_mouse": Words(mark("Free mouse and keyboard")),
    "pads.enabled": _on_off(
        mark("Gamepads"), mark("up to four play."), mark("gamepads are not read.")
    ),
    "pads.background": _on_off(
        mark("Gamepads in the background"),
        mark("they reach the game while another window is the active one."),
        mark("they are at rest while another window is the active one."),
    ),
    "pads.dead_zone": Words(mark("Dead zone of sticks")),
    "pads.swap_ab": _on_off(
        mark("Swap the bottom and the right button in the game (A and B)"),
        mark("swapped."),
        mark("as the pad has them."),
    ),
    "pads.swap_xy": _on_off(
        mark("Swap the left and the top button in the game (X and Y)"),
        mark("swapped."),
        mark("as the pad has them."),
    ),
    "pads.swap_ab_cards": _on_off(
        mark("Swap the bottom and the right button on cards"),
        mark("in Rejoin's own windows the right one presses and the bottom one goes back."),
        mark("in Rejoin's own windows the bottom one presses and the right one goes back."),
    ),
    "pads.mouse": _on_off(
        mark("Gamepad as a mouse"),
        mark(
            "hold the pad's menu button (Menu, Start, Options or Plus) to move the pointer with a "
            "stick, and again to play."
        ),
        mark("a gamepad is only a gamepad."),
    ),
    "pads.rumble": _on_off(
        mark("Vibration"),
        mark("where the game's input module asks for it."),
        mark("pads do not vibrate."),
    ),
    "network.scope": Words(
        mark("Where game servers may be"),
        {
            "internet": Choice(mark("Internet"), mark("Public addresses only.")),
            "lan": Choice(
                mark("Also this network"), mark("Private addresses too; a link stays outside.")
            ),
            "loopback": Choice(
                mark("This computer"), mark("Nothing but this computer, as for the emulator.")
            ),
        },
    ),
    "network.turn_file": Words(mark("Relay (TURN servers)")),
    "network.dtls_client": _on_off(
        mark("Start the encryption first"),
        mark("this computer is the DTLS client, which saves a round trip. Some hosts refuse it."),
        mark("the game server chooses the DTLS role."),
    ),
    "appearance.language": Words(
        mark("Language"),
        {
            "system": Choice(mark("As the system"), mark("Rejoin speaks the system's language.")),
            "en": Choice("English", mark("Rejoin speaks English.")),
            "de": Choice("Deutsch", mark("Rejoin speaks German.")),
            "ja": Choice("\u65e5\u672c\u8a9e", mark("Rejoin speaks Japanese.")),
            "pseudo": Choice("Pseudo", mark("Long texts, for tests of Rejoin.")),
            "pseudo-rtl": Choice("Pseudo RTL", mark("From right to left, for tests of Rejoin.")),
        },
        rare=frozenset({"pseudo", "pseudo-rtl"}),
    ),
    "appearance.theme": Words(
        mark("Theme"),
        {
            "dark": Choice(mark("Dark"), mark("Dark.")),
            "light": Choice(mark("Light"), mark("Light.")),
            "system": Choice(mark("As the desktop"), ""),
        },
    ),
    "appearance.high_contrast": _on_off(
        mark("High contrast"),
        mark("white on black, in place of the theme."),
        mark("the theme's own colours."),
    ),
    "appearance.text_size": Words(mark("Text size"), steps=(100, 110, 125, 150, 175, 200)),
    "appearance.motion": Words(
        mark("Motion"),
        {
            "system": Choice(mark("As the system"), ""),
            "full": Choice(mark("Full"), mark("Short animations, as of the card's ring.")),
            "reduced": Choice(mark("Reduced"), mark("Nothing moves by itself.")),
        },
    ),
    "notifications.background": _on_off(
        mark("Notify in the background"),
        mark("while another window is the active one, you hear of a lost connection."),
        mark("a game in the background hints by its title alone."),
    ),
    "notifications.sound": _on_off(
        mark("Sound at 15 seconds"),
        mark("two short notes when 15 seconds are left to get back."),
        mark("the time to get back runs out silently."),
    ),
    "privacy.streamer_mode": _on_off(
        mark("Streamer mode"),
        mark("hosts, addresses, folders and device names are hidden."),
        mark("everything is shown."),
    ),
    "privacy.send_reports": _on_off(
        mark("Reconnect reports"),
        mark("the studio hears how each reconnect went; no address and no text."),
        mark("nothing is sent."),
    ),
    "privacy.check_updates": _on_off(
        mark("Newer versions"),
        mark("the home says when there is one; asked once a day at most, nothing is installed."),
        mark("nobody is asked."),
    ),
}

HEADING: Final = mark("Settings")
SECTION_CHOICE: Final = mark("Section")
BACK: Final = mark("Back")
SAVED_AT_ONCE: Final = mark("Changes are saved at once.")
RESET_SECTION: Final = mark("Reset this page")
CHOOSE_FILE: Final = mark("Choose...")
NO_FILE: Final = mark("None")
CHOOSE_KEYS: Final = mark("Choose keys...")
PRESS_KEYS: Final = mark("Press the keys...")
NO_KEYS: Final = mark("None")
OPEN_FOLDER: Final = mark("Open the folder")
OPEN_LOG_FOLDER: Final = mark("Open the log folder")
LOG_TITLE: Final = mark("Log")
EXPORT: Final = mark("Export...")
IMPORT: Final = mark("Import...")
RESET_ALL: Final = mark("Reset everything")
RESET_ALL_QUESTION: Final = mark("Press again to reset")
START_AGAIN: Final = mark("Reset the count")
VOLUME_TITLE: Final = mark("Volume")
TEST_TITLE: Final = mark("Try it")
TEST: Final = mark("Try the microphone")
TEST_END: Final = mark("Stop")
TEST_LEVEL: Final = mark("Level")
DATA_TITLE: Final = mark("Data used")
FILE_TITLE: Final = mark("Where your settings are")
MOVE_TITLE: Final = mark("Move them to another computer")
MOVE_NOW: Final = mark(
    "Export writes them to a new file; Import replaces them with those of a file."
)
RESET_TITLE: Final = mark("Default settings")
RESET_NOW: Final = mark("Every setting goes back to its default.")
