from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rejoin.media.receive.audio_reorder import AudioReorder


def test_packets_are_put_in_order_and_never_held_for_long() -> None:
    reorder = AudioReorder()
    assert [p.payload for p in reorder.add(65535, b"a", 0.0)] == [b"a"]
    assert reorder.add(1, b"c", 0.02) == []
    assert [p.payload for p in reorder.add(0, b"b", 0.03)] == [b"b", b"c"]
    assert reorder.add(3, b"e", 0.06) == []
    assert reorder.poll(0.10) == []
    late = reorder.poll(0.13)
    assert [(p.payload, p.lost_before) for p in late] == [(b"e", 1)]
    assert reorder.add(2, b"d", 0.14) == []
    assert reorder.packets_late == 1


def test_with_three_packets_held_the_missing_one_is_given_up() -> None:
    reorder = AudioReorder()
    reorder.add(0, b"a", 0.0)
    reorder.add(2, b"c", 0.0)
    reorder.add(3, b"d", 0.0)
    assert [p.payload for p in reorder.add(4, b"e", 0.0)] == [b"c", b"d", b"e"]


@given(st.lists(st.integers(0, 65535), max_size=80))
def test_no_order_of_packets_leaves_one_behind(sequences: list[int]) -> None:
    reorder = AudioReorder()
    for at, sequence in enumerate(sequences):
        reorder.add(sequence, b"x", at * 0.02)
    reorder.poll(1e9)
    assert len(reorder._held) == 0
