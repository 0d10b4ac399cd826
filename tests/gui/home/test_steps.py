"""Steps are made when the first is needed, and a damaged list is not lost by adding a game."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from helpers.home_scene import TIDE, WOOD, HomeScene
from rejoin.gui.home import texts
from rejoin.runtime import games_file
from rejoin.runtime.backend_visit import SignInKind, Visited
from rejoin.runtime.games import Game
from rejoin.runtime.player_settings import PlayerSettings


def test_the_home_is_shown_without_them(scene: HomeScene) -> None:
    controller = scene.open(WOOD)
    assert controller._steps is None
    assert controller.steps is controller.steps


def test_a_game_that_is_gone_meanwhile_is_not_asked_about(scene: HomeScene) -> None:
    controller = scene.open(WOOD)
    controller.steps.ask_name("0" * 16)
    controller.steps.ask_removal("0" * 16)
    assert scene.window.page is scene.window.home


def test_a_damaged_list_is_kept_beside_a_new_one(scene: HomeScene) -> None:
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
    said = texts.LIST_DAMAGED.format(name="games.damaged-1.toml")
    assert scene.window.home.problem.text() == said


def test_a_shortcut_is_put_on_the_desktop_or_it_is_said_why_not(
    scene: HomeScene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_file = Game("Other", replace(WOOD.address, ca_file="/etc/x.pem", dialect="ours"))
    controller = scene.open(TIDE)
    monkeypatch.setattr("platformdirs.user_desktop_path", lambda: tmp_path / "Desktop")
    controller.steps.make_shortcut(TIDE.key)
    assert scene.problem == "There is no desktop folder to put a shortcut into."
    (tmp_path / "Desktop").mkdir()
    controller.steps.make_shortcut(TIDE.key)
    shown = scene.step.step
    assert shown is not None
    assert str(tmp_path / "Desktop") in shown.lines[0]
    assert len(list((tmp_path / "Desktop").iterdir())) == 1
    scene.settings = PlayerSettings(streamer_mode=True)
    controller.steps.make_shortcut(TIDE.key)
    shown = scene.step.step
    assert shown is not None
    assert shown.lines[0].startswith("The shortcut is Tide Runner 2.desktop.")
    games_file.add(scene.path, with_file)
    controller.refresh()
    controller.steps.make_shortcut(with_file.key)
    assert scene.problem == texts.NO_SHORTCUT
    controller.steps.make_shortcut("0" * 16)
