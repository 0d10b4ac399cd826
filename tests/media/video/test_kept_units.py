"""Access units around a drop: from a key frame on, of the newest connection, within the bytes."""

from __future__ import annotations

from rejoin.core.model import ConnectionNumber
from rejoin.media.receive.jitter_buffer import EncodedFrame
from rejoin.media.video.kept_units import Clip, KeptUnits

OLD, NEW = ConnectionNumber(1), ConnectionNumber(2)


def frame(at: float, *, key: bool = False, size: int = 100) -> EncodedFrame:
    return EncodedFrame(bytes(size), round(at * 90_000), key, False, received_at=at)


def play(
    kept: KeptUnits,
    from_at: int,
    to_at: int,
    connection: ConnectionNumber = OLD,
    *,
    key_every: int = 2,
) -> None:
    """A frame a second."""
    for at in range(from_at, to_at):
        kept.add(connection, frame(at, key=(at - from_at) % key_every == 0))


def span(clip: Clip) -> tuple[float, float]:
    assert clip.units[0].key
    return clip.units[0].received_at, clip.units[-1].received_at


def test_a_clip_has_what_was_received_before_and_after_its_drop() -> None:
    kept = KeptUnits(before_s=10, after_s=5)
    play(kept, 0, 100)
    kept.drop_noticed(101)
    play(kept, 103, 105, NEW)
    kept.drop_over(104.5)
    play(kept, 105, 140, NEW)
    [clip] = kept.finish()
    assert (clip.noticed_at, clip.over_at) == (101, 104.5)
    assert span(clip) == (90, 109)


def test_a_clip_ends_some_seconds_after_its_drop() -> None:
    kept = KeptUnits(before_s=10, after_s=5)
    play(kept, 0, 20)
    kept.drop_noticed(20)
    kept.drop_over(20)
    play(kept, 20, 60)
    kept.drop_noticed(60)
    first, second = kept.finish()
    assert span(first) == (10, 25)
    assert span(second) == (50, 59)
    assert second.over_at is None


def test_without_a_newer_key_frame_a_clip_begins_earlier() -> None:
    kept = KeptUnits(before_s=10)
    play(kept, 0, 100, key_every=1000)
    kept.drop_noticed(100)
    [clip] = kept.finish()
    assert span(clip) == (0, 99)


def test_a_connection_counts_from_its_first_key_frame_on() -> None:
    kept = KeptUnits()
    play(kept, 0, 4)
    kept.drop_noticed(4)
    kept.add(NEW, frame(5))
    kept.add(OLD, frame(6))
    kept.add(NEW, frame(7, key=True))
    kept.add(OLD, frame(8, key=True))
    [clip] = kept.finish()
    assert [unit.received_at for unit in clip.units] == [0, 1, 2, 3, 6, 7]
    assert [unit.source for unit in clip.units] == [1, 1, 1, 1, 1, 2]


def test_another_client_counts_its_connections_anew() -> None:
    kept = KeptUnits()
    play(kept, 0, 2, NEW)
    kept.client_replaced()
    play(kept, 2, 4, OLD)
    kept.drop_noticed(4)
    [clip] = kept.finish()
    assert [unit.source for unit in clip.units] == [1, 1, 2, 2]


def test_what_does_not_fit_is_left_out_oldest_first() -> None:
    kept = KeptUnits(most_bytes=1000)
    play(kept, 0, 30)
    kept.drop_noticed(30)
    [clip] = kept.finish()
    assert span(clip) == (20, 29)


def test_a_group_that_does_not_fit_is_left_out_to_its_end() -> None:
    kept = KeptUnits(most_bytes=1000)
    play(kept, 0, 30, key_every=20)
    kept.drop_noticed(30)
    [clip] = kept.finish()
    assert span(clip) == (20, 29)


def test_clips_take_room_of_what_is_kept() -> None:
    kept = KeptUnits(before_s=4, after_s=4, most_bytes=1000)
    for at in (10, 30, 50):
        play(kept, at - 10, at)
        kept.drop_noticed(at)
        kept.drop_over(at)
        play(kept, at, at + 10)
    clips = kept.finish()
    assert span(clips[0]) == (6, 14)
    assert len(clips) + kept.without_clip == 3
    assert sum(len(unit.data) for clip in clips for unit in clip.units) <= 1000


def test_nothing_received_is_no_clip() -> None:
    kept = KeptUnits()
    kept.drop_noticed(1)
    kept.drop_noticed(2)
    assert kept.finish() == ()
    assert kept.without_clip == 1
