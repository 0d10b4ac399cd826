"""What is said of practice drops."""

from __future__ import annotations

import pytest

from rejoin.gui.practice import texts
from rejoin.media.video.scene import SceneWord
from rejoin.qa.game_proof import Rests, Says
from rejoin.runtime.practice_port import Held, PracticeFinding, PracticeState


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (Held(), ""),
        (Held(5, 0), "5 % lost"),
        (Held(0, 100), "100 ms later"),
        (Held(5, 100), "5 % lost, 100 ms later"),
    ],
)
def test_what_is_held(held: Held, said: str) -> None:
    assert texts.held(held) == said
    assert held.is_on == bool(said)


def test_a_named_fault_goes_before_what_is_held() -> None:
    state = PracticeState("cut_3s", held=Held(5))
    assert texts.label(state) == "Practice fault: cut_3s"
    assert texts.label(PracticeState()) == ""


@pytest.mark.parametrize("says", Says)
def test_every_word_of_a_proof_has_a_sentence(says: Says) -> None:
    """`gui` cannot import `qa`."""
    for rests_on in Rests:
        found = texts.finding(PracticeFinding(rests_on.value, says.value))
        assert found.endswith(".")


@pytest.mark.parametrize("word", SceneWord)
def test_of_pictures_nothing_more_is_said_than_their_word(word: SceneWord) -> None:
    found = texts.finding(PracticeFinding("picture", word.value))
    assert word.value in found
