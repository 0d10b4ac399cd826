from __future__ import annotations

import threading

from rejoin.media.receive.jitter_buffer import EncodedFrame
from rejoin.media.video.decode_queue import MAX_WAITING, DecodeQueue


def frame(number: int, *, key: bool = False) -> EncodedFrame:
    return EncodedFrame(b"x", number, key, False)


def taken(queue: DecodeQueue) -> list[int]:
    """The media times of all frames that wait."""
    numbers = []
    while len(queue):
        encoded = queue.take()
        assert encoded is not None
        numbers.append(encoded.rtp_timestamp)
    return numbers


def test_frames_are_taken_in_order() -> None:
    queue = DecodeQueue()
    for number in range(3):
        assert not queue.put(frame(number, key=number == 0))
    assert taken(queue) == [0, 1, 2]
    assert queue.frames_dropped == 0


def test_it_is_idle_only_when_the_frame_taken_last_is_decoded() -> None:
    queue = DecodeQueue()
    idle = [queue.idle]
    queue.put(frame(0))
    idle.append(queue.idle)
    queue.take()
    idle.append(queue.idle)
    assert idle == [True, False, False], "not while it is being decoded"
    thread = threading.Thread(target=queue.take)
    thread.start()
    while not queue.idle:
        thread.join(0.005)
    queue.close()
    thread.join(60)
    assert not thread.is_alive()


def test_after_an_overflow_only_a_key_frame_is_accepted() -> None:
    queue = DecodeQueue()
    needs = [queue.put(frame(number)) for number in range(MAX_WAITING + 3)]
    assert needs == [False] * MAX_WAITING + [True, False, False], "one request is enough"
    needed = [queue.needs_key_frame]
    assert queue.frames_dropped == MAX_WAITING + 3
    queue.put(frame(50, key=True))
    queue.put(frame(51))
    needed.append(queue.needs_key_frame)
    assert needed == [True, False]
    assert taken(queue) == [50, 51]


def test_a_key_frame_that_overflows_the_queue_is_kept() -> None:
    queue = DecodeQueue()
    for number in range(MAX_WAITING):
        queue.put(frame(number))
    assert not queue.put(frame(99, key=True))
    assert taken(queue) == [99]
    assert queue.frames_dropped == MAX_WAITING


def test_frames_that_depend_on_a_failed_one_are_skipped() -> None:
    queue = DecodeQueue()
    for number in range(5):
        queue.put(frame(number, key=number == 3))
    queue.skip_to_key_frame()
    needed = [queue.needs_key_frame]
    assert taken(queue) == [3, 4]
    assert queue.frames_dropped == 3
    queue.put(frame(5))
    queue.skip_to_key_frame()
    needed.append(queue.needs_key_frame)
    assert needed == [False, True]


def test_a_frame_that_is_put_back_is_taken_next() -> None:
    queue = DecodeQueue()
    for number in range(2):
        queue.put(frame(number, key=True))
    first = queue.take()
    assert first is not None
    queue.put_back(first)
    assert taken(queue) == [0, 1]


def test_close_ends_the_wait_and_drops_everything_for_good() -> None:
    queue, ended = DecodeQueue(), threading.Event()

    def wait() -> None:
        assert queue.take() is None
        ended.set()

    thread = threading.Thread(target=wait)
    thread.start()
    queue.close()
    thread.join(60)
    assert ended.is_set()
    assert queue.closed
    assert not queue.put(frame(0, key=True))
    queue.put_back(frame(0, key=True))
    queue.skip_to_key_frame()
    assert queue.closed
    assert len(queue) == 0


def test_where_frames_are_missing_only_a_key_frame_is_accepted_next() -> None:
    queue = DecodeQueue()
    queue.put(frame(0, key=True))
    queue.expect_key_frame()
    assert not queue.put(frame(1))
    assert queue.needs_key_frame
    queue.put(frame(2, key=True))
    queue.put(frame(3))
    assert taken(queue) == [0, 2, 3]
    assert queue.frames_dropped == 1
    queue.close()
    queue.expect_key_frame()
    assert queue.closed
