"""*Try it here*: the emulator is started, played, and ended with whoever started it."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QPushButton

from helpers.home_scene import FakePlayedGame, HomeScene, save_ticket
from helpers.window_faces import wait_until
from rejoin.errors import ServiceError
from rejoin.gui.home import played_game, texts
from rejoin.gui.home.extra_pages import EXTRAS
from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.studio import try_here

PROFILE = StudioProfile(
    "http://127.0.0.1:9", "CANARY-of-the-emulator", NetworkRules(loopback_only=True)
)


class FakeTryHere:
    """`made`: all of them."""

    made: list[FakeTryHere]

    def __init__(self) -> None:
        self.stopped = 0
        self.made.append(self)

    def start(self) -> StudioProfile:
        return PROFILE

    def stop(self) -> None:
        self.stopped += 1


@pytest.fixture(autouse=True)
def _emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeTryHere.made = []
    monkeypatch.setattr(try_here, "TryHere", FakeTryHere)
    monkeypatch.setattr(try_here, "why_not", lambda: None)
    monkeypatch.setattr(played_game, "PlayedGame", FakePlayedGame)


def press(scene: HomeScene) -> None:
    scene.open(extras=tuple(EXTRAS))
    buttons = {each.text(): each for each in scene.window.home.findChildren(QPushButton)}
    buttons["Try it here"].click()


def test_the_emulator_starts_and_its_game_is_opened(scene: HomeScene) -> None:
    press(scene)
    assert scene.title == texts.TRY_TITLE
    scene.jobs.end(PROFILE)
    assert scene.title == texts.OPENING_TITLE.format(game=texts.TRY_NAME)
    assert [each.stopped for each in FakeTryHere.made] == [0]
    assert scene.controller is not None
    scene.controller.close()
    assert [each.stopped for each in FakeTryHere.made] == [1]


def test_leaving_while_it_starts_ends_it(scene: HomeScene) -> None:
    press(scene)
    scene.step.left.emit()
    assert FakeTryHere.made[0].stopped >= 1
    assert scene.window.page is scene.window.home


def test_one_that_does_not_start_is_a_sentence_and_may_be_tried_again(scene: HomeScene) -> None:
    press(scene)
    scene.jobs.end(ServiceError("The studio did not start."))
    assert scene.step.step is not None
    assert scene.step.step.problem == "The studio did not start."
    assert FakeTryHere.made[0].stopped >= 1
    scene.step.step.choices[0].on_press()
    assert len(FakeTryHere.made) == 2


def test_without_the_emulator_it_says_how_to_get_it(
    scene: HomeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(try_here, "why_not", lambda: "Install rejoin[studio].")
    press(scene)
    assert scene.step.step is not None
    assert scene.step.step.problem == "Install rejoin[studio]."
    assert FakeTryHere.made == []


def test_its_game_has_its_name_and_is_gone_with_the_emulator(scene: HomeScene) -> None:
    press(scene)
    scene.jobs.end(PROFILE)
    save_ticket(PROFILE.backend_address())
    controller = scene.controller
    assert controller is not None
    controller.show_home()
    panel = scene.window.home.panel
    assert wait_until(lambda: panel.sentence.text().startswith(texts.TRY_NAME), 60.0)
    controller.steps.trying.close()
    controller.refresh()
    assert wait_until(lambda: not panel.isVisibleTo(scene.window.home), 60.0)
