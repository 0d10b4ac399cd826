"""What a result says of whether it is the same game."""

from __future__ import annotations

from rejoin.media.video.scene import SceneWord
from rejoin.qa.game_proof import DropProof, Rests, Says, weakest


def test_of_pictures_nothing_more_is_said_than_their_words() -> None:
    """They stand here again, so that reading results loads no codec."""
    of_games = {Says.WENT_ON.value, Says.BEGAN_ANEW.value}
    assert {each.value for each in Says} - of_games == {each.value for each in SceneWord}


def test_a_play_rests_on_the_weakest_of_its_drops() -> None:
    strip, picture = (DropProof(each, Says.NOT_KNOWN) for each in (Rests.STRIP, Rests.PICTURE))
    assert weakest([strip, picture]) is Rests.PICTURE
    assert weakest([strip, None]) is Rests.SESSION
    assert weakest([strip]) is Rests.STRIP
    assert weakest([]) is Rests.SESSION
