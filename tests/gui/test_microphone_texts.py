"""Sentences about the microphone."""

from __future__ import annotations

import pytest

from rejoin.gui.microphone_texts import muted_note, sign
from rejoin.media.audio.microphone import DeviceState
from rejoin.runtime.microphone_states import (
    Live,
    MicrophoneState,
    Muted,
    NotAllowed,
    NotTaken,
    Off,
    Opening,
    Shut,
    Unusable,
    Waiting,
    Why,
)


def test_the_sign_is_there_while_it_is_open_and_at_no_other_time() -> None:
    assert sign(Live(), "") == "Microphone on"
    assert sign(Waiting(), "ScrollLock") == "Hold ScrollLock to talk"
    assert sign(Waiting(), "") == "Hold the gamepad's button to talk"
    closed: tuple[MicrophoneState, ...] = (
        *(Off(), NotAllowed(), NotTaken(), Muted(), Opening(), Unusable(DeviceState.MISSING)),
        *(Shut(why) for why in Why),
    )
    for state in closed:
        assert sign(state, "F9") == ""


@pytest.mark.parametrize(
    ("keys", "note"),
    [
        ("Ctrl+Alt+V", ("Microphone muted", "Ctrl+Alt+V: microphone on")),
        ("", ("Microphone muted", "")),
    ],
)
def test_muting_is_said_with_the_way_back(keys: str, note: tuple[str, str]) -> None:
    assert muted_note(Muted(), keys) == note
    assert muted_note(Live(), keys) == ("", "")
