"""Practice drops in a window with a game: by the menu, by keys, and what is seen and kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.fake_port import FakeClock, FakePort
from helpers.fake_practice import FakePractice, control, open_page, practising
from helpers.menu_scene import CTRL_ALT, open_menu, playing, press
from helpers.settings_page import usual_theme
from helpers.window_faces import LIVE, destroy, lost, wait_until
from rejoin.core.model import Snapshot
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.menu.entries import MenuAction
from rejoin.gui.practice.marker_page import MarkerPage
from rejoin.gui.practice.practice_control import COUNTDOWN_S
from rejoin.gui.practice.practice_page import PracticePage
from rejoin.gui.shortcuts import Condition, ShortcutAction, Shortcuts
from rejoin.input_events.events import KeyEvent
from rejoin.runtime.practice_port import Held

Practising = tuple[RejoinWindow, FakePort, FakeClock, FakePractice]


@pytest.fixture
def scene(
    application: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Practising]:
    monkeypatch.setattr(
        "rejoin.gui.practice.practice_control.pictures_folder", lambda: tmp_path / "pictures"
    )
    made = practising(settings=tmp_path / "settings.toml", keys=True)
    with usual_theme(application):
        yield made
        made[0].files.saving.close()
        destroy(made[0])


def publish(port: FakePort, snapshot: Snapshot) -> None:
    port.publish(snapshot)
    QCoreApplication.processEvents()


def tick(window: RejoinWindow, clock: FakeClock, seconds: float = 0.0) -> None:
    clock.now += seconds
    window.refresh()
    QCoreApplication.processEvents()


def shows_page(window: RejoinWindow) -> bool:
    return window.layers.menu.page is not None


def is_framed(window: RejoinWindow) -> bool:
    return control(window).frame.is_shown


def test_a_players_window_has_none_of_it(application: QApplication) -> None:
    window, _, _ = playing()
    open_menu(window)
    assert window.practice is None
    assert window.layers.menu.panel.buttons[MenuAction.PRACTICE].isHidden()
    window.menu.resume()
    assert Condition.PRACTICE not in window.conditions()
    for action in (ShortcutAction.PRACTICE_DROP, ShortcutAction.SET_MARKER):
        assert Shortcuts().keys[action] == ()
        window.run_shortcut(action)  # nothing happens
    destroy(window)


def test_a_drop_begins_after_its_countdown_back_in_the_game(scene: Practising) -> None:
    window, _, clock, practice = scene
    page = open_page(window)
    page.start.click()
    tick(window, clock)
    assert not window.menu.is_open
    assert window.inputs.is_open
    frame = control(window).frame
    assert frame.label.text() == "Practice drop in 3: cut_3s"
    assert not is_framed(window)
    tick(window, clock, COUNTDOWN_S - 0.5)
    assert frame.label.text() == "Practice drop in 1: cut_3s"
    assert practice.begun == []
    tick(window, clock, 0.5)
    assert practice.begun == [("cut_3s", 7)]
    tick(window, clock)
    assert is_framed(window)
    assert frame.label.text() == "Practice fault: cut_3s"


def test_the_frame_is_around_cards_too_and_goes_with_the_fault(scene: Practising) -> None:
    window, port, clock, practice = scene
    practice.begin("cut_3s", 7)
    publish(port, lost())
    tick(window, clock)
    frame = control(window).frame
    assert window.layers.overlay.isVisible()
    assert is_framed(window)
    grabbed = window.grab().toImage()
    assert grabbed.pixelColor(2, 2).red() > 2 * grabbed.pixelColor(2, 2).blue()
    window.resize(900, 600)
    tick(window, clock)
    assert frame.bars[1].geometry().bottom() == window.layers.rect().bottom()
    practice.lift()
    tick(window, clock)
    assert not is_framed(window)
    assert frame.label.isHidden()


def test_keys_begin_and_lift_and_a_second_press_stops_the_countdown(scene: Practising) -> None:
    window, _, clock, practice = scene
    press(window, Qt.Key.Key_F, CTRL_ALT)
    assert control(window).frame.label.text() == "Practice drop in 3: cut_3s"
    press(window, Qt.Key.Key_F, CTRL_ALT)
    tick(window, clock, 5.0)
    assert practice.begun == []
    press(window, Qt.Key.Key_F, CTRL_ALT)
    tick(window, clock, COUNTDOWN_S)
    assert practice.begun == [("cut_3s", 7)]
    press(window, Qt.Key.Key_F, CTRL_ALT)
    assert not practice.now.is_on


def test_a_connection_that_is_lost_meanwhile_ends_the_countdown(scene: Practising) -> None:
    window, port, clock, practice = scene
    press(window, Qt.Key.Key_F, CTRL_ALT)
    publish(port, lost())
    tick(window, clock, 5.0)
    publish(port, LIVE)
    tick(window, clock, 5.0)
    assert practice.begun == []


def test_what_is_chosen_on_the_page_is_what_begins(scene: Practising) -> None:
    window, _, clock, practice = scene
    page = open_page(window)
    assert QApplication.focusWidget() is page.start
    page.fault.setFocus()
    press(window, Qt.Key.Key_Down)
    page.new_seed.click()
    page.start.click()
    tick(window, clock, COUNTDOWN_S)
    assert practice.begun == [("bufferbloat", 8)]
    assert open_page(window).drop.fault == "bufferbloat"


def test_sliders_hold_and_lift_ends_all(scene: Practising) -> None:
    window, _, clock, practice = scene
    page = open_page(window)
    page.loss.slider.setFocus()
    for _ in range(5):
        press(window, Qt.Key.Key_Right)
    wait_until(lambda: practice.held == [(Held(5, 0), 7)])
    page.delay.slider.setFocus()
    press(window, Qt.Key.Key_PageUp)
    wait_until(lambda: practice.held[-1] == (Held(5, 100), 7))
    tick(window, clock)
    assert control(window).frame.label.text() == "Practice fault: 5 % lost, 100 ms later"
    assert page.lift.isEnabled()
    page.lift.click()
    tick(window, clock)
    assert practice.lifts == 1
    assert (page.loss.number, page.delay.number) == (0, 0)
    assert not page.lift.isEnabled()


def test_the_marker_key_asks_for_a_note_and_keeps_the_picture_of_that_moment(
    scene: Practising, tmp_path: Path
) -> None:
    window, port, clock, practice = scene
    marked_at = clock.now
    press(window, Qt.Key.Key_B, CTRL_ALT)
    page = window.layers.menu.page
    assert isinstance(page, MarkerPage)
    clock.now += 4.0
    assert QApplication.focusWidget() is page.note
    QTest.keyClicks(page.note, "the sound stutters")
    press(window, Qt.Key.Key_Return)
    assert not window.menu.is_open, "back in the game"
    wait_until(lambda: len(practice.markers) == 1)
    [(at, note, picture)] = practice.markers
    assert (at, note) == (marked_at, "the sound stutters")
    assert picture.startswith("Rejoin marker ")
    assert (tmp_path / "pictures" / picture).exists(), "the trace names no file before it is there"
    wait_until(lambda: not window.files.saving.busy)
    QCoreApplication.processEvents()
    assert window.layers.history.tested(clock.now).markers == (marked_at,)
    assert port.codes == frozenset(), "nothing that was typed reached the game"


def test_a_marker_whose_picture_cannot_be_saved_names_none(
    scene: Practising, tmp_path: Path
) -> None:
    window, _, clock, practice = scene
    (tmp_path / "pictures").write_text("a file where the folder belongs")
    press(window, Qt.Key.Key_B, CTRL_ALT)
    press(window, Qt.Key.Key_Return)
    wait_until(lambda: len(practice.markers) == 1)
    assert practice.markers == [(clock.now, "", "")]
    wait_until(lambda: not window.files.saving.busy)
    QCoreApplication.processEvents()


def test_a_marker_that_is_left_without_save_is_none(scene: Practising) -> None:
    window, _, clock, practice = scene
    press(window, Qt.Key.Key_B, CTRL_ALT)
    press(window, Qt.Key.Key_Escape)
    assert not window.menu.is_open, "it leads back to where the key was pressed"
    assert practice.markers == []
    assert window.layers.history.tested(clock.now).markers == ()


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Escape])
def test_the_key_that_leads_back_does_not_press_itself_in_the_game(
    scene: Practising, key: Qt.Key
) -> None:
    window, port, _, _ = scene
    press(window, Qt.Key.Key_B, CTRL_ALT)
    focused = QApplication.focusWidget()
    assert focused is not None
    before = len(port.inputs)
    QTest.keyPress(focused, key)
    assert not window.menu.is_open
    for _ in range(3):  # held: repeats without Qt's flag, as on X11
        QTest.keyPress(window.layers.view, key)
    QTest.keyRelease(window.layers.view, key)
    assert [each for each in port.inputs[before:] if isinstance(each, KeyEvent)] == []


def test_enter_on_start_does_not_press_itself_in_the_game(scene: Practising) -> None:
    window, port, _, _ = scene
    page = open_page(window)
    before = len(port.inputs)
    QTest.keyPress(page.start, Qt.Key.Key_Return)
    QCoreApplication.processEvents()
    assert not window.menu.is_open
    QTest.keyPress(window.layers.view, Qt.Key.Key_Return)
    QTest.keyRelease(window.layers.view, Qt.Key.Key_Return)
    assert [each for each in port.inputs[before:] if isinstance(each, KeyEvent)] == []


def test_a_marker_during_a_drop_asks_nothing(scene: Practising) -> None:
    window, port, clock, practice = scene
    practice.keeps_pictures = False
    publish(port, lost())
    press(window, Qt.Key.Key_B, CTRL_ALT)
    assert practice.markers == [(clock.now, "", "")]
    assert not window.menu.is_open


def test_a_marker_from_the_page_leads_back_to_it(scene: Practising) -> None:
    window, _, _, practice = scene
    practice.keeps_pictures = False
    page = open_page(window)
    page.marker.click()
    marker = window.layers.menu.page
    assert isinstance(marker, MarkerPage)
    marker.save.click()
    assert isinstance(window.layers.menu.page, PracticePage)
    assert len(practice.markers) == 1
    press(window, Qt.Key.Key_Escape)
    assert not shows_page(window)
    assert window.menu.is_open


def test_the_charts_have_what_was_done(scene: Practising) -> None:
    window, _, clock, practice = scene
    practice.begin("cut_3s", 7)
    tick(window, clock)
    began_at = clock.now
    practice.lift()
    tick(window, clock, 3.0)
    [fault] = window.layers.history.tested(clock.now).faults
    assert (fault.began_at, fault.ended_at) == (began_at, clock.now)


def test_a_screen_reader_hears_what_begins_and_ends(scene: Practising) -> None:
    window, _, clock, practice = scene
    said: list[str] = []
    window.announced.connect(said.append)
    practice.begin("cut_3s", 7)
    tick(window, clock)
    practice.now = replace(practice.now, fault="")
    tick(window, clock)
    assert said[-2:] == ["cut_3s is on.", "cut_3s is over."]


def test_other_controls_keep_the_testers_keys(scene: Practising) -> None:
    window, _, clock, practice = scene
    from rejoin.gui.control_options import ControlOptions

    window.use_controls(ControlOptions())
    press(window, Qt.Key.Key_F, CTRL_ALT)
    tick(window, clock, COUNTDOWN_S)
    assert practice.begun == [("cut_3s", 7)]
