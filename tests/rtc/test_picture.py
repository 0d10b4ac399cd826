from __future__ import annotations

from rejoin.core.model import ConnectionNumber
from rejoin.rtc.picture import Picture, PictureSlot


def picture(rtp_timestamp: int) -> Picture:
    data = memoryview(bytes(16))
    return Picture(ConnectionNumber(1), 2, 2, 8, 2, 2, 0.0, rtp_timestamp, data)


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
