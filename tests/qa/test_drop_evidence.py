"""What is said of a drop from the strip, heartbeats and pictures, the strongest first."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rejoin.media.video.scene import SIZE, Grey
from rejoin.qa.drop_evidence import (
    MOST_BEAT,
    TICKS_PER_S,
    Beat,
    Seen,
    of_drop,
    read_beat,
)
from rejoin.qa.game_proof import DropProof, Rests, Says


def a_scene(seed: int) -> Grey:
    """Blocks of many shades."""
    blocks = np.random.default_rng(seed).integers(40, 230, (18, 32), dtype=np.uint8)
    whole = np.kron(blocks, np.ones((3, 3), np.uint8))
    assert whole.shape == SIZE[::-1]
    return whole


ONE, OTHER = a_scene(1), a_scene(2)
BLACK = np.zeros_like(ONE)


def seen(at: float, grey: Grey = ONE, tick_s: float | None = None) -> Seen:
    return Seen(at, grey, None if tick_s is None else round(tick_s * TICKS_PER_S))


@pytest.mark.parametrize(
    ("before_s", "after_s", "says"),
    [
        (50.0, 55.0, Says.WENT_ON),
        (50.0, 57.5, Says.WENT_ON),
        (50.0, 64.0, Says.WENT_ON),
        (50.0, 66.0, Says.BEGAN_ANEW),
        (50.0, 3.0, Says.BEGAN_ANEW),
        (2.0, 7.0, Says.WENT_ON),
        (2.0, 5.0, Says.BEGAN_ANEW),
    ],
)
def test_the_strip_goes_on_as_time_does(before_s: float, after_s: float, says: Says) -> None:
    pictures = [seen(100.0, tick_s=before_s), seen(105.0, OTHER, after_s)]
    found = of_drop(pictures, [Beat(99.0, 5), Beat(106.0, 1)], 100.0, 105.0)
    assert (found.rests_on, found.says) == (Rests.STRIP, says)
    assert "tick" in found.detail


@pytest.mark.parametrize(("before_s", "after_s"), [(50.0, 50.0), (3.0, 6.0)])
def test_a_delay_that_grew_is_not_taken_for_another_game(before_s: float, after_s: float) -> None:
    pictures = [seen(100.0, tick_s=before_s), seen(105.0, tick_s=after_s)]
    assert of_drop(pictures, [], 100.0, 105.0).rests_on is Rests.PICTURE


def test_a_game_that_has_just_begun_cannot_be_told_from_a_new_one_by_its_strip() -> None:
    found = of_drop([seen(100.0, tick_s=0.4), seen(105.0, tick_s=5.4)], [], 100.0, 105.0)
    assert found.rests_on is Rests.PICTURE


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (Beat(99.0, 7), Beat(105.5, 12), Says.NOT_KNOWN),
        (Beat(99.0, 7), Beat(105.5, 7), Says.BEGAN_ANEW),
        (Beat(99.0, 7), Beat(105.5, 2), Says.BEGAN_ANEW),
        (Beat(99.0, 7, "a"), Beat(105.5, 12, "a"), Says.WENT_ON),
        (Beat(99.0, 7, "a"), Beat(105.5, 12, "b"), Says.BEGAN_ANEW),
    ],
)
def test_a_heartbeat_counts_more_than_pictures(old: Beat, new: Beat, says: Says) -> None:
    during = Beat(102.0, 9, "z")
    found = of_drop([seen(100.0), seen(105.0, OTHER)], [old, during, new], 100.0, 105.0)
    assert (found.rests_on, found.says) == (Rests.HEARTBEAT, says)


@pytest.mark.parametrize(("count", "says"), [(50, Says.WENT_ON), (3, Says.NOT_KNOWN)])
def test_without_its_name_a_game_has_to_count_further_than_one_begun_anew(
    count: int, says: Says
) -> None:
    beats = [Beat(95.0 + each, count + each) for each in range(5)] + [Beat(105.0, count + 10)]
    assert of_drop([], beats, 100.0, 105.0) == DropProof(
        Rests.HEARTBEAT, says, detail=f"heartbeat {count + 4} before, {count + 10} after"
    )


@pytest.mark.parametrize(
    ("after", "says"), [(ONE, Says.SAME_SCENE), (OTHER, Says.DIFFERENT), (BLACK, Says.BLACK)]
)
def test_else_the_pictures_are_compared(after: Grey, says: Says) -> None:
    pictures = [seen(99.0, BLACK), seen(99.9), seen(102.0), seen(105.1, after), seen(120.0)]
    found = of_drop(pictures, [Beat(99.0, 5)], 100.0, 105.0)
    assert (found.rests_on, found.says, found.detail) == (Rests.PICTURE, says, "")
    assert (found.similarity is None) == (after is BLACK)


@pytest.mark.parametrize(
    "pictures",
    [
        [],
        [seen(99.0)],
        [seen(105.5)],
        [seen(80.0), seen(105.5)],
        [seen(99.0, BLACK), seen(105.5)],
    ],
)
def test_without_pictures_on_both_sides_the_session_is_all_there_is(pictures: list[Seen]) -> None:
    assert of_drop(pictures, [], 100.0, 105.0) == DropProof(Rests.SESSION, Says.NOT_KNOWN)


@pytest.mark.parametrize(
    ("message", "beat"),
    [
        ({"heartbeat": 3}, Beat(1.0, 3)),
        ({"heartbeat": 3, "game": "a", "more": []}, Beat(1.0, 3, "a")),
        ({"heartbeat": -1}, None),
        ({"heartbeat": True}, None),
        ({"heartbeat": 1.5}, None),
        ({"heartbeat": 2**70}, None),
        ({"heartbeat": 3, "game": 4}, None),
        ({"heartbeat": 3, "game": "x" * 200}, None),
        ({"score": 3}, None),
        ([3], None),
    ],
)
def test_a_heartbeat_is_a_json_object_with_a_count(message: object, beat: Beat | None) -> None:
    assert read_beat(json.dumps(message).encode(), 1.0) == beat


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe", b"[" * 4000, b" " * MOST_BEAT + b'{"heartbeat": 3}']
)
def test_any_other_message_is_none(data: bytes) -> None:
    assert read_beat(data, 1.0) is None
