"""The picture is where it should be, pixel for pixel, and stays until there is a newer one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication

from helpers.fake_port import FakeClock, FakePort, picture
from helpers.window_faces import wait_until
from rejoin.gui import look
from rejoin.gui.bridge import Bridge
from rejoin.gui.video_view import VideoView, fitted
from rejoin.rtc.picture import Picture

BLUE, GREEN = (200, 20, 10), (10, 200, 20)


class Rig:
    """A view on its own, with a port and a clock."""

    def __init__(self, application: QApplication) -> None:
        self.application = application
        self.port, self.clock = FakePort(), FakeClock()
        self.bridge = Bridge(self.port)
        self.view = VideoView(self.bridge, clock=self.clock, reduced_motion=True)
        self.view.resize(320, 180)
        self.bridge.open()
        self.view.show()
        self.settle()

    def settle(self) -> None:
        self.application.processEvents()

    def show(
        self,
        width: int,
        height: int,
        *,
        source: tuple[int, int] | None = None,
        bgr: tuple[int, int, int] = BLUE,
        padding: int = 0,
    ) -> None:
        made = picture(
            width, height, source=source, bgr=bgr, padding=padding, decoded_at=self.clock()
        )
        self.port.show(made)
        self.settle()

    def seen(self) -> QImage:
        return self.view.grab().toImage()

    def at(self, x: int, y: int) -> tuple[int, int, int]:
        colour = self.seen().pixelColor(x, y)
        return colour.blue(), colour.green(), colour.red()


@pytest.fixture
def rig(application: QApplication) -> Iterator[Rig]:
    made = Rig(application)
    yield made
    made.bridge.close()
    made.view.close()


def test_the_size_asked_for_is_the_view_in_device_pixels(rig: Rig) -> None:
    assert rig.port.slot.target == rig.view.device_size()
    rig.view.resize(400, 300)
    rig.settle()
    ratio = rig.view.devicePixelRatioF()
    assert rig.port.slot.target == (round(400 * ratio), round(300 * ratio))


def test_a_picture_of_the_right_size_fills_the_view_exactly(rig: Rig) -> None:
    rig.show(320, 180)
    assert rig.view.target().toRect() == rig.view.rect()
    assert {rig.at(x, y) for x in (0, 160, 319) for y in (0, 90, 179)} == {BLUE}


def test_one_to_one_means_that_no_pixel_is_mixed(rig: Rig) -> None:
    """In device pixels, whatever the scale of the screen is."""
    width, height = rig.view.device_size()
    made = picture(width, height)
    rig.port.show(made)
    rig.settle()
    seen, data = rig.seen(), made.data
    assert (seen.width(), seen.height()) == (width, height)
    for x in range(0, width, 7):
        for y in range(0, height, 11):
            offset = y * made.stride + x * 4
            colour = seen.pixelColor(x, y)
            assert (colour.blue(), colour.green(), colour.red()) == tuple(data[offset : offset + 3])


@pytest.mark.parametrize("scale", ["1.25", "2"])
def test_it_is_sharp_on_screens_of_another_scale(scale: str) -> None:
    """The scale belongs to the process, so the tests that know nothing of it run in another."""
    if "QT_SCALE_FACTOR" in os.environ:
        pytest.skip("this is the other process")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            __file__,
            "-k",
            "one_to_one or rounding",
        ],
        env={**os.environ, "QT_SCALE_FACTOR": scale},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_rows_with_bytes_after_them_are_not_slanted(rig: Rig) -> None:
    rig.show(320, 180, padding=52)
    assert {rig.at(x, y) for x in (0, 160, 319) for y in (0, 90, 179)} == {BLUE}


@pytest.mark.parametrize(
    ("size", "bar", "inside"),
    [((400, 180), (10, 90), (200, 90)), ((320, 260), (160, 10), (160, 130))],
)
def test_another_shape_gets_black_bars_and_the_middle(
    rig: Rig, size: tuple[int, int], bar: tuple[int, int], inside: tuple[int, int]
) -> None:
    rig.view.resize(*size)
    rig.show(320, 180)
    assert rig.at(*bar) == (0, 0, 0)
    assert rig.at(*inside) == BLUE
    target = rig.view.target()
    assert abs(target.center().x() - size[0] / 2) <= 0.5
    assert abs(target.center().y() - size[1] / 2) <= 0.5
    # No old pixels and no seam: every pixel is either bar or picture.
    colours = {rig.at(x, size[1] // 2) for x in range(0, size[0], 3)}
    assert colours <= {(0, 0, 0), BLUE}


def test_a_picture_of_the_old_size_is_stretched_until_the_next_one(rig: Rig) -> None:
    rig.show(320, 180)
    rig.view.resize(640, 360)
    rig.settle()
    assert rig.view.target().toRect() == rig.view.rect()
    assert rig.at(630, 350) == BLUE
    rig.show(640, 360, source=(320, 180), bgr=GREEN)
    assert rig.at(630, 350) == GREEN


def test_rounding_of_the_scaler_is_not_stretched_away(rig: Rig) -> None:
    rig.view.resize(321, 181)
    width, height = rig.view.device_size()
    width, height = (width - 1) // 2 * 2, round((width - 1) / 16 * 9) // 2 * 2
    rig.show(width, height, source=(1280, 720))
    target, ratio = rig.view.target(), rig.view.devicePixelRatioF()
    assert target.width() * ratio == pytest.approx(width)
    assert target.height() * ratio == pytest.approx(height)


def test_the_last_picture_stays_and_dims(rig: Rig) -> None:
    rig.show(320, 180, bgr=(255, 255, 255))
    bright = QColor(*reversed(rig.at(160, 90))).lightnessF()
    rig.view.dimmed = True
    rig.settle()
    dim = QColor(*reversed(rig.at(160, 90))).lightnessF()
    assert bright == 1.0
    assert 0.2 < dim < 0.6
    rig.view.dimmed = False
    assert rig.at(160, 90) == (255, 255, 255)


def test_dimming_moves_unless_motion_is_reduced(application: QApplication) -> None:
    bridge = Bridge(FakePort())
    view = VideoView(bridge, clock=FakeClock())
    view.show()
    view.dimmed = True
    assert view._dim < 1.0
    assert wait_until(lambda: view._dim == 1.0)
    view.dimmed = False
    view.finish_dimming()
    assert view._dim == 0.0
    view.close()


def test_before_the_first_picture_there_is_ink(rig: Rig) -> None:
    assert rig.seen().pixelColor(5, 5).name() == look.INK


def test_painted_pictures_and_their_age_are_counted(rig: Rig) -> None:
    start = rig.view.painted.pictures
    rig.show(320, 180)
    rig.view.repaint()
    made = picture(320, 180, decoded_at=rig.clock())
    rig.port.slot.put(replace(made, received_at=rig.clock() - 0.004))
    rig.clock.now += 0.008
    rig.settle()
    rig.view.repaint()
    assert rig.view.painted.pictures == start + 2
    assert rig.view.painted.age_last_s == pytest.approx(0.012)
    assert rig.view.painted.age_max_s == pytest.approx(0.012)
    rig.view.repaint()
    assert rig.view.painted.pictures == start + 2


def test_a_picture_is_painted_before_the_window_does_anything_else(rig: Rig) -> None:
    start = rig.view.painted.pictures
    rig.port.slot.put(picture(320, 180, decoded_at=rig.clock()))
    rig.view.show_newest()
    assert rig.view.painted.pictures == start + 1


def test_while_minimised_pictures_are_left_in_the_slot(rig: Rig) -> None:
    rig.show(320, 180)
    count = rig.view.painted.pictures
    rig.view.showMinimized()
    rig.settle()
    for _ in range(3):
        rig.show(320, 180, bgr=GREEN)
    assert rig.view.painted.pictures == count
    assert rig.port.slot.unwatched == 2
    assert rig.port.slot.replaced == 0, "nobody was too slow: nobody looked"
    rig.view.showNormal()
    rig.view.show_newest()
    rig.settle()
    assert rig.at(160, 90) == GREEN


@pytest.mark.parametrize(
    ("size", "into", "result"),
    [
        ((1280, 720), (1920, 1080), (1920, 1080)),
        ((1280, 720), (1000, 1000), (1000, 562)),
        ((1280, 720), (2000, 720), (1280, 720)),
        ((720, 1280), (1, 1), (1, 1)),
    ],
)
def test_fitting(size: tuple[int, int], into: tuple[int, int], result: tuple[int, int]) -> None:
    assert fitted(size, into) == result


def test_smooth_pictures_wait_for_their_turn_and_the_newest_due_wins(
    application: QApplication,
) -> None:
    port, clock = FakePort(), FakeClock()
    bridge = Bridge(port)
    view = VideoView(bridge, clock=clock, reduced_motion=True, smooth=True)
    view.resize(320, 180)
    bridge.open()
    view.show()
    application.processEvents()

    def come(number: int, at: float) -> Picture:
        clock.now = at
        made = replace(picture(320, 180, decoded_at=at), rtp_timestamp=number * 1500)
        port.show(made)
        application.processEvents()
        return made

    frame_s = 1 / 60
    first = come(0, 1000.0)
    assert view.picture is first, "the first is shown at once"
    second = come(1, 1000.0 + frame_s)
    assert view.picture is first, "one interval is waited from the second on"
    clock.now = 1000.0 + 2 * frame_s
    assert wait_until(lambda: view.picture is second), "its turn has come"
    third, fourth = come(2, clock.now), come(3, clock.now + 0.001)
    assert view.picture is second
    fifth = come(4, clock.now + 0.001)
    assert view.picture is third, "no more than two wait"
    clock.now += 3 * frame_s
    assert wait_until(lambda: view.picture is fifth)
    assert port.slot.replaced == 1, f"the fourth ({fourth.rtp_timestamp}) was overtaken"
    bridge.close()
    view.close()


def test_what_waits_is_given_up_when_the_window_goes(application: QApplication) -> None:
    port, clock = FakePort(), FakeClock()
    bridge = Bridge(port)
    view = VideoView(bridge, clock=clock, reduced_motion=True, smooth=True)
    bridge.open()
    view.show()
    for number in range(2):
        clock.now = 1000.0 + number / 60
        port.show(replace(picture(320, 180, decoded_at=clock.now), rtp_timestamp=number * 1500))
        application.processEvents()
    view.hide()
    port.show(picture(320, 180))
    view.show_newest()
    assert port.slot.replaced == 1
    assert not view._pacing.isActive()
    bridge.close()
