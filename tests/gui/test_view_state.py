"""Where the picture is, in the window's own pixels."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtWidgets import QApplication

from helpers.fake_port import picture
from helpers.window_faces import ShowFace, face_named
from rejoin.gui.view_state import view_of


def test_it_is_the_letterboxed_picture_in_its_window(show: ShowFace) -> None:
    window, port, _clock = show(face_named("live"))
    for size, place in (
        ((1000, 250), (0, 200, 1280, 320)),
        ((500, 500), (280, 0, 720, 720)),
        ((1280, 720), (0, 0, 1280, 720)),
    ):
        port.show(picture(*size))
        QApplication.processEvents()
        view = view_of(window, window.layers.view, captured=False)
        assert [view.left, view.top, view.width, view.height] == list(place)
        assert QRectF(window.layers.view.target()).width() == view.width
    assert (view.window_width, view.window_height, view.device_pixel_ratio) == (1280, 720, 1)
    screen = window.screen().size()
    assert (view.screen_width, view.screen_height) == screen.toTuple()
    assert [view.focused, view.visible, view.full_screen, view.captured] == [
        True,
        True,
        False,
        False,
    ]


def test_a_banner_moves_it_down(show: ShowFace) -> None:
    window, _port, _clock = show(face_named("view-only"))
    view = view_of(window, window.layers.view, captured=False)
    assert view.top >= window.banner_row.height() > 0
    assert view.top + view.height <= window.height()


def test_it_says_what_the_player_sees(show: ShowFace) -> None:
    window, _port, _clock = show(face_named("live"))
    window.showMinimized()
    QApplication.processEvents()
    assert not view_of(window, window.layers.view, captured=False).visible
    window.showFullScreen()
    QApplication.processEvents()
    view = view_of(window, window.layers.view, captured=True)
    assert (view.visible, view.full_screen, view.captured) == (True, True, True)


def test_without_a_picture_it_is_where_one_will_be(show: ShowFace) -> None:
    window, _port, _clock = show(face_named("idle"))
    view = view_of(window, window.layers.view, captured=False)
    assert (view.width, view.height) == window.layers.view.size().toTuple()
