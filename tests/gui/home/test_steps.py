"""Steps are made when the first is needed, and a damaged list is not lost by adding a game."""

from __future__ import annotations

from PySide6.QtCore import Qt

from conftest import LogRecords
from helpers.home_scene import WOOD, HomeScene
from rejoin.gui.home import texts
from rejoin.runtime.backend_visit import SignInKind, Visited


def test_the_home_is_shown_without_them(scene: HomeScene) -> None:
    controller = scene.open(WOOD)
    assert controller._steps is None
    assert controller.steps is controller.steps


def test_a_game_that_is_gone_meanwhile_is_not_asked_about(scene: HomeScene) -> None:
    controller = scene.open(WOOD)
    controller.steps.ask_name("0" * 16)
    controller.steps.ask_removal("0" * 16)
    assert scene.window.page is scene.window.home


def test_a_damaged_list_is_kept_beside_a_new_one(
    scene: HomeScene, expected_logs: LogRecords
) -> None:
    scene.path.parent.mkdir(parents=True)
    scene.path.write_text("[[game]\n")
    controller = scene.open()
    assert "is damaged" in scene.window.home.problem.text()
    controller.steps.adding.begin("127.0.0.1:9")
    scene.press(Qt.Key.Key_Return)
    scene.jobs.end(Visited(WOOD.address, SignInKind.TOKEN))
    scene.step.buttons[1].click()
    assert scene.names() == ["127.0.0.1"]
    assert scene.path.with_name("games.damaged-1.toml").read_text() == "[[game]\n"
    assert texts.LIST_DAMAGED.format(name="games.damaged-1.toml") in expected_logs.lines[0]
