from __future__ import annotations

import pytest
from av.video.frame import VideoFrame

from rejoin.core.model import ConnectionNumber
from rejoin.media.video.picture import PaintTelemetry, Picture, PictureSlot, ViewHints


def picture(rtp_timestamp: int) -> Picture:
    return Picture(ConnectionNumber(1), VideoFrame(16, 10), 1.0, rtp_timestamp, 0.9)


def test_a_picture_has_the_size_that_the_host_sent() -> None:
    assert (picture(0).width, picture(0).height) == (16, 10)


def test_the_newest_picture_wins_and_replaced_ones_are_counted() -> None:
    slot = PictureSlot()
    for number in range(3):
        slot.put(picture(number))
    taken = slot.take()
    assert taken is not None
    assert taken.rtp_timestamp == 2
    assert slot.take() is None
    assert (slot.replaced, slot.unwatched) == (2, 0)


def test_pictures_replaced_while_the_window_is_hidden_are_counted_apart() -> None:
    slot = PictureSlot()
    slot.hints = ViewHints(visible=False)
    for number in range(4):
        slot.put(picture(number))
    assert (slot.replaced, slot.unwatched) == (0, 3)


def test_one_wake_up_per_picture_taken() -> None:
    slot = PictureSlot()
    wake_ups: list[bool] = []
    slot.on_filled = lambda: wake_ups.append(True)
    slot.put(picture(0))
    slot.put(picture(1))
    assert len(wake_ups) == 1
    slot.take()
    slot.put(picture(2))
    assert len(wake_ups) == 2


def test_a_picture_is_shown_when_it_is_painted_or_without_a_window_when_it_comes() -> None:
    slot = PictureSlot()
    shown: list[int] = []
    slot.on_shown = lambda picture: shown.append(picture.rtp_timestamp)
    for number in range(3):
        slot.put(picture(number))
    assert shown == [0, 1, 2]
    slot.on_filled = lambda: None
    for number in range(3, 6):
        slot.put(picture(number))
    assert shown == [0, 1, 2]
    slot.count_skipped()
    slot.count_painted(picture(5), 0.95)
    assert shown == [0, 1, 2, 5]


def test_paint_telemetry_counts_ages_from_the_last_packet_and_sums_up_painting() -> None:
    slot = PictureSlot()
    before = slot.painted
    slot.count_painted(picture(1), 0.95, 0.001)
    slot.count_painted(picture(2), 0.92, 0.002)
    painted = slot.painted
    assert (painted.pictures, painted.last_rtp_timestamp, painted.last_at) == (2, 2, 0.92)
    assert painted.age_last_s == pytest.approx(0.02)
    assert painted.age_max_s == pytest.approx(0.05)
    assert painted.took_s == pytest.approx(0.003)
    assert painted.last_connection == 1
    assert before == PaintTelemetry(), "a record that was read does not change"
