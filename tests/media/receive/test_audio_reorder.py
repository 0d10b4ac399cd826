from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rejoin.media.receive.audio_reorder import AudioReorder


def test_audio_comes_in_order_and_never_waits_long() -> None:
    order = AudioReorder()
    assert [p.payload for p in order.add(65535, b"a", 0.0)] == [b"a"]
    assert order.add(1, b"c", 0.02) == []
    assert [p.payload for p in order.add(0, b"b", 0.03)] == [b"b", b"c"]
    assert order.add(3, b"e", 0.06) == []
    assert order.poll(0.10) == []
    late = order.poll(0.13)
    assert [(p.payload, p.lost_before) for p in late] == [(b"e", 1)]
    assert order.add(2, b"d", 0.14) == []
    assert order.packets_late == 1


def test_audio_does_not_wait_with_three_packets_in_hand() -> None:
    order = AudioReorder()
    order.add(0, b"a", 0.0)
    order.add(2, b"c", 0.0)
    order.add(3, b"d", 0.0)
    assert [p.payload for p in order.add(4, b"e", 0.0)] == [b"c", b"d", b"e"]


@given(st.lists(st.integers(0, 65535), max_size=80))
def test_no_order_of_audio_breaks_it(sequences: list[int]) -> None:
    order = AudioReorder()
    for at, sequence in enumerate(sequences):
        order.add(sequence, b"x", at * 0.02)
    order.poll(1e9)
    assert len(order._stored) == 0
