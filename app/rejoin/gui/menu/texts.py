"""What the menu says. Pure."""

from __future__ import annotations

from typing import Final

TITLE: Final = "Menu"
GOES_ON: Final = "The game goes on."
OPENED: Final = "Menu. The game goes on, and nothing you press reaches it."
RESUMED: Final = "Back in the game."

RESUME: Final = "Back to the game"
RESUME_KEY: Final = "Esc"
FULL_SCREEN: Final = "Full screen"
SOUND: Final = "Sound"
VOLUME: Final = "Volume"
RECONNECT: Final = "Reconnect"
STATISTICS: Final = "Statistics"
SETTINGS: Final = "Settings"
CLOSE: Final = "Close for now"
CLOSE_DETAIL: Final = "keeps the game"
END: Final = "End game"

ON: Final = "on"
OFF: Final = "off"

END_QUESTION: Final = "End the game?"
END_CONSEQUENCE: Final = (
    "This closes the game for good, for everyone in it. Unsaved progress may be lost."
)
KEEP_PLAYING: Final = "Keep playing"

STATISTICS_TITLE: Final = "Statistics of the stream"
LAST_MINUTE: Final = "The last minute, a point each second."
DROPS_MARKED: Final = "Striped: the connection was lost."
NOTHING_YET: Final = "No numbers yet."

BITRATE: Final = "Bitrate"
FRAMES: Final = "Frames per second"
LOSS: Final = "Packets lost"
ROUND_TRIP: Final = "Round trip"
JITTER_BUFFER: Final = "Jitter buffer"
FRAME_AGE: Final = "Age of a frame when shown"

UNKNOWN: Final = "-"


def on_off(on: bool) -> str:
    return ON if on else OFF


def entry_spoken(name: str, detail: str) -> str:
    """An entry with what stands beside it, for screen readers."""
    return f"{name}: {detail}" if detail else name


def chart_spoken(name: str, now: str, lowest: str, highest: str, drops: int) -> str:
    """A chart in words."""
    if now == UNKNOWN:
        return f"{name}: {NOTHING_YET}"
    spoken = f"{name}: {now} now, from {lowest} to {highest} in the last minute."
    match drops:
        case 0:
            return spoken
        case 1:
            return f"{spoken} The connection was lost once."
        case _:
            return f"{spoken} The connection was lost {drops} times."
