"""The menu in a window with a game: what reaches the game, the mouse, drops, and every entry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.fake_port import FakeClock, FakePort
from helpers.menu_scene import CTRL_ALT, open_menu, playing, press
from helpers.settings_page import usual_theme
from helpers.window_faces import LIVE, NOW, destroy, lost, troubled, wait_until
from rejoin.core.events import CloseForNowRequested, EndGameRequested, ReconnectRequested
from rejoin.core.model import Ending, EndingKind, Snapshot, Stage, Trouble
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.menu.entries import MenuAction
from rejoin.gui.settings.page import SettingsPage
from rejoin.input_events.events import KeyEvent, ReleaseAll
from rejoin.media.audio.volume import SoundChoice

Playing = tuple[RejoinWindow, FakePort, FakeClock]


@pytest.fixture
def game(application: QApplication, tmp_path: Path) -> Iterator[Playing]:
    made = playing(settings=tmp_path / "settings.toml")
    with usual_theme(application):
        yield made
        destroy(made[0])


def publish(port: FakePort, snapshot: Snapshot) -> None:
    port.publish(snapshot)
    QCoreApplication.processEvents()


def click(window: RejoinWindow, action: MenuAction) -> None:
    QTest.mouseClick(window.layers.menu.panel.buttons[action], Qt.MouseButton.LeftButton)
    QCoreApplication.processEvents()


def seen(window: RejoinWindow) -> tuple[bool, bool, bool]:
    """Whether the menu is open, whether it is seen, whether the picture is dimmed."""
    return window.menu.is_open, window.layers.menu.isVisible(), window.layers.view.dimmed


def has_mouse(window: RejoinWindow) -> bool:
    return window.mouse.captured


def test_its_shortcut_opens_it_and_shuts_it(game: Playing) -> None:
    window, _, _ = game
    open_menu(window)
    assert seen(window) == (True, True, True)
    press(window, Qt.Key.Key_G, CTRL_ALT)
    assert seen(window) == (False, False, False)
    assert window.layers.view.hasFocus()


def test_while_it_is_open_nothing_reaches_the_game_and_what_was_held_is_released(
    game: Playing,
) -> None:
    window, port, _ = game
    QTest.keyPress(window.layers.view, Qt.Key.Key_W)
    assert port.codes == {"KeyW"}
    open_menu(window)
    assert isinstance(port.inputs[-1], ReleaseAll)
    assert port.codes == frozenset()
    before = len(port.inputs)
    for key in (Qt.Key.Key_W, Qt.Key.Key_A, Qt.Key.Key_Down):
        press(window, key)
    QTest.mouseClick(window.layers.menu, Qt.MouseButton.LeftButton, pos=window.rect().center())
    assert not window.inputs.is_open
    assert len(port.inputs) == before


def test_the_key_that_leads_back_does_not_press_itself_in_the_game(game: Playing) -> None:
    window, port, _ = game
    for key in (Qt.Key.Key_Escape, Qt.Key.Key_Return):
        open_menu(window)
        before = len(port.inputs)
        focused = QApplication.focusWidget()
        assert focused is not None
        QTest.keyPress(focused, key)
        assert not window.menu.is_open
        for _ in range(3):  # held: repeats without Qt's flag, as on X11
            QTest.keyPress(window.layers.view, key)
        QTest.keyRelease(window.layers.view, key)
        pressed = [each for each in port.inputs[before:] if isinstance(each, KeyEvent)]
        assert pressed == []
    QTest.keyClick(window.layers.view, Qt.Key.Key_Return)
    assert isinstance(port.inputs[-1], KeyEvent), "pressed anew it counts"


def test_resume_gives_the_mouse_back_to_a_game_that_had_it(game: Playing) -> None:
    window, _, _ = game
    window.capture_mouse()
    assert has_mouse(window)
    open_menu(window)
    assert not has_mouse(window)
    press(window, Qt.Key.Key_Escape)
    assert has_mouse(window)
    window.release_mouse()
    window.mouse.keys_released()
    open_menu(window)
    press(window, Qt.Key.Key_Escape)
    assert not has_mouse(window), "it did not have it"


def test_a_drop_shows_its_card_over_the_menu_which_is_there_again_afterwards(
    game: Playing,
) -> None:
    window, port, _ = game
    open_menu(window)
    publish(port, lost())
    assert window.layers.overlay.isVisible()
    assert not window.layers.menu.isVisible()
    assert window.menu.is_open
    assert window.layers.overlay.ring.isVisible(), "the time left is seen"
    publish(port, LIVE)
    assert not window.layers.overlay.isVisible()
    assert window.layers.menu.isVisible()
    assert not window.inputs.is_open
    press(window, Qt.Key.Key_Escape)
    assert window.inputs.is_open


def test_a_drop_covers_the_settings_page_too(game: Playing) -> None:
    window, port, _ = game
    open_menu(window)
    click(window, MenuAction.SETTINGS)
    page = window.layers.menu.page
    assert isinstance(page, SettingsPage)
    publish(port, lost())
    assert window.layers.overlay.isVisible()
    assert not page.isVisible()


def test_a_game_that_ends_takes_its_menu_along(game: Playing) -> None:
    window, port, _ = game
    open_menu(window)
    publish(port, Snapshot(Stage.ENDED, ending=Ending(EndingKind.GAME_ENDED)))
    assert not window.menu.is_open
    assert window.layers.end.isVisible()


def test_it_opens_only_over_a_game_that_is_played(game: Playing) -> None:
    window, port, _ = game
    publish(port, lost())
    press(window, Qt.Key.Key_G, CTRL_ALT)
    assert not window.menu.is_open
    window.menu.toggle()
    assert not window.menu.is_open


def test_close_for_now_keeps_the_game(game: Playing) -> None:
    window, port, _ = game
    open_menu(window)
    click(window, MenuAction.CLOSE)
    assert any(isinstance(each, CloseForNowRequested) for each in port.events)
    assert window.isHidden()


def test_end_game_asks_once_and_then_ends_it(game: Playing) -> None:
    window, port, _ = game
    open_menu(window)
    click(window, MenuAction.END)
    assert port.events == []
    assert window.layers.menu.panel.asks
    QTest.mouseClick(window.layers.menu.panel.confirm, Qt.MouseButton.LeftButton)
    assert [type(each) for each in port.events] == [EndGameRequested]
    assert not window.menu.is_open


def test_where_a_game_cannot_be_ended_there_is_no_such_entry(game: Playing) -> None:
    window, port, _ = game
    publish(port, Snapshot(Stage.LIVE, input_open=True, can_terminate=False))
    open_menu(window)
    assert window.layers.menu.panel.buttons[MenuAction.END].isHidden()


def test_sound_is_switched_and_changed(game: Playing) -> None:
    window, port, _ = game
    open_menu(window)
    click(window, MenuAction.SOUND)
    assert port.sound().silent
    assert window.layers.menu.panel.buttons[MenuAction.SOUND].detail.text() == "off"
    window.layers.menu.panel.volume.slider.setValue(60)
    assert port.sound() == SoundChoice(60)


def test_full_screen_is_said_and_changed(game: Playing) -> None:
    window, _, _ = game
    open_menu(window)
    click(window, MenuAction.FULL_SCREEN)
    assert window.isFullScreen()
    assert window.layers.menu.panel.buttons[MenuAction.FULL_SCREEN].detail.text() == "on"
    assert window.menu.is_open


def test_statistics_are_shown_refreshed_and_stay_for_the_next_time(game: Playing) -> None:
    window, port, clock = game
    open_menu(window)
    click(window, MenuAction.STATISTICS)
    charts = window.layers.menu.statistics.charts
    before = charts[0].chart
    assert before is not None
    assert before.drops
    clock.now = NOW + 1.0
    from helpers.menu_scene import numbers

    port.current_statistics = numbers(clock.now)
    assert wait_until(lambda: charts[0].chart != before)
    press(window, Qt.Key.Key_Escape)
    open_menu(window)
    assert window.layers.menu.statistics.isVisible()


def test_shut_no_chart_is_computed(game: Playing, monkeypatch: pytest.MonkeyPatch) -> None:
    window, port, clock = game
    refreshed: list[int] = []
    statistics = window.layers.menu.statistics
    monkeypatch.setattr(statistics, "refresh", lambda: refreshed.append(1))
    from helpers.menu_scene import numbers

    port.current_statistics = numbers(NOW)
    for second in range(1, 4):
        clock.now = NOW + second
        window.layers.sample(clock.now, live=True)
    assert refreshed == []
    assert window.layers.history.samples(clock.now)[-1].at == clock.now, "but it is kept"


def test_settings_are_the_real_page_with_the_games_sound_and_lead_back(game: Playing) -> None:
    window, _port, _ = game
    open_menu(window)
    click(window, MenuAction.SETTINGS)
    page = window.layers.menu.page
    assert isinstance(page, SettingsPage)
    page.show_section("sound")
    page.change("sound.mute_in_background", True)
    assert page.state.settings.mute_in_background
    press(window, Qt.Key.Key_Escape)
    assert window.layers.menu.page is None
    assert window.menu.is_open
    assert window.layers.menu.panel.isVisible()


def test_without_a_settings_file_there_is_no_such_entry(
    application: QApplication,
) -> None:
    window, _, _ = playing()
    open_menu(window)
    assert window.layers.menu.panel.buttons[MenuAction.SETTINGS].isHidden()
    destroy(window)


def test_a_still_picture_offers_to_reconnect(game: Playing) -> None:
    window, port, _ = game
    publish(port, Snapshot(Stage.LIVE, input_open=True, can_reconnect=True))
    open_menu(window)
    click(window, MenuAction.RECONNECT)
    assert [type(each) for each in port.events] == [ReconnectRequested]


def test_trouble_is_said_in_the_menu(game: Playing) -> None:
    window, port, _ = game
    publish(port, troubled(Trouble.UNSTABLE, 2.0))
    open_menu(window)
    window.refresh()
    badge = window.layers.corners.badge.line.text()
    assert badge
    assert window.layers.menu.panel.subtitle.text() == badge


def test_opening_and_leaving_are_announced(game: Playing) -> None:
    window, _, _ = game
    said: list[str] = []
    window.announced.connect(said.append)
    open_menu(window)
    press(window, Qt.Key.Key_Escape)
    assert [text.partition(".")[0] for text in said] == ["Menu", "Back in the game"]


def test_shortcuts_of_the_window_work_in_the_menu(
    game: Playing, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, port, _ = game
    open_menu(window)
    press(window, Qt.Key.Key_M, CTRL_ALT)
    assert port.sound().silent
    press(window, Qt.Key.Key_F11)
    assert window.isFullScreen()
