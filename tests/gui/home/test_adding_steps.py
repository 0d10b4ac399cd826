"""Adding a game: what is typed or followed is checked before it is in the list."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt

from helpers.home_scene import TIDE, WOOD, FakePlayedGame, HomeScene
from rejoin.core.ticket import BackendAddress
from rejoin.errors import RejoinError
from rejoin.gui.home import played_game, texts
from rejoin.runtime.backend_visit import SignInKind, Visited

FOUND = Visited(WOOD.address, SignInKind.TOKEN, "1.2")
LINK = "rejoin://play?backend=https%3A%2F%2Fqa.example"


@pytest.fixture(autouse=True)
def _no_real_game(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(played_game, "PlayedGame", FakePlayedGame)


def lines(scene: HomeScene) -> str:
    shown = scene.step.step
    return "" if shown is None else " ".join(shown.lines)


def test_an_address_is_checked_named_and_added(scene: HomeScene) -> None:
    scene.open()
    scene.press(Qt.Key.Key_Return)
    assert not scene.step.buttons[0].isEnabled()
    scene.type("127.0.0.1:9")
    scene.press(Qt.Key.Key_Return)
    assert lines(scene) == texts.CHECKING
    scene.jobs.end(FOUND)
    assert scene.title == "Found: 127.0.0.1:9"
    assert "contract 1.2" in lines(scene)
    scene.type("Lantern Wood")
    scene.step.buttons[1].click()
    assert scene.names() == ["Lantern Wood"]
    assert scene.saved_names() == ["Lantern Wood"]
    assert len(scene.jobs.waiting) == 1, "nothing was opened"


def test_add_and_play_does_both(scene: HomeScene) -> None:
    scene.open()
    scene.press(Qt.Key.Key_Return)
    scene.type("127.0.0.1:9")
    scene.press(Qt.Key.Key_Return)
    scene.jobs.end(FOUND)
    scene.press(Qt.Key.Key_Return)
    assert scene.title == "Opening 127.0.0.1..."
    assert scene.saved_names() == ["127.0.0.1"]


def test_what_is_wrong_is_one_sentence_and_what_was_typed_stays(scene: HomeScene) -> None:
    scene.open()
    scene.press(Qt.Key.Key_Return)
    scene.type("play.example")
    scene.press(Qt.Key.Key_Return)
    scene.jobs.end(RejoinError("The backend at play.example is not a Rejoin backend."))
    assert scene.problem == "The backend at play.example is not a Rejoin backend."
    assert scene.step.field() == "play.example"


def test_a_game_that_is_there_already_is_not_added_twice(scene: HomeScene) -> None:
    controller = scene.open(WOOD)
    controller.steps.adding.begin("127.0.0.1:9")
    scene.press(Qt.Key.Key_Return)
    scene.jobs.end(FOUND)
    assert scene.step.field() == "Lantern Wood"
    scene.press(Qt.Key.Key_Return)
    assert scene.problem == "Lantern Wood is in the list already."


def test_a_check_can_be_cancelled(scene: HomeScene) -> None:
    controller = scene.open()
    controller.steps.adding.begin("127.0.0.1:9")
    scene.press(Qt.Key.Key_Return)
    scene.press(Qt.Key.Key_Escape)
    assert scene.jobs.waiting[-1][0].cancelled
    scene.jobs.end(FOUND)
    assert scene.window.page is scene.window.home


def test_a_link_into_this_network_is_called_unusual(scene: HomeScene) -> None:
    controller = scene.open()
    controller.open_link(LINK)
    assert texts.LINK_TEXT in lines(scene)
    scene.press(Qt.Key.Key_Return)
    scene.jobs.end(
        replace(FOUND, address=BackendAddress("https://qa.example", "ours"), is_local=True)
    )
    assert texts.LOCAL_LINK in lines(scene)


def test_a_link_to_a_game_of_the_list_plays_it(scene: HomeScene) -> None:
    controller = scene.open(TIDE)
    controller.open_link(LINK)
    assert lines(scene) == "This is Tide Runner, which is in your list."
    scene.press(Qt.Key.Key_Return)
    assert scene.title == "Opening Tide Runner..."


def test_a_link_that_cannot_be_used_is_a_sentence(scene: HomeScene) -> None:
    controller = scene.open()
    controller.open_link("rejoin://play?backend=ftp%3A%2F%2FCANARY.example")
    assert scene.problem.startswith("This link cannot be used")
    assert "CANARY" not in scene.problem
