"""Cards, menu, settings and home by a pad alone: what its presses do in real windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QMessageBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from helpers.fake_pads import FakePads
from helpers.fake_port import FakeClock, FakePort
from helpers.menu_scene import playing
from helpers.settings_page import page_on, usual_theme
from helpers.window_faces import LIVE, NOW, delete, destroy, lost, wait_until
from rejoin.core.events import CloseForNowRequested, EndGameRequested, Event, TryNowRequested
from rejoin.core.model import Doing, Ending, EndingKind, Snapshot, Stage
from rejoin.gamepads.choices import PadChoices
from rejoin.gamepads.in_hand import NoPad, PadInHand, PadNews
from rejoin.gamepads.navigation import PadPress
from rejoin.gamepads.pad_kinds import PadKind
from rejoin.gui import hand
from rejoin.gui.card import SETTLED_S, UNARMED_S
from rejoin.gui.confirmation import question_box
from rejoin.gui.control_options import ControlOptions
from rejoin.gui.home.step_page import Choice, Step, StepPage
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.menu.entries import MenuAction
from rejoin.gui.pad_keys import PadKeys
from rejoin.gui.settings.controls import ChoiceBox, PercentSlider, Switch
from rejoin.gui.window_options import WindowOptions

UP, DOWN, LEFT, RIGHT, PRESS, BACK, CHORD = PadPress
SONY = PadInHand(PadKind.PLAYSTATION_5)
SWITCH = PadInHand(PadKind.SWITCH)


def does(pads: FakePads, *presses: PadNews) -> None:
    """The player's pad, on its thread's behalf: each arrives as a queued signal."""
    assert pads.heard is not None
    for press in presses:
        pads.heard(press)
        QCoreApplication.processEvents()


class Game:
    """A window with a live game, played with a pad alone."""

    def __init__(self, settings: Path) -> None:
        self.pads = FakePads()
        self.window: RejoinWindow
        self.port: FakePort
        self.clock: FakeClock
        options = WindowOptions(pads=self.pads, start_again=lambda: None)
        self.window, self.port, self.clock = playing(settings=settings, options=options)
        assert wait_until(lambda: self.pads.heard is not None)

    def does(self, *presses: PadNews) -> None:
        does(self.pads, *presses)

    def shows(self, snapshot: Snapshot) -> None:
        self.port.publish(snapshot)
        QCoreApplication.processEvents()

    def waits(self) -> None:
        """Until the buttons of a card that has just appeared take presses."""
        self.clock.now += UNARMED_S + SETTLED_S + 0.1
        self.window.refresh()

    def posted(self) -> list[type[Event]]:
        return [type(each) for each in self.port.events]

    def takes_input(self) -> tuple[bool, bool]:
        """The menu, and the game."""
        return self.window.menu.is_open, self.window.inputs.is_open

    def focused(self) -> str:
        focused = QApplication.focusWidget()
        return focused.text() if isinstance(focused, QPushButton) else ""


@pytest.fixture
def game(application: QApplication, tmp_path: Path) -> Iterator[Game]:
    with usual_theme(application):
        made = Game(tmp_path / "settings.toml")
        yield made
        destroy(made.window)


def test_the_chord_opens_the_menu_and_back_leaves_it(game: Game) -> None:
    game.does(CHORD)
    assert game.takes_input() == (True, False)
    assert game.focused() == "Back to the game"
    game.does(DOWN, UP, BACK)
    assert game.takes_input() == (False, True)


def test_the_menu_names_the_button_that_goes_back_to_the_game(game: Game) -> None:
    resume = game.window.layers.menu.panel.buttons[MenuAction.RESUME]
    game.does(CHORD)
    game.window.refresh()
    assert resume.accessibleName() == "Back to the game: B"
    game.window.use_controls(ControlOptions(), PadChoices(swap_ab_cards=True))
    game.window.refresh()
    assert resume.accessibleName() == "Back to the game: A"
    QTest.keyClick(game.window.windowHandle(), Qt.Key.Key_Down)
    game.window.refresh()
    assert resume.accessibleName() == "Back to the game: Esc"


def test_the_first_hint_of_a_game_names_the_chord_of_the_pad(game: Game) -> None:
    game.does(CHORD, BACK)
    game.shows(Snapshot(Stage.STARTING))
    game.shows(LIVE)
    note = game.window.layers.corners.note
    assert note.second.text() == "View and Menu, held: menu"
    QTest.mouseClick(game.window.windowHandle(), Qt.MouseButton.RightButton)
    game.window.refresh()
    assert note.second.text() == "Ctrl+Alt+G: menu"


def test_hints_follow_the_pad_that_plays_and_what_is_printed_on_it(game: Game) -> None:
    def hint() -> str:
        game.window.refresh()
        return game.window.layers.corners.note.second.text()

    game.does(replace(SONY, pressed=False))
    game.shows(Snapshot(Stage.STARTING))
    game.shows(LIVE)
    assert hint() == "Ctrl+Alt+G: menu", "it was only plugged in"
    game.does(SONY)
    assert game.takes_input() == (False, True), "a press that was for the game"
    assert hint() == "Create and Options, held: menu"
    game.does(SWITCH)
    assert hint() == "Minus and Plus, held: menu"
    game.does(NoPad())
    assert hint() == "Ctrl+Alt+G: menu"


def test_a_pad_that_plays_while_another_window_is_active_takes_no_hand(
    game: Game, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QApplication, "activeWindow", lambda: None)
    game.does(SONY)
    assert hand.pad() is None


def test_the_menu_names_the_button_as_it_is_printed_on_the_last_pad(game: Game) -> None:
    resume = game.window.layers.menu.panel.buttons[MenuAction.RESUME]
    game.does(SONY, CHORD)
    for pad, name in ((SONY, "Circle"), (SWITCH, "A"), (PadInHand(), "B")):
        game.does(pad)
        game.window.refresh()
        assert resume.accessibleName() == f"Back to the game: {name}"


def test_every_entry_of_the_menu_is_reached_and_pressed(game: Game) -> None:
    game.does(CHORD)
    seen = []
    for _ in range(7):
        seen.append(game.focused())
        game.does(DOWN)
    assert seen == [
        *("Back to the game", "Full screen", "Sound", "Statistics", "Settings"),
        *("Close for now", "End game"),
    ]
    game.does(DOWN, DOWN, LEFT)
    assert game.port.sound().volume < 100
    game.does(DOWN, PRESS)
    assert game.window.layers.menu.shows_statistics


def test_a_game_is_ended_from_playing_by_the_pad_alone(game: Game) -> None:
    game.does(CHORD, UP)
    assert game.focused() == "End game"
    game.does(PRESS)
    assert game.focused() == "Keep playing"
    game.does(BACK)
    assert game.focused() == "End game"
    game.does(PRESS, DOWN, PRESS)
    assert game.posted() == [EndGameRequested]


def test_settings_in_the_game_are_changed_and_left(game: Game) -> None:
    game.does(CHORD)
    for _ in range(4):
        game.does(DOWN)
    game.does(PRESS)
    page = game.window.layers.menu.page
    assert page is not None
    game.does(DOWN, DOWN, DOWN, RIGHT)  # Controls, and into it
    assert isinstance(QApplication.focusWidget(), ChoiceBox)
    game.does(LEFT, BACK)
    assert game.window.layers.menu.page is None
    assert game.focused() == "Settings"


def test_on_the_card_of_a_lost_connection_the_pad_reaches_every_button(game: Game) -> None:
    game.shows(lost())
    assert game.focused() == "", "keys of the game press nothing"
    game.does(PRESS, DOWN)
    assert game.posted() == [], "it has just appeared"
    game.waits()
    game.does(DOWN)
    assert game.focused() == "Try now"
    game.does(PRESS)
    assert game.posted() == [], "not seen to have the focus for long enough"
    game.waits()
    game.does(PRESS)
    assert game.posted() == [TryNowRequested]
    game.does(RIGHT)
    assert game.focused() == "Close for now"
    game.does(RIGHT)
    assert game.focused() == "End game"
    game.waits()
    game.does(PRESS)
    assert game.focused() == "Keep trying"
    game.does(BACK)
    assert game.focused() == "End game"
    game.does(LEFT)
    game.waits()
    game.does(PRESS)
    assert game.posted() == [TryNowRequested, CloseForNowRequested]


def test_the_end_and_its_report_are_left_by_the_pad(game: Game) -> None:
    game.shows(Snapshot(Stage.ENDED, ending=Ending(EndingKind.GAME_ENDED)))
    game.waits()
    end = game.window.layers.end
    game.does(DOWN)
    for _ in range(3):
        if game.focused() != "Report a problem":
            game.does(RIGHT)
    game.waits()
    game.does(PRESS)
    assert game.window.layers.report_page.isVisible()
    game.does(BACK)
    assert end.isVisible()


def test_a_start_is_cancelled_by_the_pad(application: QApplication) -> None:
    pads, port, clock = FakePads(), FakePort(), FakeClock(NOW)
    options = WindowOptions(pads=pads, before_start=Snapshot(Stage.STARTING))
    window = RejoinWindow(port, options, clock=clock)
    window.show()
    window.activateWindow()
    assert wait_until(lambda: pads.heard is not None)
    port.publish(Snapshot(Stage.STARTING, doing=Doing.PLACING))
    QCoreApplication.processEvents()
    clock.now += 2.0
    does(pads, PRESS)
    assert [type(each) for each in port.events] == [CloseForNowRequested]
    destroy(window)


def test_presses_never_reach_a_game_that_takes_input(game: Game) -> None:
    before = len(game.port.inputs)
    game.does(PRESS, DOWN, BACK)
    assert len(game.port.inputs) == before


def test_without_an_active_window_of_ours_nothing_is_pressed(game: Game) -> None:
    game.shows(lost())
    game.waits()
    game.window.layers.overlay.try_button.setFocus()
    game.waits()
    other = QWidget()
    other.show()
    other.activateWindow()
    QCoreApplication.processEvents()
    other.hide()
    QCoreApplication.processEvents()
    if QApplication.activeWindow() is None:
        game.does(PRESS)
        assert game.posted() == []
    delete(other)


# --- pages --------------------------------------------------------------------------------------


@pytest.fixture
def pads(application: QApplication) -> FakePads:
    return FakePads()


def listening(pads: FakePads, window: QWidget) -> PadKeys:
    window.activateWindow()
    made = PadKeys(pads, window, after_ms=0)
    assert wait_until(lambda: pads.heard is not None)
    return made


def test_every_kind_of_row_in_the_settings_is_changed(pads: FakePads, tmp_path: Path) -> None:
    with page_on(tmp_path / "settings.toml") as page:
        keys = listening(pads, page)
        does(pads, RIGHT)
        first = QApplication.focusWidget()
        assert isinstance(first, QComboBox)
        does(pads, PRESS)
        assert QApplication.activePopupWidget() is not None
        does(pads, DOWN, PRESS)
        assert wait_until(lambda: QApplication.activePopupWidget() is None)
        assert page.state.settings.renderer == "card"
        before = page.state.settings.vsync
        for _ in range(len(page.shown.rows)):
            if QApplication.focusWidget() is not page.shown.rows["video.vsync"].controls[0]:
                does(pads, DOWN)
        does(pads, PRESS)
        assert (before, page.state.settings.vsync) == (False, True)
        page.show_section("controls")
        slider = page.shown.rows["pads.dead_zone"].controls[0]
        assert isinstance(slider, PercentSlider)
        slider.slider.setFocus()
        does(pads, RIGHT)
        assert wait_until(lambda: page.state.settings.pad_dead_zone == 0.11)
        does(pads, DOWN)
        assert isinstance(QApplication.focusWidget(), Switch)
        keys.close()


def test_rows_that_are_scrolled_out_are_reached_and_seen(pads: FakePads, tmp_path: Path) -> None:
    with page_on(tmp_path / "settings.toml", (1024, 480)) as page:
        keys = listening(pads, page)
        page.show_section("shortcuts")
        does(pads, RIGHT)
        for _ in range(12):
            does(pads, DOWN)
        assert QApplication.focusWidget() is page.shown.reset
        assert not page.shown.reset.visibleRegion().isEmpty()
        keys.close()


def test_from_the_list_of_sections_down_leads_to_the_way_back(
    pads: FakePads, tmp_path: Path
) -> None:
    left: list[bool] = []
    with page_on(tmp_path / "settings.toml") as page:
        page.left.connect(lambda: left.append(True))
        keys = listening(pads, page)
        for _ in range(20):
            does(pads, DOWN)
        assert QApplication.focusWidget() is page.back
        does(pads, PRESS)
        assert left == [True]
        does(pads, UP, BACK)
        assert left == [True, True]
        keys.close()


def test_a_question_is_answered(pads: FakePads) -> None:
    box = question_box("Connect to it?")
    box.show()
    keys = listening(pads, box)
    yes = box.button(QMessageBox.StandardButton.Yes)
    for press in (LEFT, RIGHT):
        if QApplication.focusWidget() is not yes:
            does(pads, press)
    assert QApplication.focusWidget() is yes
    does(pads, PRESS)
    assert box.clickedButton() is yes
    keys.close()
    delete(box)


def test_a_page_of_steps_is_pressed_and_left(pads: FakePads) -> None:
    """As the sign-in with a code, which needs no typing."""
    pressed: list[str] = []
    page = StepPage()
    page.left.connect(lambda: pressed.append("left"))
    choices = tuple(
        Choice(text, lambda text=text: pressed.append(text))  # type: ignore[misc]
        for text in ("Open the browser", "Use a phone")
    )
    page.show_step(Step("Sign in", choices=choices))
    page.show()
    keys = listening(pads, page)
    page.take_focus()
    does(pads, RIGHT, PRESS, LEFT, PRESS, BACK)
    assert pressed == ["Use a phone", "Open the browser", "left"]
    keys.close()
    delete(page)


def test_a_window_without_focus_begins_with_its_first_button(pads: FakePads) -> None:
    window = QWidget()
    column = QVBoxLayout(window)
    buttons = [QPushButton("one"), QPushButton("two")]
    for button in buttons:
        column.addWidget(button)
    window.show()
    keys = listening(pads, window)
    focused = QApplication.focusWidget()
    if focused is not None:
        focused.clearFocus()
    does(pads, PRESS)
    assert buttons[0].hasFocus()
    does(pads, DOWN)
    assert buttons[1].hasFocus()
    keys.close()
    delete(window)


def test_closed_it_does_nothing_with_what_still_arrives(pads: FakePads) -> None:
    window = QPushButton("one")
    window.show()
    keys = listening(pads, window)
    hear = pads.heard
    assert hear is not None
    clicked: list[bool] = []
    window.clicked.connect(lambda: clicked.append(True))
    window.setFocus()
    hear(PRESS)
    keys.close()
    QCoreApplication.processEvents()
    assert clicked == []
    assert pads.heard is None
    delete(window)
