from __future__ import annotations

from rejoin.core.model import ConnectionNumber
from rejoin.rtc.picture import Picture, PictureSlot


def picture(rtp_timestamp: int) -> Picture:
    data = memoryview(bytes(16))
    return Picture(ConnectionNumber(1), 2, 2, 8, 2, 2, 0.0, rtp_timestamp, data)


class Frame:
    """A frame that nobody scaled yet, and the sizes that it was asked for."""

    def __init__(self, rtp_timestamp: int, *, fails: bool = False) -> None:
        self.connection = ConnectionNumber(1)
        self.asked: list[tuple[int, int] | None] = []
        self._picture = None if fails else picture(rtp_timestamp)

    def scaled(self, target: tuple[int, int] | None) -> Picture | None:
        self.asked.append(target)
        return self._picture


def test_the_newest_picture_wins_and_the_others_are_counted() -> None:
    slot = PictureSlot()
    for number in range(3):
        slot.put(picture(number))
    taken = slot.take()
    assert taken is not None
    assert taken.rtp_timestamp == 2
    assert slot.take() is None
    assert slot.replaced == 2


def test_one_wake_up_per_picture_seen() -> None:
    slot = PictureSlot()
    wake_ups: list[bool] = []
    slot.on_filled = lambda: wake_ups.append(True)
    slot.put(picture(0))
    slot.put(picture(1))
    assert len(wake_ups) == 1
    slot.take()
    slot.put(picture(2))
    assert len(wake_ups) == 2


def test_what_was_put_in_unscaled_is_scaled_once_when_somebody_looks_for_the_window_of_then() -> (
    None
):
    slot = PictureSlot()
    slot.watched = False
    slot.target = (100, 100)
    frames = [Frame(number) for number in range(4)]
    for frame in frames:
        slot.put(frame)
    slot.target = (640, 360)
    slot.watched = True
    taken = slot.take()
    assert taken is not None
    assert taken.rtp_timestamp == 3
    assert [frame.asked for frame in frames] == [[], [], [], [(640, 360)]]
    assert (slot.unwatched, slot.replaced) == (3, 0)
    assert slot.take() is None


def test_a_frame_that_cannot_be_scaled_is_no_picture_and_the_next_one_wakes() -> None:
    slot = PictureSlot()
    slot.put(Frame(0, fails=True))
    assert slot.take() is None
    wake_ups: list[bool] = []
    slot.on_filled = lambda: wake_ups.append(True)
    slot.put(picture(1))
    assert wake_ups == [True]
