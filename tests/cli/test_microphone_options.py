"""The microphone by the command line and by the saved settings."""

from __future__ import annotations

import pytest

from helpers.command_line import PLAY, FakePlayer, Rejoin
from rejoin.runtime.microphone_states import MicrophoneChoices, MicrophoneMode


def test_it_is_off_unless_the_player_says_so(rejoin: Rejoin, fake_player: type[FakePlayer]) -> None:
    assert rejoin(*PLAY, token="CANARY-token")[0] == 0
    assert fake_player.made[-1].microphone_choices == MicrophoneChoices()


@pytest.mark.parametrize("mode", ["open", "push_to_talk"])
def test_the_player_turns_it_on(rejoin: Rejoin, fake_player: type[FakePlayer], mode: str) -> None:
    more = ("--microphone-device", "Headset", "--microphone-in-background")
    assert rejoin(*PLAY, "--microphone", mode, *more, token="CANARY-token")[0] == 0
    assert fake_player.made[-1].microphone_choices == MicrophoneChoices(
        MicrophoneMode(mode), "Headset", in_background=True
    )
    assert fake_player.made[-1].profile.allows_microphone
