"""What the home's buttons and keys do, from the list to a game and back."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import pytest
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QPushButton, QWidget

from helpers.home_scene import TIDE, WOOD, FakeParts, FakePlayedGame, HomeScene, save_ticket
from helpers.window_faces import wait_until
from rejoin.core.model import Ending, EndingKind
from rejoin.errors import BadInputError
from rejoin.gui.connection_test import ConnectionTestPage
from rejoin.gui.home import controller as controllers
from rejoin.gui.home import played_game, texts
from rejoin.gui.home.contents import Alive, Leaving, Over
from rejoin.gui.home.extra_pages import EXTRAS, Extra, HomeActions
from rejoin.gui.home.report_page import HomeReportPage
from rejoin.gui.settings.page import SettingsPage
from rejoin.gui.settings.sections import SECTIONS
from rejoin.runtime import games_file
from rejoin.runtime.deep_link import link_of
from rejoin.runtime.instance_server import Activation
from rejoin.runtime.launch import GameToPlay
from rejoin.runtime.opening import Ready, SignInNeeded
from rejoin.runtime.player_settings import PlayerSettings
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.runtime.ticket_folder import TicketFolder, present

LINK = "rejoin://play?backend=https%3A%2F%2Fgames.example"


@pytest.fixture(autouse=True)
def _no_real_game(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(played_game, "PlayedGame", FakePlayedGame)


def ready() -> Ready:
    return Ready(GameToPlay(StudioProfile.from_address(WOOD.address, "t" * 20)))


def play(scene: HomeScene) -> FakePlayedGame:
    """The first game of the list, by the keyboard."""
    scene.press(Qt.Key.Key_Return)
    assert scene.title == "Opening Lantern Wood..."
    scene.jobs.end(ready())
    assert scene.window.page is scene.playing.view
    assert scene.playing.started
    return scene.playing


def test_an_empty_home_explains_itself_and_enter_adds_a_game(scene: HomeScene) -> None:
    scene.open()
    home = scene.window.home
    assert home.empty_title.isVisible()
    assert "rejoin://" in home.empty_text.text()
    assert not home.heading.isVisible()
    scene.press(Qt.Key.Key_Return)
    assert scene.title == texts.ADD_TITLE
    scene.press(Qt.Key.Key_Escape)
    assert scene.window.page is home


def test_a_game_is_played_and_left_by_the_keyboard_alone(scene: HomeScene) -> None:
    scene.open(WOOD)
    playing = play(scene)
    assert games_file.load(scene.path).games[0].last_played is not None
    scene.window.close()
    assert playing.view.closings == 1
    playing.left.emit()
    assert scene.window.page is scene.window.home
    assert not scene.window.home.panel.button.isEnabled()
    save_ticket()
    playing.over.emit()
    assert wait_until(scene.window.home.panel.button.hasFocus, 60.0)
    assert "to get back" in scene.window.home.panel.time.text()
    assert scene.gone == 0


def test_continue_goes_back_with_the_ticket(scene: HomeScene) -> None:
    ticket = save_ticket()
    scene.open(WOOD)
    assert "Lantern Wood. Last connected" in scene.window.home.panel.sentence.text()
    scene.press(Qt.Key.Key_Return)
    assert scene.title == "Going back into Lantern Wood..."
    wanted = scene.controller
    assert wanted is not None
    assert wanted._to_open is not None
    assert wanted._to_open.ticket == ticket


def test_a_game_that_is_over_says_so_until_the_player_has_seen_it(scene: HomeScene) -> None:
    controller = scene.open(WOOD)
    save_ticket()
    controller.refresh()
    assert wait_until(lambda: controller._last.ticket is not None, 60.0)
    now = present()
    controller._tickets.now = lambda: replace(now, at=now.at + 4000.0)
    controller._show_contents()
    panel = scene.window.home.panel
    assert panel.title.text() == texts.TIME_IS_UP
    assert not panel.button.isVisible()
    panel.dismiss_button.setFocus()
    scene.press(Qt.Key.Key_Return)
    assert not panel.isVisible()
    assert TicketFolder().newest() is None


def test_a_game_that_was_closed_for_now_can_be_reported(scene: HomeScene) -> None:
    """Whoever leaves because of a problem has no end card to report it from."""
    scene.open(WOOD)
    panel = scene.window.home.panel
    playing = play(scene)
    save_ticket(WOOD.address, ago_s=1.0)
    playing.left.emit()
    assert not panel.report_button.isVisible(), "its engine finishes"
    playing.over.emit()
    assert wait_until(panel.report_button.isVisible, 60.0)
    panel.report_button.click()
    page = scene.window.page
    assert isinstance(page, HomeReportPage)
    assert page.text.text() == "Rejoin report\nPlayed: 2 min\n"
    QTest.keyClick(page.copy_button, Qt.Key.Key_Escape)
    assert scene.window.page is scene.window.home


def test_a_game_that_was_played_in_another_run_has_no_report(scene: HomeScene) -> None:
    save_ticket(WOOD.address, ago_s=1.0)
    scene.open(WOOD)
    assert scene.window.home.panel.isVisible()
    assert not scene.window.home.panel.report_button.isVisible()


def test_a_game_that_ends_leads_home_too(scene: HomeScene) -> None:
    controller = scene.open(WOOD)
    playing = play(scene)
    playing.over.emit()
    assert wait_until(lambda: controller._last.shown is None, 60.0)
    assert scene.window.page is scene.window.home
    assert scene.window.home.tiles[0].hasFocus()
    play(scene)


def test_closing_the_home_ends_the_program_once_a_game_has_finished(scene: HomeScene) -> None:
    controller = scene.open(WOOD)
    playing = play(scene)
    scene.window.close()
    playing.left.emit()
    scene.window.close()
    assert not scene.window.isVisible()
    assert scene.gone == 0
    playing.over.emit()
    assert scene.gone == 1
    controller.close()
    assert scene.gone == 1


def test_closing_without_a_game_ends_the_program(scene: HomeScene) -> None:
    scene.open(WOOD)
    scene.press(Qt.Key.Key_Return)
    job = scene.jobs.waiting[-1][0]
    scene.window.close()
    assert scene.gone == 1
    assert job.cancelled


def test_a_game_whose_parts_fail_is_a_sentence_and_its_claims_are_given_back(
    scene: HomeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller = scene.open(WOOD)
    released: list[object] = []
    monkeypatch.setattr("rejoin.runtime.opening.release", released.append)

    def fail(game: object, on_activate: object) -> object:
        raise BadInputError("The file is gone.")

    controller._parts = replace(controller._parts, make_parts=fail)  # type: ignore[arg-type]
    scene.press(Qt.Key.Key_Return)
    opening = ready()
    scene.jobs.end(opening)
    assert scene.problem == "The file is gone."
    assert released == [opening.game]
    scene.press(Qt.Key.Key_Escape)
    assert scene.window.page is scene.window.home


def test_a_refused_sign_in_is_asked_for_again(scene: HomeScene) -> None:
    controller = scene.open(WOOD)
    playing = play(scene)
    playing.ending = Ending(EndingKind.SIGN_IN_NEEDED)
    playing.over.emit()
    scene.press(Qt.Key.Key_Return)
    assert controller.steps.opening._refused == {WOOD.key}
    scene.jobs.end(SignInNeeded(StudioProfile.from_address(WOOD.address, None), None))
    assert scene.title == "A sign-in token for 127.0.0.1:9"
    assert controller.steps.opening._refused == set()


# --- the list -------------------------------------------------------------------------------------


def test_a_game_is_renamed_by_its_key(scene: HomeScene) -> None:
    scene.open(WOOD, TIDE)
    scene.press(Qt.Key.Key_F2)
    scene.type("  ")
    scene.press(Qt.Key.Key_Return)
    assert scene.title == "A new name for Lantern Wood"
    scene.type("Copper Harvest")
    scene.press(Qt.Key.Key_Return)
    assert scene.names() == ["Copper Harvest", "Tide Runner"]
    assert scene.saved_names() == ["Copper Harvest", "Tide Runner"]


def test_a_game_is_removed_once_that_is_confirmed(scene: HomeScene) -> None:
    scene.open(WOOD, TIDE)
    scene.press(Qt.Key.Key_Delete)
    assert scene.title == "Remove Lantern Wood from the list?"
    scene.press(Qt.Key.Key_Escape)
    assert scene.names() == ["Lantern Wood", "Tide Runner"]
    scene.window.home.tiles[0].setFocus()
    scene.press(Qt.Key.Key_Delete)
    scene.press(Qt.Key.Key_Return)
    assert scene.names() == ["Tide Runner"]
    assert scene.saved_names() == ["Tide Runner"]


def test_what_cannot_be_written_is_a_sentence(
    scene: HomeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.open(WOOD)

    def fail(*_: object) -> None:
        raise BadInputError("The file of games cannot be changed: the disk is full.")

    monkeypatch.setattr(games_file, "remove", fail)
    scene.press(Qt.Key.Key_Delete)
    scene.press(Qt.Key.Key_Return)
    assert "the disk is full" in scene.problem
    assert scene.names() == ["Lantern Wood"]


def test_the_menu_has_the_same(scene: HomeScene) -> None:
    scene.open(WOOD)
    scene.window.home.tiles[0].more_button.click()
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    actions = {action.text(): action for action in menu.actions()}
    assert list(actions) == [
        *(texts.PLAY, texts.TEST, texts.RENAME, texts.SHORTCUT, texts.SIGN_OUT, texts.REMOVE),
    ]
    menu.close()
    actions[texts.REMOVE].trigger()
    assert scene.title == "Remove Lantern Wood from the list?"


def test_a_game_that_another_rejoin_has_added_appears(scene: HomeScene) -> None:
    controller = scene.open(WOOD)
    games_file.add(scene.path, TIDE)
    assert wait_until(lambda: scene.names() == ["Lantern Wood", "Tide Runner"], 60.0)
    assert scene.window.home.tiles[0].hasFocus(), "the focus stays where it was"
    assert controller.last_address() == WOOD.address


# --- links, help, pages ---------------------------------------------------------------------------


def test_a_link_asks_before_anything_is_called(scene: HomeScene) -> None:
    controller = scene.open()
    controller.activated(Activation(LINK))
    assert scene.title == "A link leads to games.example"
    assert scene.jobs.waiting == []
    scene.press(Qt.Key.Key_Return)
    assert len(scene.jobs.waiting) == 1


def test_a_link_that_comes_while_a_game_is_played_waits_and_is_said(scene: HomeScene) -> None:
    controller = scene.open(WOOD)
    playing = play(scene)
    controller.activated(Activation(LINK))
    assert scene.window.page is playing.view
    assert playing.said == [texts.LINK_WAITS]
    playing.over.emit()
    assert scene.title == "A link leads to games.example"


def test_a_link_into_the_game_that_is_played_shows_it_and_nothing_else(scene: HomeScene) -> None:
    link = link_of(WOOD.address)
    assert link is not None
    controller = scene.open(WOOD)
    playing = play(scene)
    controller.activated(Activation(link))
    assert playing.said == []
    playing.over.emit()
    assert scene.window.page is scene.window.home


def test_the_settings_are_gone_through_by_arrow_keys_at_once(scene: HomeScene) -> None:
    controller = scene.open(WOOD, extras=tuple(EXTRAS))
    controller._open_page("settings")
    page = scene.window.page
    assert isinstance(page, SettingsPage)
    assert page.list.hasFocus()
    scene.press(Qt.Key.Key_Down)
    assert page.shown.section is SECTIONS[1]
    scene.press(Qt.Key.Key_Escape)
    assert scene.window.page is scene.window.home


def test_a_link_closes_the_page_of_another_part(scene: HomeScene) -> None:
    controller = scene.open(WOOD, extras=tuple(EXTRAS))
    controller._open_page("settings")
    page = scene.window.page
    assert isinstance(page, SettingsPage)
    controller.activated(Activation(LINK))
    assert scene.title == "A link leads to games.example"
    assert scene.window._pages.indexOf(page) < 0
    scene.press(Qt.Key.Key_Escape)
    assert scene.window.page is scene.window.home


def test_a_link_goes_before_a_game_that_is_only_being_opened(scene: HomeScene) -> None:
    controller = scene.open(WOOD)
    scene.press(Qt.Key.Key_Return)
    job = scene.jobs.waiting[-1][0]
    controller.activated(Activation(LINK))
    assert scene.title == "A link leads to games.example"
    assert job.cancelled
    scene.press(Qt.Key.Key_Escape)
    assert scene.window.page is scene.window.home


def test_another_start_of_the_game_that_is_played_brings_the_window_to_the_front(
    scene: HomeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`rejoin play` and `rejoin back` reach the game's own instance, on the stream thread."""
    controller = scene.open(WOOD)
    heard: list[Callable[[Activation], None]] = []

    def make(game: object, on_activate: Callable[[Activation], None]) -> FakeParts:
        heard.append(on_activate)
        return FakeParts()

    controller._parts = replace(controller._parts, make_parts=make)  # type: ignore[arg-type]
    fronts: list[str | None] = []
    monkeypatch.setattr(controllers, "bring_to_front", lambda window, token: fronts.append(token))
    playing = play(scene)
    thread = threading.Thread(target=lambda: heard[0](Activation(None, "a-token")))
    thread.start()
    thread.join()
    assert wait_until(lambda: fronts == ["a-token"], 60.0)
    assert scene.window.page is playing.view


def test_a_card_that_is_pressed_while_the_game_before_finishes_opens_after_it(
    scene: HomeScene,
) -> None:
    controller = scene.open(WOOD, TIDE)
    playing = play(scene)
    playing.left.emit()
    controller.play(TIDE.key)
    assert scene.title == "Opening Tide Runner..."
    waiting = len(scene.jobs.waiting)
    playing.over.emit()
    assert len(scene.jobs.waiting) == waiting + 1
    assert controller._to_open is not None
    assert controller._to_open.address == TIDE.address


def test_a_game_that_never_showed_a_picture_was_not_played(
    scene: HomeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakePlayedGame, "start", lambda game: None)
    scene.open(WOOD)
    scene.press(Qt.Key.Key_Return)
    scene.jobs.end(ready())
    scene.playing.ending = Ending(EndingKind.SIGN_IN_NEEDED)
    scene.playing.over.emit()
    assert games_file.load(scene.path).games[0].last_played is None


def test_streamer_mode_hides_where_games_are(scene: HomeScene) -> None:
    scene.settings = PlayerSettings(streamer_mode=True)
    save_ticket(TIDE.address)
    scene.open(WOOD)
    [tile] = scene.window.home.tiles
    assert tile.card.host == ""
    assert "127.0.0.1" not in tile.toolTip() + tile.accessibleName()
    assert texts.LAST_GAME in scene.window.home.panel.sentence.text()
    scene.settings = PlayerSettings()
    assert scene.controller is not None
    scene.controller.refresh()
    assert scene.window.home.tiles[0].card.host == "127.0.0.1:9"


def test_a_slow_disk_does_not_stop_the_window(
    scene: HomeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller = scene.open(WOOD)
    disk, threads = threading.Event(), []

    def slow() -> None:
        threads.append(threading.current_thread().name)
        disk.wait(60.0)

    monkeypatch.setattr("rejoin.gui.home.last_game.unfinished_game", slow)
    for _ in range(3):
        controller.refresh()
    assert wait_until(lambda: len(threads) == 1, 60.0)
    assert threads == ["last game"]
    disk.set()
    assert wait_until(lambda: controller._last._thread is None, 60.0)


def test_a_ticket_that_cannot_be_removed_is_a_sentence(
    scene: HomeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_ticket()
    controller = scene.open(WOOD)

    def fail(key: str) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(controller._tickets, "remove", fail)
    scene.window.home.dismissed.emit()
    assert "cannot be removed: Read-only" in scene.window.home.problem.text()


def test_the_connection_of_one_card_is_tested_with_the_token_that_was_given(
    scene: HomeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller = scene.open(WOOD, TIDE)
    controller.play_game("Tide Runner", TIDE.address, "t" * 20)
    controller.show_home()
    tested: list[StudioProfile] = []

    class Test:
        def __init__(self, profile: Callable[[], StudioProfile], *_: object, **__: object) -> None:
            tested.append(profile())

    monkeypatch.setattr("rejoin.runtime.doctor.connection_test.ConnectionTest", Test)
    controller._test_connection(TIDE.key)
    page = scene.window.page
    assert isinstance(page, ConnectionTestPage)
    page._make_test(False)
    [profile] = tested
    assert (profile.backend_url, profile.token) == (TIDE.address.backend_url, "t" * 20)
    page.left.emit()


def test_help_and_about_are_pages(scene: HomeScene) -> None:
    scene.open(WOOD)
    scene.press(Qt.Key.Key_F1)
    assert scene.title == texts.HELP_TITLE
    scene.press(Qt.Key.Key_Escape)
    about = [
        button
        for button in scene.window.home.findChildren(QPushButton)
        if button.text() == texts.ABOUT
    ]
    about[0].click()
    assert scene.title.startswith("Rejoin")
    scene.press(Qt.Key.Key_Escape)
    scene.press(Qt.Key.Key_N, control=True)
    assert scene.title == texts.ADD_TITLE


def test_a_page_of_another_part_is_shown_until_it_is_left(scene: HomeScene) -> None:
    class Page(QWidget):
        left = Signal()

    made: list[Page] = []

    def open_page(module: ModuleType, home: HomeActions) -> None:
        made.append(Page())
        home.show_page(made[0])

    extra = Extra("message", "Settings", "email.message", True, open_page)
    missing = Extra("none", "Nothing", "rejoin.gui.nothing.page", False, open_page)
    scene.open(WOOD, extras=(extra, missing))
    buttons = {each.text(): each for each in scene.window.home.findChildren(QPushButton)}
    assert "Nothing" not in buttons
    buttons["Settings"].click()
    assert scene.window.page is made[0]
    made[0].left.emit()
    assert scene.window.home.isVisible()


def test_the_pages_that_there_are_open_and_are_left(scene: HomeScene) -> None:
    scene.open(WOOD, extras=tuple(EXTRAS))
    buttons = {each.text(): each for each in scene.window.home.findChildren(QPushButton)}
    for text in ("Settings", "Test my connection"):
        buttons[text].click()
        page = scene.window.page
        assert page is not scene.window.home
        page.left.emit()  # type: ignore[attr-defined]
        assert scene.window.home.isVisible()


def test_another_game_may_begin_at_the_end_of_one(scene: HomeScene) -> None:
    save_ticket()
    controller = scene.open(WOOD)
    scene.press(Qt.Key.Key_Return)
    scene.jobs.end(ready())
    scene.playing.wants_another = True
    scene.playing.over.emit()
    assert scene.title == "Opening Lantern Wood..."
    assert controller._to_open is not None
    assert controller._to_open.ticket is None


def test_a_game_hears_of_the_windows_changes(scene: HomeScene) -> None:
    scene.open(WOOD)
    playing = play(scene)
    scene.window.changed.emit(QEvent.Type.ActivationChange)
    assert playing.view.changes[-1] == QEvent.Type.ActivationChange


def test_leaving_alive_and_over_are_shown_apart(scene: HomeScene) -> None:
    scene.open()
    panel = scene.window.home.panel
    said: list[str] = []
    panel.announced.connect(said.append)
    panel.show_continuation(Leaving())
    assert (panel.button.isEnabled(), panel.dismiss_button.isVisible()) == (False, False)
    panel.show_continuation(Alive("A", "b.", "At least 1:01 to get back", "1:01", 0.5))
    panel.show_continuation(Alive("A", "b.", "At least 1:00 to get back", "1:00", 0.5))
    panel.show_continuation(Alive("A", "b.", "At least 0:59 to get back", "0:59", 0.5))
    panel.show_continuation(Over("C", "d."))
    assert (panel.button.isVisible(), panel.dismiss_button.isVisible()) == (False, True)
    assert said == [
        f"{texts.LEAVING} {texts.LEAVING_TEXT}",
        "A b. At least 1:01 to get back",
        "At least 1:00 to get back",
        "C d.",
    ]
    panel.show_continuation(None)
    assert not panel.isVisible()
