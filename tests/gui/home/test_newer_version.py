"""The home says that there is a newer version, quietly; and asks only when it may."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from helpers.cut_texts import cut_texts
from helpers.home_scene import WOOD, HomeScene
from helpers.pages import SMALL, page
from helpers.signed_feeds import NOTES
from helpers.window_faces import delete, wait_until
from rejoin.gui.home import newer_version
from rejoin.gui.home.home_page import HomePage
from rejoin.gui.home.newer_version import NewerVersionLine, UpdateWatch, watch_updates
from rejoin.gui.roles import Appearance
from rejoin.runtime.player_settings import PlayerSettings
from rejoin.runtime.updates.feed import Newer

NEWER = Newer("0.2.0", NOTES, 2e9)


class FakeCheck:
    """In place of `UpdateCheck`."""

    def __init__(self, *, due: bool = True, newer: Newer | None = None) -> None:
        self.due = due
        self.newer = newer

    def is_due(self) -> bool:
        return self.due

    def known(self) -> Newer | None:
        return self.newer

    async def ask(self) -> None:
        raise AssertionError("the scene's jobs end when the test says so")


def watch(
    scene: HomeScene, check: FakeCheck, game_elsewhere: Callable[[], bool] = lambda: False
) -> UpdateWatch:
    scene.open(WOOD)
    return UpdateWatch(
        scene.window,
        scene.jobs,
        lambda: scene.settings,
        check,  # type: ignore[arg-type]
        game_elsewhere,
    )


def settled() -> None:
    for _ in range(3):
        QCoreApplication.processEvents()


def test_it_is_asked_once_and_the_line_appears(scene: HomeScene) -> None:
    check = FakeCheck()
    made = watch(scene, check)
    assert not made.line.isVisible()
    made.consider()
    assert len(scene.jobs.waiting) == 1
    check.newer = NEWER
    scene.jobs.end(None)
    assert made.line.isVisible()
    assert made.line.text.text() == "Rejoin 0.2.0 is out."
    assert len(scene.jobs.waiting) == 1


def test_what_is_known_is_shown_without_asking(scene: HomeScene) -> None:
    made = watch(scene, FakeCheck(due=False, newer=NEWER))
    assert made.line.isVisible()
    assert scene.jobs.waiting == []
    assert scene.window.focusWidget() is not made.line.button


@pytest.mark.parametrize(
    "settings", [PlayerSettings(check_updates=False), PlayerSettings(streamer_mode=True)]
)
def test_nothing_is_asked_or_said_where_the_player_does_not_want_it(
    scene: HomeScene, settings: PlayerSettings
) -> None:
    scene.settings = settings
    made = watch(scene, FakeCheck(newer=NEWER))
    assert scene.jobs.waiting == []
    assert not made.line.isVisible()
    scene.settings = PlayerSettings()
    made.consider()
    assert made.line.isVisible()
    assert len(scene.jobs.waiting) == 1


def test_nobody_is_asked_while_another_page_or_a_game_is_shown(scene: HomeScene) -> None:
    check = FakeCheck(due=False)
    made = watch(scene, check)
    game = QWidget()
    scene.window.show_page(game)
    check.due = True
    made.consider()
    settled()
    assert scene.jobs.waiting == []
    scene.window.remove_page(game)
    assert wait_until(lambda: len(scene.jobs.waiting) == 1, 60)


def test_nobody_is_asked_while_another_rejoin_plays(scene: HomeScene) -> None:
    playing = True
    made = watch(scene, FakeCheck(newer=NEWER), lambda: playing)
    assert scene.jobs.waiting == []
    assert made.line.isVisible(), "what is known is shown"
    playing = False
    made.consider()
    assert len(scene.jobs.waiting) == 1


def test_a_game_that_is_opened_ends_the_asking(scene: HomeScene) -> None:
    made = watch(scene, FakeCheck())
    [(job, _, _)] = scene.jobs.waiting
    scene.window.show_page(QWidget())
    assert job.cancelled
    settled()
    assert len(scene.jobs.waiting) == 1
    assert made._job is None


def test_the_button_opens_the_notes_and_without_a_browser_their_address_is_shown(
    application: QApplication,
) -> None:
    opened: list[str] = []
    works = True

    def open_page(url: str) -> bool:
        opened.append(url)
        return works

    line = NewerVersionLine(open_page)
    line.show_newer(NEWER)
    line.button.click()
    assert opened == [NOTES]
    assert NOTES not in line.text.text()
    works = False
    line.button.click()
    assert line.text.text().endswith(NOTES)
    assert line.text.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByMouse
    delete(line)


@pytest.mark.parametrize("language", ["en", "de", "ja"])
def test_its_texts_are_translated_and_nothing_is_cut(language: str) -> None:
    appearance = Appearance(text_percent=200, language=language)
    with page("home:games", SMALL, appearance) as root:
        [home] = root.findChildren(HomePage)
        line = NewerVersionLine(lambda url: False)
        column = home.layout()
        assert column is not None
        column.insertWidget(column.count() - 1, line)  # type: ignore[attr-defined]
        line.show_newer(NEWER)
        settled()
        assert cut_texts(root) == []
        assert (line.text.text() == "Rejoin 0.2.0 is out.") is (language == "en")
        line.button.click()
        settled()
        assert cut_texts(root) == []


def test_tab_reaches_its_button(scene: HomeScene) -> None:
    made = watch(scene, FakeCheck(due=False, newer=NEWER))
    for _ in range(30):
        focused = scene.window.focusWidget()
        assert focused is not None
        if focused is made.line.button:
            return
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    raise AssertionError("never")


def test_the_line_follows_the_language(application: QApplication) -> None:
    line = NewerVersionLine()
    line.show_newer(NEWER)
    QCoreApplication.sendEvent(line, QEvent(QEvent.Type.LanguageChange))
    assert line.text.text() == "Rejoin 0.2.0 is out."
    delete(line)


def test_a_checkout_watches_nothing(scene: HomeScene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.open(WOOD)
    assert watch_updates(scene.window, scene.jobs, PlayerSettings) is None
    check = FakeCheck(due=False)
    monkeypatch.setattr(newer_version, "update_check", lambda: check)
    assert watch_updates(scene.window, scene.jobs, PlayerSettings) is not None


def test_a_build_keeps_what_it_knows_in_the_state_folder(tmp_path: Path) -> None:
    """And nothing of it in the settings, which a player may carry elsewhere."""
    from rejoin.runtime.updates.memory import memory_path

    assert memory_path() == tmp_path / "state" / "rejoin" / "updates.json"
