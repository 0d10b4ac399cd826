"""The size of a new window, and where it opens."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication, QWidget

from helpers.settings_page import usual_theme
from helpers.window_faces import FACES, delete, destroy, show_face
from rejoin.gui import theme
from rejoin.gui.roles import Appearance
from rejoin.gui.window_size import first_size, least_size, open_on


@pytest.mark.parametrize(
    ("screen", "size"),
    [
        ((1920, 1040), (1280, 720)),
        ((1392, 783), (1280, 720)),
        ((1366, 728), (1191, 670)),
        ((1024, 728), (942, 529)),
        ((800, 1280), (736, 414)),
        ((600, 400), (552, 310)),
    ],
)
def test_the_first_size_fits_the_screen(screen: tuple[int, int], size: tuple[int, int]) -> None:
    assert first_size(QSize(*screen)).toTuple() == size


@pytest.mark.parametrize(
    ("percent", "screen", "size"),
    [
        (100, (1920, 1040), (640, 400)),
        (150, (1920, 1040), (960, 600)),
        (200, (1920, 1040), (1024, 600)),
        (200, (800, 480), (800, 480)),
        (100, (600, 390), (600, 390)),
    ],
)
def test_the_least_size_grows_with_the_text(
    application: QApplication, percent: int, screen: tuple[int, int], size: tuple[int, int]
) -> None:
    with usual_theme(application):
        theme.apply(application, Appearance(text_percent=percent))
        assert least_size(QSize(*screen)).toTuple() == size


@pytest.mark.parametrize("percent", [100, 200])
def test_every_card_fits_the_smallest_window(application: QApplication, percent: int) -> None:
    with usual_theme(application):
        theme.apply(application, Appearance(text_percent=percent))
        least = least_size(QSize(3840, 2160))
        for face in FACES:
            window, _port, _clock = show_face(face, (least.width(), least.height()))
            layers = window.layers
            for card in (layers.starting, layers.overlay, layers.end):
                if card.isVisible():
                    assert card.panel.geometry().bottom() <= layers.height(), face.name
                    assert card.panel.minimumSizeHint().width() <= card.panel.width(), face.name
            destroy(window)


def test_a_window_opens_on_the_screen_of_that_name(application: QApplication) -> None:
    window = QWidget()
    window.resize(320, 200)
    screen = application.primaryScreen()
    assert open_on(window, screen.name())
    middle, there = window.frameGeometry().center(), screen.availableGeometry().center()
    assert abs(middle.x() - there.x()) <= 1
    assert abs(middle.y() - there.y()) <= 1
    assert not open_on(window, "no screen")
    assert not open_on(window, None)
    delete(window)
