"""Signing out of a card's game."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from helpers.home_scene import WOOD, HomeScene
from rejoin.errors import RejoinError
from rejoin.gui.home import texts
from rejoin.runtime.player_settings import PlayerSettings
from rejoin.runtime.sign_in import SignOut


def ask(scene: HomeScene) -> None:
    controller = scene.open(WOOD)
    controller.play_game(WOOD.name, WOOD.address, "t" * 20)
    controller.show_home()
    controller.steps.ask_sign_out(WOOD.key)
    assert scene.title == "Sign out of 127.0.0.1:9"


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (SignOut(was_signed_in=True, forgotten=True, revoked=True), texts.SIGNED_OUT),
        (SignOut(was_signed_in=False, forgotten=True, revoked=False), texts.SIGNED_OUT),
        (SignOut(was_signed_in=True, forgotten=True, revoked=False), texts.SIGNED_OUT_HERE),
    ],
)
def test_what_became_of_it_is_said(scene: HomeScene, done: SignOut, said: str) -> None:
    ask(scene)
    scene.press(Qt.Key.Key_Return)
    assert scene.controller is not None
    assert scene.controller.steps.opening.token_for(WOOD.key) is None
    scene.jobs.end(done)
    assert scene.step.step is not None
    assert scene.step.step.lines == (said,)
    scene.press(Qt.Key.Key_Escape)
    assert scene.window.page is scene.window.home


def test_in_streamer_mode_it_names_the_game(scene: HomeScene) -> None:
    scene.settings = PlayerSettings(streamer_mode=True)
    controller = scene.open(WOOD)
    controller.steps.ask_sign_out(WOOD.key)
    assert scene.title == "Sign out of Lantern Wood"
    scene.press(Qt.Key.Key_Return)
    scene.jobs.end(RejoinError("127.0.0.1:9 is away."))
    assert scene.problem == "[hidden] is away."


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (SignOut(was_signed_in=True, forgotten=False, revoked=False), texts.NOT_FORGOTTEN),
        (RejoinError("The provider is away."), "The provider is away."),
    ],
)
def test_what_stays_is_said_and_can_be_tried_again(
    scene: HomeScene, outcome: object, said: str
) -> None:
    ask(scene)
    scene.press(Qt.Key.Key_Return)
    scene.jobs.end(outcome)
    assert scene.problem == said
    scene.press(Qt.Key.Key_Return)
    job = scene.jobs.waiting[-1][0]
    scene.press(Qt.Key.Key_Escape)
    assert job.cancelled


def test_nothing_is_asked_about_a_game_that_is_gone(scene: HomeScene) -> None:
    controller = scene.open(WOOD)
    controller.steps.ask_sign_out("0" * 16)
    assert scene.window.page is scene.window.home
