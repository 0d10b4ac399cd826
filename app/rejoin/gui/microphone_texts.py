"""Sentences about the microphone: the sign while it is open, and what a key has done. Pure.

The rules are those of `texts`. Why it cannot be used, `runtime.microphone_states` says.
"""

from __future__ import annotations

from typing import Final

from rejoin.language import mark, tr
from rejoin.runtime.microphone_states import Live, MicrophoneState, Muted, Waiting

ON: Final = mark("Microphone on")
MUTED: Final = mark("Microphone muted")


def sign(state: MicrophoneState, talk_keys: str) -> str:
    """What stands over the picture as long as the microphone is open; empty while it is closed."""
    match state:
        case Live():
            return tr(ON)
        case Waiting():
            if not talk_keys:
                return tr("Hold the gamepad's button to talk")
            return tr("Hold {keys} to talk", keys=talk_keys)
        case _:
            return ""


def muted_note(state: MicrophoneState, mute_keys: str) -> tuple[str, str]:
    """Two lines for a moment after it was muted; also at the start, where it begins muted."""
    if not isinstance(state, Muted):
        return "", ""
    return tr(MUTED), tr("{keys}: microphone on", keys=mute_keys) if mute_keys else ""
