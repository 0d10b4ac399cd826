"""What the menu says. Pure."""

from __future__ import annotations

from typing import Final

from rejoin.language import mark, sentences, tr, tr_plural

TITLE: Final = mark("Menu")
GOES_ON: Final = mark("The game goes on.")
OPENED: Final = mark("Menu. The game goes on, and nothing you press reaches it.")
RESUMED: Final = mark("Back in the game.")

RESUME: Final = mark("Back to the game")
FULL_SCREEN: Final = mark("Full screen")
SOUND: Final = mark("Sound")
MICROPHONE: Final = mark("Microphone")
VOLUME: Final = mark("Volume")
RECONNECT: Final = mark("Reconnect")
STATISTICS: Final = mark("Statistics")
SETTINGS: Final = mark("Settings")
PRACTICE: Final = mark("Practice drop")
CLOSE: Final = mark("Close for now")
CLOSE_DETAIL: Final = mark("keeps the game")
END: Final = mark("End game")

ON: Final = mark("on")
OFF: Final = mark("off")

END_QUESTION: Final = mark("End the game?")
END_CONSEQUENCE: Final = mark(
    "This closes the game for good, for everyone in it. Unsaved progress may be lost."
)
KEEP_PLAYING: Final = mark("Keep playing")

STATISTICS_TITLE: Final = mark("Statistics of the stream")
LAST_MINUTE: Final = mark("The last minute, a point each second.")
DROPS_MARKED: Final = mark("Striped: the connection was lost.")
TESTED_MARKED: Final = mark("Dashed: a practice fault was on. A flag: a marker.")
NOTHING_YET: Final = mark("No numbers yet.")

BITRATE: Final = mark("Bitrate")
FRAMES: Final = mark("Frames per second")
LOSS: Final = mark("Packets lost")
ROUND_TRIP: Final = mark("Round trip")
JITTER_BUFFER: Final = mark("Jitter buffer")
FRAME_AGE: Final = mark("Age of a frame when shown")

UNKNOWN: Final = "-"


def on_off(on: bool) -> str:
    return tr(ON) if on else tr(OFF)


def entry_spoken(name: str, detail: str) -> str:
    """An entry with what stands beside it, for screen readers."""
    # Translators: an entry of the menu and its state, as "Full screen: on"
    return tr("{name}: {detail}", name=name, detail=detail) if detail else name


def chart_spoken(name: str, now: str, lowest: str, highest: str, drops: int) -> str:
    """A chart in words."""
    if now == UNKNOWN:
        return entry_spoken(name, tr(NOTHING_YET))
    spoken = tr(
        "{name}: {now} now, from {lowest} to {highest} in the last minute.",
        name=name,
        now=now,
        lowest=lowest,
        highest=highest,
    )
    if drops == 0:
        return spoken
    lost = tr_plural(
        "The connection was lost once.", "The connection was lost {count} times.", drops
    )
    return sentences(spoken, lost)
