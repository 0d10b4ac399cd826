"""The page of practice drops: by keyboard alone, by a pad alone, and in small windows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QApplication, QScrollArea

from helpers.fake_practice import FakePractice, open_page, practising
from helpers.menu_scene import open_menu, press
from helpers.window_faces import destroy
from rejoin.gamepads.navigation import PadPress
from rejoin.gui.keys_down import KeysDown
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.practice.practice_page import ChosenDrop, PracticePage
from rejoin.runtime.practice_port import NO_TIMEOUT, Held, PracticeFinding, PracticeState

Practising = tuple[RejoinWindow, FakePractice]


@pytest.fixture
def scene(application: QApplication) -> Iterator[Practising]:
    window, _, _, practice = practising()
    yield window, practice
    destroy(window)


def pad(window: RejoinWindow, *presses: PadPress) -> None:
    for each in presses:
        window.pad_keys.hear(each)
        QCoreApplication.processEvents()


def focused(page: PracticePage) -> str:
    """The control that has the focus, by its field."""
    widget = QApplication.focusWidget()
    names = ("back", "fault", "seed", "new_seed", "start", "lift", "marker")
    found = {getattr(page, name): name for name in names}
    found |= {page.loss.slider: "loss", page.delay.slider: "delay"}
    assert widget is not None
    return found.get(widget, type(widget).__name__)


def test_tab_reaches_everything(scene: Practising) -> None:
    window, practice = scene
    practice.now = PracticeState("cut_3s")
    page = open_page(window)
    window.refresh()
    reached = {focused(page)}
    for _ in range(12):
        press(window, Qt.Key.Key_Tab)
        reached.add(focused(page))
    assert reached == {
        *("back", "fault", "seed", "new_seed", "start", "lift", "loss", "delay", "marker"),
    }


def test_a_pad_alone_reaches_everything_and_starts(scene: Practising) -> None:
    window, practice = scene
    practice.now = PracticeState(held=Held(5))
    page = open_page(window)
    window.refresh()
    reached = {focused(page)}
    for each in (*[PadPress.UP] * 5, *[PadPress.DOWN] * 9):
        pad(window, each)
        reached.add(focused(page))
    pad(window, *[PadPress.UP] * 9, PadPress.DOWN)
    for each in (PadPress.DOWN, PadPress.RIGHT, PadPress.LEFT):
        pad(window, each)
        reached.add(focused(page))
    assert reached >= {"back", "fault", "new_seed", "start", "lift", "loss", "delay", "marker"}
    page.start.setFocus()
    pad(window, PadPress.PRESS)
    assert not window.menu.is_open, "the drop is counted down"


def test_back_leads_to_the_menu_by_pad_and_by_key(scene: Practising) -> None:
    window, _ = scene
    for by_pad in (True, False):
        open_page(window)
        if by_pad:
            pad(window, PadPress.BACK)
        else:
            press(window, Qt.Key.Key_Escape)
        assert window.layers.menu.page is None
        assert window.menu.is_open


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        (PracticeState(), "No fault is on."),
        (PracticeState("http_500", 9), "http_500 is on, with seed 9."),
        (PracticeState(held=Held(0, 200)), "200 ms later is on."),
        (
            PracticeState(finding=PracticeFinding("strip", "went on")),
            "No fault is on. After the last drop the game went on. By the counter in the picture.",
        ),
        (
            PracticeState(finding=PracticeFinding("picture", "black")),
            "No fault is on. The picture after the last drop: black.",
        ),
    ],
)
def test_it_says_what_is_true(application: QApplication, state: PracticeState, shown: str) -> None:
    page = PracticePage(("cut_3s",), ChosenDrop("cut_3s"), KeysDown(), keeps_pictures=True)
    page.show_state(state)
    assert shown in page.said()
    page.deleteLater()


def test_why_a_fault_did_not_begin_is_said(application: QApplication) -> None:
    page = PracticePage(("cut_3s",), ChosenDrop("cut_3s"), KeysDown(), keeps_pictures=False)
    page.show_state(PracticeState(problem=NO_TIMEOUT))
    assert NO_TIMEOUT in page.said()
    page.deleteLater()


def test_a_seed_that_is_none_is_one(application: QApplication) -> None:
    page = PracticePage(("cut_3s",), ChosenDrop("cut_3s", 5), KeysDown(), keeps_pictures=True)
    assert page.drop == ChosenDrop("cut_3s", 5)
    for text in ("", "0", "x"):
        page.seed.setText(text)
        assert page.drop == ChosenDrop("cut_3s", 1)
    page.deleteLater()


@pytest.mark.parametrize("size", [(1280, 720), (640, 480), (420, 360)])
def test_it_fits_any_window_and_scrolls(application: QApplication, size: tuple[int, int]) -> None:
    window, _, _, _ = practising(size)
    page = open_page(window)
    QCoreApplication.processEvents()
    [area] = page.findChildren(QScrollArea)
    inside = area.widget()
    assert inside is not None
    assert inside.width() <= area.viewport().width()
    page.marker.setFocus()
    area.ensureWidgetVisible(page.marker)
    assert page.marker.visibleRegion().boundingRect().size() == page.marker.size()
    destroy(window)


def test_the_menu_names_the_fault_that_is_on(scene: Practising) -> None:
    from rejoin.gui.menu.entries import MenuAction

    window, practice = scene
    practice.now = PracticeState("cut_3s", 2)
    open_menu(window)
    window.refresh()
    entry = window.layers.menu.panel.buttons[MenuAction.PRACTICE]
    assert entry.isVisible()
    assert entry.accessibleName() == "Practice drop: cut_3s"
