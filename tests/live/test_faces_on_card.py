"""The window's cards and corners over a picture that the graphics card draws, on a display.

Under Xvfb, with Mesa's software drivers for OpenGL and Vulkan.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from helpers.card_window import APIS, flat, has_vulkan, picture_of, rgb_of
from helpers.float_picture import Levels, Values
from helpers.window_faces import Shown, destroy, face_named, show_face, wait_until
from rejoin.core.model import ConnectionNumber
from rejoin.gui import theme
from rejoin.gui.card_api import CardApi
from rejoin.gui.qt_application import make_application
from rejoin.gui.rhi_surface import CardOptions, RhiSurface
from rejoin.media.statistics import StreamStatistics

pytestmark = [
    pytest.mark.live,
    pytest.mark.x11,
    pytest.mark.skipif("DISPLAY" not in os.environ, reason="there is no X server"),
]

RED = np.array([255.0, 0.0, 0.0])
RED_YUV = (63, 102, 240)
TOLERANCE = 4
SIZE = (960, 540)


@pytest.fixture(params=APIS, ids=lambda api: api.value)
def api(request: pytest.FixtureRequest) -> CardApi:
    make_application()
    if request.param is CardApi.VULKAN and not has_vulkan():
        pytest.skip("this machine has no Vulkan")
    found = request.param
    assert isinstance(found, CardApi)
    return found


@contextmanager
def shown_face(name: str, api: CardApi) -> Iterator[Shown]:
    """The face over a red picture."""
    shown = show_face(
        face_named(name),
        SIZE,
        make_surface=lambda view, events: RhiSurface(view, events, CardOptions(api)),
        shown=lambda: picture_of(flat(RED_YUV, SIZE)),
    )
    try:
        yield shown
    finally:
        destroy(shown[0])


def on_screen(window: QWidget, part: QWidget) -> Levels:
    """What the display shows where this part of the window is."""
    shot = window.screen().grabWindow(0).toImage()
    ratio = window.devicePixelRatioF()
    at = part.mapToGlobal(part.rect().topLeft())
    edges = (at.x(), at.y(), part.width(), part.height())
    return rgb_of(shot.copy(*(round(each * ratio) for each in edges)))


def covers(levels: Levels) -> bool:
    """Whether there is light text on a dark ground, where the red picture would be neither."""
    text = (levels.min(axis=2) > 170).mean()
    ground = (levels.max(axis=2) < 100).mean()
    return bool(text > 0.002 and ground > 0.5)


def is_around(levels: Levels, colour: Values) -> bool:
    """Whether a good part of the window has this colour, and its middle left edge too."""
    off = np.abs(levels.astype(float) - colour).max(axis=2) <= TOLERANCE
    return bool(off.mean() > 0.4 and off[off.shape[0] // 2, 8])


def dimmed() -> Values:
    ink = theme.colour(theme.INK)
    ground = np.array([ink.red(), ink.green(), ink.blue()], dtype=float)
    return RED * (1 - theme.DIM_OPACITY) + ground * theme.DIM_OPACITY


@pytest.mark.parametrize("name", ["lost", "end-reconnection-timeout"])
def test_a_card_is_over_the_dimmed_picture(api: CardApi, name: str) -> None:
    with shown_face(name, api) as (window, _port, _clock):
        [card] = [each for each in window.layers._cards if each.isVisible()]
        expected = dimmed()
        assert wait_until(lambda: covers(on_screen(window, card)), 60.0)
        assert wait_until(lambda: is_around(on_screen(window, window), expected), 60.0)


def test_notes_statistics_and_volume_are_over_the_picture(api: CardApi) -> None:
    with shown_face("live-sound-demo", api) as (window, port, _clock):
        port.current_statistics = StreamStatistics(ConnectionNumber(1), connected=True)
        both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        QTest.keyClick(window.layers.view, Qt.Key.Key_S, both)
        window.refresh()
        QApplication.processEvents()
        layers = window.layers
        for part in (layers.stats, layers.corners.volume, layers.sound):
            assert part.isVisible()
            assert wait_until(lambda part=part: covers(on_screen(window, part)), 60.0), part  # type: ignore[misc]
        assert wait_until(lambda: is_around(on_screen(window, window), RED), 60.0)


def test_the_starting_card_is_over_the_background(api: CardApi) -> None:
    with shown_face("starting", api) as (window, _port, _clock):
        assert wait_until(lambda: covers(on_screen(window, window.layers.starting)), 60.0)
