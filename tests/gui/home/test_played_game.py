"""A game in the home window, from its thread's start until the claims on it are given back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from conftest import LogRecords
from helpers.fake_pads import FakePads
from helpers.fake_port import FakePort
from helpers.home_scene import WOOD
from helpers.window_faces import LIVE, wait_until, words
from rejoin.core.events import CloseForNowRequested, Event
from rejoin.core.model import Ending, EndingKind, Snapshot, Stage
from rejoin.gui.home import played_game
from rejoin.gui.home.played_game import Parts, PlayedGame
from rejoin.gui.renderer_choice import Choice, OnProcessor
from rejoin.gui.surface_choice import PictureOptions, SurfaceUse
from rejoin.gui.window_options import WindowOptions
from rejoin.runtime.instance import Instance, is_taken
from rejoin.runtime.launch import GameToPlay
from rejoin.runtime.renderer_memory import RendererMemory
from rejoin.runtime.studio_profile import StudioProfile


class Client(FakePort):
    """A player that ends when it is asked to. `fails`: with a bug, at once."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__()
        self.snapshot = Snapshot(Stage.IDLE)
        self.fails = fails
        self._asked = False

    def problems(self) -> tuple[str, ...]:
        return () if self.problem_text is None else (self.problem_text,)

    def post(self, event: Event) -> None:
        super().post(event)
        self._asked = self._asked or isinstance(event, CloseForNowRequested)

    async def run(self) -> Ending:
        if self.fails:
            raise ZeroDivisionError
        while not self._asked:  # noqa: ASYNC110 set by another thread
            await asyncio.sleep(0.01)
        self.snapshot = Snapshot(Stage.ENDED, ending=Ending(EndingKind.CLOSED_FOR_NOW))
        self.publish(self.snapshot)
        return Ending(EndingKind.CLOSED_FOR_NOW)


class Bench:
    def __init__(self, client: Client, tmp_path: Path) -> None:
        self.client = client
        self.pads = FakePads()
        self.window = QWidget()
        column = QVBoxLayout(self.window)
        held = Instance.claim("0" * 16, tmp_path)
        self.folder = tmp_path
        game = GameToPlay(StudioProfile.from_address(WOOD.address, None), open_here=held)
        parts = Parts(game, client, WindowOptions(pads=self.pads))  # type: ignore[arg-type]
        use = SurfaceUse(
            PictureOptions(), RendererMemory(tmp_path / "renderer"), choice=OnProcessor("a test")
        )
        self.choices: list[Choice] = []
        self.game = PlayedGame(parts, use, self.window, self.choices.append)
        column.addWidget(self.game.view)
        self.heard: list[str] = []
        self.game.left.connect(lambda: self.heard.append("left"))
        self.game.over.connect(lambda: self.heard.append("over"))
        self.window.show()
        self.game.start()


def test_a_game_that_is_closed_hides_at_once_and_then_gives_its_claims_back(
    application: QApplication, tmp_path: Path
) -> None:
    bench = Bench(Client(), tmp_path)
    assert not bench.game.view.isWindow()
    bench.client.publish(LIVE)
    assert wait_until(lambda: bench.game.view.snapshot.stage is Stage.LIVE, 60.0)
    bench.game.view.close()
    assert bench.heard == ["left"]
    assert bench.game.view.isHidden()
    assert bench.window.isVisible()
    assert is_taken("0" * 16, tmp_path)
    assert wait_until(lambda: bench.heard == ["left", "over"], 60.0)
    assert bench.game.ending == Ending(EndingKind.CLOSED_FOR_NOW)
    assert not is_taken("0" * 16, tmp_path)
    assert not bench.game.stuck


def test_a_problem_is_shown_once_and_logged_once(
    application: QApplication, tmp_path: Path, expected_logs: LogRecords
) -> None:
    bench = Bench(Client(), tmp_path)
    bench.window.resize(1280, 720)
    bench.client.problem_text = "No sound: there is no device."
    bench.client.publish(LIVE)
    shown = bench.client.problem_text
    assert wait_until(lambda: shown in words(bench.game.view), 60.0)
    bench.game.view.refresh()
    assert words(bench.game.view).count(shown) == 1
    assert [line for line in expected_logs.lines if shown in line] == expected_logs.lines
    assert len(expected_logs.lines) == 1
    bench.game.view.close()
    assert wait_until(lambda: "over" in bench.heard, 60.0)


def test_a_client_that_fails_leads_home_and_is_logged(
    application: QApplication, tmp_path: Path, expected_logs: LogRecords
) -> None:
    bench = Bench(Client(fails=True), tmp_path)
    assert wait_until(lambda: "over" in bench.heard, 60.0)
    assert bench.game.ending is None
    assert "the game failed" in " ".join(expected_logs.lines)


def test_a_client_that_hangs_keeps_its_claims(
    application: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(played_game, "END_TIMEOUT_S", 0.0)
    monkeypatch.setattr("rejoin.gui.leaving.LEAVE_WITHIN_S", 0.0)
    client = Client()
    bench = Bench(client, tmp_path)
    client.post = lambda event: None  # type: ignore[method-assign]  # it hears nothing any more
    client.publish(LIVE)
    assert wait_until(lambda: bench.game.view.snapshot.stage is Stage.LIVE, 60.0)
    bench.game.view.close()
    assert wait_until(lambda: "over" in bench.heard, 60.0)
    assert bench.game.stuck
    assert is_taken("0" * 16, tmp_path)
    client._asked = True
    bench.game._thread.join(60.0)


def test_a_card_that_fails_is_told_to_the_window_first(
    application: QApplication, tmp_path: Path, expected_logs: LogRecords
) -> None:
    bench = Bench(Client(), tmp_path)
    bench.game._on_surface_failed("the device was lost")
    assert bench.choices == [OnProcessor("the device was lost")]
    assert len(expected_logs.lines) >= 1
    bench.client.publish(replace(LIVE))
    bench.game.view.close()
    assert wait_until(lambda: "over" in bench.heard, 60.0)
