"""The card stops drawing during play: the processor goes on, in a native window made anew.

Under Xvfb, with Mesa's software drivers.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from itertools import pairwise

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from helpers.card_window import APIS, LEAK_MB, has_vulkan, megabytes, noise, picture_of
from helpers.fake_port import FakePort
from helpers.window_faces import LIVE, destroy, wait_until
from rejoin.clock import boot_s
from rejoin.core.model import ConnectionNumber, Doing, Snapshot, Stage
from rejoin.gui.card_api import CardApi
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.raster_surface import RasterSurface
from rejoin.gui.rhi_surface import CardOptions, RhiSurface
from rejoin.gui.surface_fallback import replace_surface
from rejoin.gui.video_surface import Drawing, SurfaceEvents
from rejoin.gui.video_view import VideoView
from rejoin.gui.window_options import WindowOptions
from rejoin.media.statistics import StreamStatistics
from rejoin.media.video.scale_filter import Aspect, ScaleFilter

pytestmark = pytest.mark.x11


class Losable(RhiSurface):
    """A surface whose device a test can lose: Qt then draws nothing, and says nothing."""

    lost = False

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.lost:
            super().paintEvent(event)


class Game:
    """A window with a live game that the card draws."""

    def __init__(self, api: CardApi) -> None:
        self.port = FakePort()
        self.whys: list[str] = []

        def make(view: QWidget, events: SurfaceEvents) -> RhiSurface:
            return Losable(view, events, CardOptions(api))

        self.make = make
        options = WindowOptions(
            make_surface=make, on_surface_failed=self.whys.append, first_size=(640, 400)
        )
        self.window = RejoinWindow(self.port, options, clock=boot_s)
        self.window.show()
        self.port.publish(LIVE)
        self.show(1)

    @property
    def view(self) -> VideoView:
        return self.window.layers.view

    def show(self, seed: int) -> None:
        before = self.window.layers.view.painted.pictures
        self.port.show(picture_of(noise((320, 180), seed=seed)))
        assert wait_until(lambda: self.window.layers.view.painted.pictures > before, 60.0)

    def lose_the_device(self) -> None:
        surface = self.window.layers.view.surface
        assert isinstance(surface, Losable)
        surface.lost = True

    def goes_on_without_it(self) -> bool:
        """Whether the fall-back came, while pictures go on arriving."""
        self.port.show(picture_of(noise((320, 180), seed=7)))
        return isinstance(self.window.layers.view.surface, RasterSurface)


@pytest.fixture(params=APIS, ids=lambda api: api.value)
def game(request: pytest.FixtureRequest, application: QApplication) -> Iterator[Game]:
    api = request.param
    if api is CardApi.VULKAN and not has_vulkan():
        pytest.skip("this machine has no Vulkan")
    made = Game(api)
    yield made
    destroy(made.window)


def test_two_seconds_without_a_drawn_picture_bring_the_processor(game: Game) -> None:
    shown = game.window.layers.view.picture
    game.lose_the_device()
    assert wait_until(game.goes_on_without_it, 60.0)
    assert game.whys == ["it has drawn nothing for 2 s"]
    assert game.window.isVisible()
    assert game.window.layers.view.picture is not None
    assert game.window.layers.view.picture is not shown
    game.show(8)
    assert game.port.slot.hints.size == game.window.layers.view.device_size()


def test_a_failure_of_qt_brings_the_processor(game: Game) -> None:
    surface = game.window.layers.view.surface
    assert isinstance(surface, RhiSurface)
    drawing = Drawing(ScaleFilter.PIXEL, 0.5, Aspect.WIDE)
    game.view.draw_with(drawing)
    surface.renderFailed.emit()
    surface.renderFailed.emit()
    assert wait_until(game.goes_on_without_it)
    assert game.whys == ["there is no device"]
    assert game.view.surface.drawing == drawing
    game.show(3)


def test_fifty_failures_in_one_game_leave_the_picture_and_the_memory(game: Game) -> None:
    """Stands in for a device that is lost and cannot be had again: each time the processor takes
    over, and the card is tried anew."""
    used = 0.0
    for number in range(50):
        surface = game.window.layers.view.surface
        assert isinstance(surface, RhiSurface)
        surface.renderFailed.emit()
        assert wait_until(game.goes_on_without_it, 60.0)
        game.show(8)
        replace_surface(game.window, game.view, game.make)
        game.show(9)
        if number == 20:
            gc.collect()
            used = megabytes()
    gc.collect()
    assert game.whys == ["there is no device"] * 50
    assert megabytes() - used < LEAK_MB


def test_a_hidden_window_is_not_taken_for_a_lost_device(game: Game) -> None:
    game.window.hide()
    game.lose_the_device()
    game.window.layers.view.dimmed = True
    QTest.qWait(2600)
    assert game.whys == []


def test_the_mouse_is_let_go_and_captured_again(game: Game) -> None:
    game.window.activateWindow()
    assert wait_until(game.window.isActiveWindow)
    game.window.capture_mouse()
    assert game.window.mouse.captured
    surface = game.window.layers.view.surface
    assert isinstance(surface, RhiSurface)
    freed: list[bool] = []
    game.window._options = WindowOptions(
        on_surface_failed=lambda why: freed.append(game.window.mouse.captured)
    )
    surface.renderFailed.emit()
    assert wait_until(lambda: bool(freed))
    assert freed == [False], "before the window was made anew"
    assert wait_until(lambda: game.window.mouse.captured, 60.0)


def test_full_screen_stays_full_screen(game: Game) -> None:
    game.window.showFullScreen()
    QApplication.processEvents()
    surface = game.window.layers.view.surface
    assert isinstance(surface, RhiSurface)
    surface.renderFailed.emit()
    assert wait_until(game.goes_on_without_it)
    assert game.window.isFullScreen()
    assert game.window.windowState() & Qt.WindowState.WindowFullScreen
    game.show(4)


def test_a_window_that_is_not_shown_stays_hidden(game: Game) -> None:
    game.window.hide()
    replace_surface(game.window, game.window.layers.view, RasterSurface)
    assert not game.window.isVisible()
    game.window.show()
    game.show(5)


def test_a_window_that_is_closing_is_left_alone(game: Game) -> None:
    game.window._leaving.finish()
    game.window._on_surface_failed("too late")
    assert game.whys == []


class Repaints(QObject):
    """Counts the times at which anything over the picture repainted."""

    def __init__(self, window: RejoinWindow) -> None:
        super().__init__()
        self.at: set[float] = set()
        layers = window.layers
        self._over = [
            each
            for top in (layers.corners, layers.stats, layers.sound, layers.overlay, layers.starting)
            for each in (top, *top.findChildren(QWidget))
        ]
        for each in self._over:
            each.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self.at.add(round(boot_s(), 2))
        return False


def test_widgets_over_a_running_picture_repaint_four_times_a_second(game: Game) -> None:
    """The reconnect card with its ring, and the statistics, over pictures that go on coming."""
    game.port.current_statistics = StreamStatistics(ConnectionNumber(1))
    game.window.layers.stats.toggle()
    game.port.publish(
        Snapshot(
            Stage.LOST,
            doing=Doing.CONNECTING,
            dropped_at=boot_s(),
            shown_deadline_at=boot_s() + 90,
        )
    )
    QTest.qWait(500)  # it has appeared
    repaints, began, seed = Repaints(game.window), boot_s(), 0
    while boot_s() - began < 3.0:
        seed += 1
        game.port.show(picture_of(noise((64, 36), seed=seed)))
        game.port.current_statistics = StreamStatistics(ConnectionNumber(1), width=seed)
        QTest.qWait(10)
    took_s = boot_s() - began
    bursts = sorted(repaints.at)
    apart = [later - former for former, later in pairwise(bursts) if later - former > 0.05]
    assert 1 <= len(apart) + 1 <= 4 * took_s + 1
    assert game.window.layers.view.painted.pictures > len(apart) + 1


def test_the_processors_window_is_refreshed_ten_times_a_second_again(game: Game) -> None:
    assert game.window._refreshing.interval() == 250
    surface = game.window.layers.view.surface
    assert isinstance(surface, RhiSurface)
    surface.renderFailed.emit()
    assert wait_until(game.goes_on_without_it)
    assert game.window._refreshing.interval() == 100
    assert not game.window.layers.overlay.ring.paced
