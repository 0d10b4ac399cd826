"""The tab of the menu: where it is, what it is called, and how a mouse alone opens the menu."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QGuiApplication, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.fake_port import FakeClock, FakePort
from helpers.window_faces import LIVE, NOW, ShowFace, face_named
from rejoin.core.model import NoInput, Snapshot
from rejoin.gui.languages.choice import speak
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.menu_tab import UNARMED_S, MenuTab
from rejoin.gui.notes import MENU_TAB_FOR_S
from rejoin.gui.roles import Appearance
from rejoin.gui.theme import apply
from rejoin.input_events.events import PointerButton

EDGE = QPoint(100, 3)


def move(window: RejoinWindow, to: QPoint) -> None:
    view = window.layers.view
    at = QPointF(to)
    held = QGuiApplication.mouseButtons()
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        *(at, QPointF(view.mapTo(window, to)), QPointF(view.mapToGlobal(to))),
        *(Qt.MouseButton.NoButton, held, Qt.KeyboardModifier.NoModifier),
    )
    QApplication.sendEvent(view, event)
    QApplication.processEvents()


def shows(window: RejoinWindow) -> bool:
    return window.layers.menu_tab.isVisible()


def menu_is_open(window: RejoinWindow) -> bool:
    return window.menu.is_open


def publish(window: RejoinWindow, port: FakePort, snapshot: Snapshot) -> None:
    port.publish(snapshot)
    QApplication.processEvents()
    assert window.snapshot == snapshot


def click_tab(window: RejoinWindow, button: Qt.MouseButton = Qt.MouseButton.LeftButton) -> None:
    """As from the desktop, which knows no widgets."""
    tab = window.layers.menu_tab
    at = tab.mapTo(window, tab.rect().center())
    QTest.mouseClick(window.windowHandle(), button, pos=at)
    QApplication.processEvents()


def test_it_hangs_in_the_middle_of_the_upper_edge(application: QApplication) -> None:
    tab = MenuTab(FakeClock(NOW))
    tab.place(QRect(0, 0, 640, 400))
    assert tab.geometry().top() == 0
    assert abs(tab.geometry().center().x() - 320) <= 1
    assert tab.is_near(QPoint(5, tab.height() - 1))
    assert not tab.is_near(QPoint(5, tab.height()))
    assert not tab.is_near(QPoint(320, -1))


def test_it_has_a_name_and_names_its_keys_in_each_language(application: QApplication) -> None:
    tab = MenuTab(FakeClock(NOW))
    tab.name_keys("Ctrl+Alt+G")
    try:
        for language, name in (("de", "Menü"), ("ja", "メニュー"), ("en", "Menu")):
            speak(application, language)
            application.processEvents()
            assert (tab.text(), tab.accessibleName()) == (name, name)
            assert name in tab.toolTip()
            assert "Ctrl+Alt+G" in tab.toolTip() or language == "de"
    finally:
        speak(application, "en")


def test_it_grows_with_the_text(application: QApplication) -> None:
    tab = MenuTab(FakeClock(NOW))
    tab.place(QRect(0, 0, 640, 400))
    before = tab.size()
    apply(application, Appearance(text_percent=200))
    tab.place(QRect(0, 0, 640, 400))
    after, wanted = tab.size(), tab.sizeHint()
    apply(application, Appearance())
    assert after.height() > before.height() * 1.3
    assert after == wanted


def test_with_a_mouse_alone_the_menu_opens_and_shuts(show: ShowFace) -> None:
    window, port, clock = show(face_named("live"))
    window.layers.menu_tab.hovered = False
    move(window, QPoint(100, 200))
    assert not shows(window), "the pointer is in the middle of the game"
    move(window, EDGE)
    assert shows(window)
    clock.now += UNARMED_S
    port.inputs.clear()
    click_tab(window)
    assert menu_is_open(window)
    assert not shows(window), "the menu has a button of its own"
    assert not [event for event in port.inputs if isinstance(event, PointerButton)]
    window.layers.menu.panel.chosen.emit(next(iter(window.menu._does)))
    assert not menu_is_open(window)
    assert not window.mouse.captured, "the game did not have it before"


def test_it_goes_a_moment_after_the_pointer_but_not_from_under_it(show: ShowFace) -> None:
    window, _port, clock = show(face_named("live"))
    move(window, EDGE)
    window.layers.menu_tab.hovered = True
    clock.now += MENU_TAB_FOR_S + 60
    window.refresh()
    assert shows(window)
    window.layers.menu_tab.hovered = False
    window.refresh()
    assert not shows(window)


@pytest.mark.parametrize("button", [Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton])
def test_other_buttons_on_it_do_nothing_in_the_game_either(
    show: ShowFace, button: Qt.MouseButton
) -> None:
    window, port, clock = show(face_named("live"))
    move(window, EDGE)
    clock.now += UNARMED_S
    click_tab(window, button)
    assert not menu_is_open(window)
    assert not [event for event in port.inputs if isinstance(event, PointerButton)]


def test_a_captured_mouse_never_sees_it_and_a_freed_one_does(show: ShowFace) -> None:
    window, _port, _clock = show(face_named("live"))
    move(window, EDGE)
    window.capture_mouse()
    assert not shows(window)
    move(window, EDGE + QPoint(1, 0))
    window.refresh()
    assert not shows(window)
    window.release_mouse()
    window.refresh()
    assert shows(window), "with a mouse that has just been freed one may look for it"


def test_a_drag_to_the_edge_is_the_games(show: ShowFace) -> None:
    window, _port, _clock = show(face_named("live"))
    view = window.layers.view
    QTest.mousePress(view, Qt.MouseButton.RightButton, pos=QPoint(100, 200))
    move(window, EDGE)
    assert not shows(window)
    QTest.mouseRelease(view, Qt.MouseButton.RightButton, pos=EDGE)
    assert shows(window)


def test_a_game_that_can_only_be_watched_has_it_too(show: ShowFace) -> None:
    window, port, clock = show(face_named("live"))
    publish(window, port, Snapshot(LIVE.stage, view_only=NoInput.NO_CHANNEL))
    move(window, EDGE)
    assert shows(window)
    clock.now += UNARMED_S
    click_tab(window)
    assert menu_is_open(window)


@pytest.mark.parametrize("size", [(1280, 720), (640, 400)], ids=["large", "small"])
@pytest.mark.parametrize("percent", [100, 200])
def test_a_wide_note_goes_below_it(
    show: ShowFace, application: QApplication, percent: int, size: tuple[int, int]
) -> None:
    window, port, _clock = show(face_named("live"), size)
    apply(application, Appearance(text_percent=percent))
    try:
        port.problem_text = "No sound: this computer has no audio output." * 2
        move(window, EDGE)
        window.refresh()
        application.processEvents()
        problem, tab = window.layers.corners.problem, window.layers.menu_tab
        assert problem.isVisible()
        assert tab.isVisible()
        assert not problem.geometry().intersects(tab.geometry())
    finally:
        apply(application, Appearance())
