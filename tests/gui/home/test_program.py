"""The home window from start to end: closing, Ctrl+C, a second start."""

from __future__ import annotations

import gc
import os
import signal
import threading

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication

from rejoin.gui.home import program
from rejoin.gui.home.controller import HomeController
from rejoin.gui.home.jobs import Jobs
from rejoin.gui.home.step_page import StepPage
from rejoin.gui.qt_application import INTERRUPTED
from rejoin.gui.renderer_choice import OnProcessor
from rejoin.runtime.instance import Instance, activate
from rejoin.runtime.player_settings import PlayerSettings

LINK = "rejoin://play?backend=https%3A%2F%2Fgames.example"

pytestmark = pytest.mark.usefixtures("application")


def no_game(game: object) -> object:
    raise AssertionError("nothing is played here")


def run(*, link: str | None = None, instance: Instance | None = None) -> int:
    return program.run(PlayerSettings, no_game, link=link, instance=instance)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _nothing_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "load_beside", lambda: None)
    monkeypatch.setattr(program, "_freeze", lambda: None)


def at_the_start(monkeypatch: pytest.MonkeyPatch, act: object) -> list[HomeController]:
    """Once the window is painted, `act` is called with its controller."""
    seen: list[HomeController] = []
    begin = program._begin

    def both(jobs: Jobs, controller: HomeController, instance: Instance | None) -> None:
        begin(jobs, controller, instance)
        seen.append(controller)
        act(controller)  # type: ignore[operator]

    monkeypatch.setattr(program, "_begin", both)
    return seen


def test_closing_the_window_ends_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = at_the_start(monkeypatch, lambda controller: controller._window.close())
    assert run() == 0
    assert len(seen) == 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_window_closed_at_once_leaves_garbage_collection_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    was_on: list[bool] = []

    def look(controller: HomeController) -> None:
        was_on.append(gc.isenabled())
        controller.close()

    at_the_start(monkeypatch, look)
    gc.enable()
    assert run() == 0
    assert was_on == [False]
    assert gc.isenabled()


def test_ctrl_c_ends_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    at_the_start(monkeypatch, lambda controller: os.kill(os.getpid(), signal.SIGINT))
    assert run() == INTERRUPTED


def test_ctrl_c_in_an_event_before_the_window_is_there_is_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Interrupted(QObject):
        def event(self, event: QEvent) -> bool:
            signal.raise_signal(signal.SIGINT)  # Qt drops what is raised here
            return True

    def restored(window: object, on_screen: object) -> None:
        QCoreApplication.sendEvent(Interrupted(), QEvent(QEvent.Type.User))

    monkeypatch.setattr(program, "_restored", restored)
    at_the_start(monkeypatch, lambda controller: QTimer.singleShot(60_000, controller.close))
    assert run() == INTERRUPTED
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_link_of_the_start_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    pages: list[object] = []

    def look(controller: HomeController) -> None:
        pages.append(controller._window.page)
        controller.close()

    at_the_start(monkeypatch, look)
    assert run(link=LINK) == 0
    assert isinstance(pages[0], StepPage)


def test_a_second_start_passes_its_link_on(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = Instance.claim("home")
    assert instance is not None
    answers: list[bool] = []

    def second(controller: HomeController) -> None:
        def start() -> None:
            answers.append(activate("home", LINK, within_s=60.0))

        threading.Thread(target=start).start()
        watch = QTimer(controller)

        def close_when_asked() -> None:
            if isinstance(controller._window.page, StepPage) and answers:
                controller.close()

        watch.timeout.connect(close_when_asked)
        watch.start(10)

    at_the_start(monkeypatch, second)
    assert run(instance=instance) == 0
    assert answers == [True]
    instance.release()


def test_what_draws_is_decided_once_for_the_window() -> None:
    drawing = program._Drawing(PlayerSettings(renderer="software"))
    assert isinstance(drawing.choice, OnProcessor)
    told: list[None] = []
    drawing.on_fall_back = lambda: told.append(None)
    drawing.fell_back(OnProcessor("the device was lost"))
    assert drawing.choice == OnProcessor("the device was lost")
    assert len(told) == 1
    drawing.close()
    assert QApplication.instance() is not None
