"""The picture is where it should be, pixel by pixel, and stays until there is a newer one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from av.video.frame import VideoFrame
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget

from helpers.fake_port import FakeClock, FakePort, picture
from helpers.window_faces import wait_until
from rejoin.gui import theme
from rejoin.gui.bridge import Bridge
from rejoin.gui.raster_surface import RasterSurface
from rejoin.gui.video_surface import Drawing, SurfaceEvents
from rejoin.gui.video_view import VideoView
from rejoin.media.video.picture import FailureCount, Picture, Pixels
from rejoin.media.video.scale_filter import Aspect, ScaleFilter
from rejoin.media.video.scaling import Scaler
from rejoin.media.video.swscale import Area

BLUE, GREEN = (200, 20, 10), (10, 200, 20)


class Rig:
    """A view without a main window, with a port and a clock."""

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

    def show(self, width: int, height: int, *, bgr: tuple[int, int, int] = BLUE) -> None:
        self.port.show(picture(width, height, bgr=bgr, decoded_at=self.clock()))
        self.settle()

    def seen(self) -> QImage:
        return self.view.grab().toImage()

    def at(self, x: int, y: int) -> tuple[int, int, int]:
        return bgr_at(self.seen(), x, y)


def bgr_at(image: QImage, x: int, y: int) -> tuple[int, int, int]:
    colour = image.pixelColor(x, y)
    return colour.blue(), colour.green(), colour.red()


@pytest.fixture
def rig(application: QApplication) -> Iterator[Rig]:
    made = Rig(application)
    yield made
    made.bridge.close()
    made.view.close()


@pytest.fixture(params=["direct", "converted"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Straight into the window's memory if possible; and never, as where swscale is not found."""
    if request.param == "converted":
        monkeypatch.setattr(Scaler, "draw", lambda scaler, picture, area: False)


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The sizes at which pictures were converted into their own memory."""
    sizes: list[tuple[int, int]] = []
    really = Scaler.pixels

    def pixels(
        scaler: Scaler, picture: Picture, size: tuple[int, int], *how: ScaleFilter
    ) -> Pixels | None:
        sizes.append(size)
        return really(scaler, picture, size, *how)

    monkeypatch.setattr(Scaler, "pixels", pixels)
    return sizes


def test_the_view_hints_have_the_size_in_device_pixels(rig: Rig) -> None:
    assert rig.port.slot.hints.size == rig.view.device_size()
    rig.view.resize(400, 300)
    rig.settle()
    ratio = rig.view.devicePixelRatioF()
    assert rig.port.slot.hints.size == (round(400 * ratio), round(300 * ratio))


def test_the_view_hints_follow_the_surface(rig: Rig) -> None:
    def sharp(view: QWidget, events: SurfaceEvents) -> RasterSurface:
        return RasterSurface(view, events, Drawing(ScaleFilter.SHARP))

    rig.view.use(sharp)
    assert rig.port.slot.hints.scale_filter is ScaleFilter.SHARP
    assert rig.port.slot.hints.size == rig.view.device_size()


def test_another_way_to_draw_reaches_the_surface_and_the_decoder(rig: Rig) -> None:
    rig.show(320, 180)
    drawing = Drawing(ScaleFilter.PIXEL, 0.5, Aspect.FOUR_THIRDS)
    rig.view.draw_with(drawing)
    assert rig.view.surface.drawing == drawing
    hints = rig.port.slot.hints
    assert (hints.scale_filter, hints.aspect) == (ScaleFilter.PIXEL, Aspect.FOUR_THIRDS)
    assert hints.size == rig.view.device_size()
    target = rig.view.target()
    assert target.width() / target.height() == pytest.approx(4 / 3, rel=0.01)


def test_another_surface_shows_the_same_picture_and_counts_it_once(rig: Rig) -> None:
    rig.show(320, 180)
    shown, painted = rig.view.picture, rig.view.painted.pictures
    rig.view.dimmed = True
    dimmed = rig.at(160, 90)
    rig.view.use(RasterSurface)
    rig.settle()
    assert rig.view.picture is shown
    assert rig.at(160, 90) == dimmed
    assert rig.view.painted.pictures == painted
    assert len(rig.view.findChildren(RasterSurface)) == 1


def test_a_picture_of_the_right_size_fills_the_view_exactly(rig: Rig, either_way: None) -> None:
    rig.show(320, 180)
    assert rig.view.target().toRect() == rig.view.rect()
    assert {rig.at(x, y) for x in (0, 160, 319) for y in (0, 90, 179)} == {BLUE}


def test_one_to_one_means_that_no_pixel_is_blended(rig: Rig, either_way: None) -> None:
    """In device pixels, at any scale of the screen."""
    width, height = rig.view.device_size()
    made = picture(width, height)
    rig.port.show(made)
    rig.settle()
    seen, data = rig.seen(), made.frame.to_ndarray(format="bgra")
    assert (seen.width(), seen.height()) == (width, height)
    for x in range(0, width, 7):
        for y in range(0, height, 11):
            assert [*bgr_at(seen, x, y)] == data[y, x, :3].tolist()


@pytest.mark.parametrize("scale", ["1.25", "2"])
def test_it_is_sharp_on_screens_with_another_scale(scale: str) -> None:
    """The scale is set per process, so these tests run again in another one."""
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
    assert "12 passed" in done.stdout


@pytest.mark.parametrize(
    ("size", "bar", "inside"),
    [((400, 180), (10, 90), (200, 90)), ((320, 260), (160, 10), (160, 130))],
)
def test_a_view_of_another_aspect_ratio_has_black_bars(
    rig: Rig, either_way: None, size: tuple[int, int], bar: tuple[int, int], inside: tuple[int, int]
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


def test_the_last_picture_is_resized_with_the_window_at_once(rig: Rig, either_way: None) -> None:
    rig.show(320, 180)
    rig.view.resize(640, 360)
    rig.settle()
    assert rig.view.target().toRect() == rig.view.rect()
    assert rig.at(630, 350) == BLUE


@pytest.mark.parametrize("width", [321, 330, 336, 400, 640])
def test_rounding_leaves_neither_a_seam_nor_old_pixels(
    rig: Rig, either_way: None, width: int
) -> None:
    """What swscale writes beyond the right edge, in blocks of 16 pixels, is painted black."""
    rig.view.resize(width, 181)
    rig.show(1280, 720)
    ratio, target = rig.view.devicePixelRatioF(), rig.view.target()
    left, right = round(target.left() * ratio), round(target.right() * ratio)
    top, bottom = round(target.top() * ratio), round(target.bottom() * ratio)
    rig.show(1280, 720, bgr=(255, 255, 255))
    seen = rig.seen()
    for y in (0, seen.height() // 2, seen.height() - 1):
        for x in range(seen.width()):
            white = left <= x < right and top <= y < bottom
            assert seen.pixelColor(x, y).red() == (255 if white else 0), (x, y)


@pytest.mark.parametrize(
    ("size", "host"),
    [
        ((320, 180), (320, 180)),
        ((400, 180), (320, 180)),
        ((320, 260), (320, 180)),
        ((1000, 540), (960, 540)),
        ((250, 140), (218, 140)),
    ],
)
def test_a_whole_picture_is_drawn_directly_and_a_part_is_copied(
    rig: Rig, converted: list[tuple[int, int]], size: tuple[int, int], host: tuple[int, int]
) -> None:
    """On the screen and when the widget is grabbed."""
    rig.view.resize(*size)
    for _ in range(2):
        rig.show(*host)
        assert rig.at(size[0] // 2, size[1] // 2) == BLUE
    rig.view.dimmed = True
    rig.view.surface.widget.repaint()
    assert converted == []
    for _ in range(2):
        rig.view.surface.widget.repaint(5, 5, 60, 60)
    assert len(converted) == 1, "converted once for all parts"
    rig.show(*host)
    assert len(converted) == 1


def test_a_prescaled_picture_is_copied_unless_the_size_has_changed(
    rig: Rig, converted: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[bool] = []
    really = Scaler.draw

    def draw(scaler: Scaler, picture: Picture, area: Area) -> bool:
        drawn.append(really(scaler, picture, area))
        return drawn[-1]

    monkeypatch.setattr(Scaler, "draw", draw)
    prescaled = Scaler().prescaled(picture(640, 360, bgr=BLUE), rig.view.device_size())
    assert prescaled.pixels is not None
    converted.clear()
    rig.port.show(prescaled)
    rig.settle()
    assert rig.at(160, 90) == BLUE
    assert (converted, drawn) == ([], [])
    rig.view.resize(640, 360)
    rig.settle()
    assert rig.at(630, 350) == BLUE
    assert converted == []
    assert set(drawn) == {True}, "at its own size now"


class Panel(QWidget):
    """An opaque widget."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), Qt.GlobalColor.white)
        painter.end()


def test_widgets_over_the_picture_stay_visible(rig: Rig, converted: list[tuple[int, int]]) -> None:
    """Even opaque ones, which Qt does not paint again with the picture."""
    window = QWidget()
    window.resize(400, 300)
    rig.view.setParent(window)
    rig.view.setGeometry(16, 32, 320, 180)
    panel = Panel(window)
    panel.setGeometry(100, 100, 300, 50)
    window.show()
    rig.settle()
    rig.show(320, 180)
    image = window.grab().toImage()
    assert bgr_at(image, 20, 40) == BLUE
    assert bgr_at(image, 120, 120) == (255, 255, 255)
    assert bgr_at(image, 120, 99) == BLUE
    assert bgr_at(image, 337, 40) != BLUE
    assert converted, "only a part of the picture may be painted"
    panel.hide()
    rig.settle()
    converted.clear()
    rig.show(320, 180, bgr=GREEN)
    assert converted == []
    image = window.grab().toImage()
    assert {bgr_at(image, x, 40) for x in (16, 335)} == {GREEN}
    assert bgr_at(image, 15, 40) != GREEN
    rig.view.setParent(None)
    window.close()


def test_a_picture_is_scaled_only_once(rig: Rig, converted: list[tuple[int, int]]) -> None:
    rig.view.resize(640, 360)
    rig.settle()
    rig.show(320, 180)
    for _ in range(3):
        rig.view.surface.widget.repaint()
    assert converted == [(640, 360)]
    assert rig.at(630, 350) == BLUE


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """From now on no picture can be drawn; returns the media times of those that failed."""
    failed: list[int] = []

    def fails(scaler: Scaler, picture: Picture, size: tuple[int, int], *how: ScaleFilter) -> None:
        failed.append(picture.rtp_timestamp)
        picture.on_failed()

    monkeypatch.setattr(Scaler, "_draw", lambda scaler, frame, area: 1 / 0)
    monkeypatch.setattr(Scaler, "pixels", fails)
    return failed


def test_a_picture_that_cannot_be_drawn_is_reported_once_and_leaves_the_background(
    rig: Rig, broken: list[int]
) -> None:
    failures, start = FailureCount(), rig.view.painted.pictures
    rig.port.show(picture(320, 180, on_failed=failures))
    rig.settle()
    rig.view.surface.widget.repaint()
    assert rig.seen().pixelColor(5, 5).name() == theme.name(theme.INK)
    assert broken == [0]
    assert failures.count == 1
    assert rig.view.painted.pictures == start
    assert rig.view.picture is None


def test_a_picture_that_cannot_be_drawn_leaves_the_last_one_visible(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.show(320, 180)
    good, start = rig.view.picture, rig.view.painted.pictures
    really = Scaler._pixels

    def pixels(
        scaler: Scaler, frame: VideoFrame, width: int, height: int, *how: ScaleFilter
    ) -> Pixels:
        if good is None or frame is not good.frame:
            raise MemoryError
        return really(scaler, frame, width, height, *how)

    monkeypatch.setattr(Scaler, "draw", lambda scaler, picture, area: False)
    monkeypatch.setattr(Scaler, "_pixels", pixels)
    failures = FailureCount()
    rig.port.show(picture(320, 180, bgr=GREEN, on_failed=failures))
    rig.settle()
    assert rig.view.picture is good
    assert rig.at(160, 90) == BLUE
    assert failures.count == 1
    assert rig.view.painted.pictures == start


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


def test_dimming_is_animated_unless_motion_is_reduced(application: QApplication) -> None:
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


def test_before_the_first_picture_the_background_is_shown(rig: Rig) -> None:
    assert rig.seen().pixelColor(5, 5).name() == theme.name(theme.INK)


def test_painted_pictures_and_their_age_are_counted(rig: Rig) -> None:
    start = rig.view.painted.pictures
    rig.show(320, 180)
    rig.view.surface.widget.repaint()
    made = picture(320, 180, decoded_at=rig.clock())
    rig.port.slot.put(replace(made, received_at=rig.clock() - 0.004))
    rig.clock.now += 0.008
    rig.settle()
    rig.view.surface.widget.repaint()
    assert rig.view.painted.pictures == start + 2
    assert rig.view.painted.age_last_s == pytest.approx(0.012)
    assert rig.view.painted.age_max_s == pytest.approx(0.012)
    rig.view.surface.widget.repaint()
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
    assert rig.port.slot.replaced == 0, "nothing was too slow: the window was minimised"
    rig.view.showNormal()
    rig.view.show_newest()
    rig.settle()
    assert rig.at(160, 90) == GREEN


def test_with_smooth_pictures_wait_until_they_are_due_and_the_newest_wins(
    application: QApplication,
) -> None:
    port, clock = FakePort(), FakeClock()
    bridge = Bridge(port)
    view = VideoView(bridge, clock=clock, reduced_motion=True, smooth=True)
    view.resize(320, 180)
    bridge.open()
    view.show()
    application.processEvents()

    def arrive(number: int, at: float) -> Picture:
        clock.now = at
        made = replace(picture(320, 180, decoded_at=at), rtp_timestamp=number * 1500)
        port.show(made)
        application.processEvents()
        return made

    frame_s = 1 / 60
    first = arrive(0, 1000.0)
    assert view.picture is first, "the first is shown at once"
    second = arrive(1, 1000.0 + frame_s)
    assert view.picture is first, "from the second on there is a delay of one interval"
    clock.now = 1000.0 + 2 * frame_s
    assert wait_until(lambda: view.picture is second), "it is due"
    third, fourth = arrive(2, clock.now), arrive(3, clock.now + 0.001)
    assert view.picture is second
    fifth = arrive(4, clock.now + 0.001)
    assert view.picture is third, "no more than two wait"
    clock.now += 3 * frame_s
    assert wait_until(lambda: view.picture is fifth)
    assert port.slot.replaced == 1, f"the fourth ({fourth.rtp_timestamp}) was skipped"
    bridge.close()
    view.close()


def test_waiting_pictures_are_dropped_when_the_window_is_hidden(application: QApplication) -> None:
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
    assert not view._pacer_timer.isActive()
    bridge.close()


@pytest.mark.parametrize("smooth", [False, True])
def test_cleared_it_holds_and_shows_nothing_of_the_last_game(
    application: QApplication, smooth: bool
) -> None:
    rig = Rig(application)
    rig.view.close()
    rig.view = VideoView(rig.bridge, clock=rig.clock, reduced_motion=True, smooth=smooth)
    rig.view.resize(320, 180)
    rig.view.show()
    rig.settle()
    rig.show(320, 180, bgr=GREEN)
    before = rig.view.picture
    rig.view.clear()
    rig.settle()
    assert [before is None, rig.view.picture is None] == [False, True]
    assert rig.view.target().isEmpty()
    assert rig.seen().pixelColor(160, 90).name() == theme.name(theme.INK)
    rig.show(320, 180, bgr=BLUE)
    assert rig.at(160, 90) == BLUE
    rig.bridge.close()
    rig.view.close()
