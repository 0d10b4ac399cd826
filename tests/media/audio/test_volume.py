from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rejoin.media.audio.volume import SoundChoice

choices = st.builds(SoundChoice, st.integers(0, 100), st.booleans())


def test_steps_go_to_the_next_ten_and_stay_in_range() -> None:
    assert [SoundChoice(v).louder().volume for v in (0, 9, 10, 55, 90, 95, 100)] == [
        10, 10, 20, 60, 100, 100, 100
    ]  # fmt: skip
    assert [SoundChoice(v).quieter().volume for v in (100, 95, 91, 90, 11, 10, 1, 0)] == [
        90, 90, 90, 80, 10, 0, 0, 0
    ]  # fmt: skip


def test_muting_keeps_the_volume_and_a_step_unmutes() -> None:
    muted = SoundChoice(40).toggled()
    assert muted == SoundChoice(40, muted=True)
    assert (muted.silent, muted.amplitude) == (True, 0.0)
    assert muted.toggled() == SoundChoice(40)
    assert muted.louder() == SoundChoice(50)
    assert muted.quieter() == SoundChoice(30)


def test_unmuting_at_volume_0_is_heard() -> None:
    assert SoundChoice(0).silent
    assert not SoundChoice(0).toggled().silent
    assert not SoundChoice(100).silent


def test_the_amplitude_is_the_cube_of_the_volume() -> None:
    assert [SoundChoice(v).amplitude for v in (0, 50, 100)] == [0.0, 0.125, 1.0]


@given(choices)
def test_louder_is_louder_and_quieter_is_quieter(choice: SoundChoice) -> None:
    assert choice.quieter().volume <= choice.volume <= choice.louder().volume
    assert choice.quieter().volume < choice.volume or choice.volume == 0
    assert choice.toggled().silent != choice.silent


def test_invalid_volumes_are_rejected() -> None:
    for volume in (-1, 101):
        with pytest.raises(ValueError, match="0 to 100"):
            SoundChoice(volume)
