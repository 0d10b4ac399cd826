from __future__ import annotations

from av.video.frame import VideoFrame

from rejoin.core.model import ConnectionNumber
from rejoin.media.video.picture import Picture, PictureSlot
from rejoin.media.video.picture_gate import PictureGate


def picture() -> Picture:
    return Picture(ConnectionNumber(1), VideoFrame(16, 10), 1.0, 0, 0.9)


def test_while_hidden_the_newest_picture_is_kept_and_shown_at_once() -> None:
    slot = PictureSlot()
    gate = PictureGate(slot)
    old, new = picture(), picture()
    gate.put(old)
    gate.put(new)
    assert slot.take() is None
    shown = [gate.shown]
    gate.show(True)
    shown.append(gate.shown)
    assert shown == [False, True]
    assert slot.take() is new
    assert slot.replaced == 0


def test_while_shown_pictures_pass() -> None:
    slot = PictureSlot()
    gate = PictureGate(slot)
    gate.show(True)
    assert slot.take() is None
    passed = picture()
    gate.put(passed)
    assert slot.take() is passed


def test_a_picture_that_passed_is_not_shown_again() -> None:
    slot = PictureSlot()
    gate = PictureGate(slot)
    gate.show(True)
    gate.put(picture())
    slot.take()
    gate.show(False)
    gate.show(True)
    assert slot.take() is None


def test_hiding_again_keeps_the_newest_picture() -> None:
    slot = PictureSlot()
    gate = PictureGate(slot)
    kept = picture()
    gate.put(kept)
    gate.show(False)
    gate.show(True)
    assert slot.take() is kept


def test_after_close_nothing_passes() -> None:
    slot = PictureSlot()
    gate = PictureGate(slot)
    gate.put(picture())
    gate.close()
    gate.show(True)
    gate.put(picture())
    assert slot.take() is None
    assert not gate.shown
