"""Sentences about the microphone: the sign while it is open, and what a key has done. Pure.

The rules are those of `texts`. Why it cannot be used, `runtime.microphone_states` says.
"""

from __future__ import annotations

from typing import Final

from rejoin.runtime.microphone_states import Live, MicrophoneState, Muted, Waiting

ON: Final = "Microphone on"
READY: Final = "Hold {keys} to talk"
READY_BY_PAD: Final = "Hold the gamepad's button to talk"
MUTED: Final = "Microphone muted"
UNMUTE: Final = "{keys}: microphone on"


def sign(state: MicrophoneState, talk_keys: str) -> str:
    """What stands over the picture as long as the microphone is open; empty while it is closed."""
    match state:
        case Live():
            return ON
        case Waiting():
            return READY.format(keys=talk_keys) if talk_keys else READY_BY_PAD
        case _:
            return ""


def muted_note(state: MicrophoneState, mute_keys: str) -> tuple[str, str]:
    """Two lines for a moment after it was muted; also at the start, where it begins muted."""
    if not isinstance(state, Muted):
        return "", ""
    return MUTED, UNMUTE.format(keys=mute_keys) if mute_keys else ""
