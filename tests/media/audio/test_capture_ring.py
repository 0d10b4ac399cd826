from __future__ import annotations

from rejoin.media.audio.capture_ring import CaptureRing


def test_blocks_come_out_as_they_went_in_with_their_positions() -> None:
    ring = CaptureRing()
    ring.put(bytes(960), 1.0)
    ring.put(bytes(20), 2.0)
    first, second = ring.get(0.0), ring.get(0.0)
    assert first is not None
    assert second is not None
    assert (first.position, first.taken_at) == (0, 1.0)
    assert (second.position, len(second.samples), second.taken_at) == (480, 20, 2.0)
    assert ring.get(0.0) is None


def test_what_nobody_gets_is_dropped_and_still_counts_in_the_position() -> None:
    ring = CaptureRing(most=2)
    for at in range(5):
        ring.put(bytes(960), float(at))
    assert ring.dropped == 3
    assert [getattr(ring.get(0.0), "position", None) for _ in range(3)] == [0, 480, None]
    ring.put(bytes(960), 5.0)
    after = ring.get(0.0)
    assert after is not None
    assert after.position == 5 * 480
