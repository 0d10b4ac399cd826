"""A home window under test: its games, its keys, and fakes of what takes time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from helpers.window_faces import wait_until
from rejoin.core.model import AttemptNumber, Ending, SessionId
from rejoin.core.ticket import BackendAddress, RejoinState, Ticket
from rejoin.errors import RejoinError
from rejoin.gui.home.controller import HomeController
from rejoin.gui.home.home_parts import HomeParts
from rejoin.gui.home.jobs import Job, Jobs
from rejoin.gui.home.step_page import StepPage
from rejoin.gui.home.window import HomeWindow
from rejoin.gui.renderer_choice import OnProcessor
from rejoin.runtime import games_file
from rejoin.runtime.games import Game
from rejoin.runtime.player_settings import PlayerSettings
from rejoin.runtime.ticket_folder import TicketFolder, present

WOOD = Game("Lantern Wood", BackendAddress("http://127.0.0.1:9", "ours", "loopback"))
TIDE = Game("Tide Runner", BackendAddress("https://qa.example", "ours"))


class HandJobs(Jobs):
    """Jobs that end when the test says so, with what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[tuple[Job, Callable[[Any], None], Callable[[RejoinError], None]]] = []
        self.dropped: list[Any] = []
        self._drops: list[Callable[[Any], object]] = []

    def run(
        self,
        make: Callable[[], Coroutine[Any, Any, Any]],
        then: Callable[[Any], None],
        failed: Callable[[RejoinError], None],
        dropped: Callable[[Any], object] = lambda result: None,
    ) -> Job:
        job = Job(self)
        self.waiting.append((job, then, failed))
        self._drops.append(dropped)
        return job

    def end(self, result: object) -> None:
        """The newest job ends with this."""
        job, then, failed = self.waiting[-1]
        if job.cancelled:
            self._drops[-1](result)
        elif isinstance(result, RejoinError):
            failed(result)
        else:
            then(result)


class FakeGameView(QWidget):
    """The view of a game that runs until it is closed."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.changes: list[QEvent.Type] = []
        self.closings = 0

    def window_changed(self, what: QEvent.Type) -> None:
        self.changes.append(what)

    def report(self) -> str:
        return "Rejoin report\nPlayed: 2 min\n"

    def close(self) -> bool:
        self.closings += 1
        return True


class FakePlayedGame(QObject):
    """In place of `PlayedGame`."""

    began = Signal()
    left = Signal()
    over = Signal()
    made: list[FakePlayedGame] = []  # noqa: RUF012 emptied by each scene

    def __init__(self, parts: object, use: object, parent: QWidget, fell_back: object) -> None:
        super().__init__(parent)
        self.view = FakeGameView(parent)
        self.stuck = False
        self.wants_another = False
        self.ending: Ending | None = None
        self.started = False
        self.said: list[str] = []
        self.made.append(self)

    def start(self) -> None:
        self.started = True
        self.began.emit()

    def say(self, text: str) -> None:
        self.said.append(text)


class FakeParts:
    """In place of `played_game.Parts`."""

    class options:
        picture = None


class HomeScene:
    def __init__(self) -> None:
        self.path: Path = games_file.games_path()
        self.jobs = HandJobs()
        self.window = HomeWindow(OnProcessor("a test"), size=(1280, 720))
        self.gone = 0
        self.settings = PlayerSettings()
        self.controller: HomeController | None = None
        FakePlayedGame.made.clear()

    def open(self, *games: Game, extras: tuple[Any, ...] = ()) -> HomeController:
        """With these games in the list."""
        for game in games:
            games_file.add(self.path, game)
        parts = HomeParts(
            lambda game, on_activate: FakeParts(),  # type: ignore[arg-type, return-value]
            lambda options: None,  # type: ignore[arg-type, return-value]
            settings=lambda: self.settings,
        )
        self.controller = HomeController(self.window, parts, self.jobs, extras=extras)
        self.controller.gone.connect(self._note_gone)
        self.window.show()
        self.window.activateWindow()
        assert wait_until(self.window.isActiveWindow, 60.0)
        return self.controller

    def _note_gone(self) -> None:
        self.gone += 1

    @property
    def step(self) -> StepPage:
        """The step that is shown."""
        page = self.window.page
        assert isinstance(page, StepPage)
        return page

    @property
    def title(self) -> str:
        shown = self.step.step
        assert shown is not None
        return shown.title

    @property
    def problem(self) -> str:
        return self.step.problem.text()

    def press(self, key: Qt.Key, *, control: bool = False) -> None:
        """A key, wherever the focus is."""
        found: QWidget | None = self.window.focusWidget()
        focused = self.window if found is None else found
        modifier = (
            Qt.KeyboardModifier.ControlModifier if control else Qt.KeyboardModifier.NoModifier
        )
        QTest.keyClick(focused, key, modifier)

    def type(self, text: str) -> None:
        focused = self.window.focusWidget()
        assert focused is not None
        QTest.keyClicks(focused, text)

    def names(self) -> list[str]:
        return [tile.card.name for tile in self.window.home.tiles]

    def saved_names(self) -> list[str]:
        return [game.name for game in games_file.load(self.path).games]

    @property
    def playing(self) -> FakePlayedGame:
        return FakePlayedGame.made[-1]

    def close(self) -> None:
        if self.controller is not None:
            self.controller._timer.stop()
            last = self.controller._last
            assert wait_until(lambda: last._thread is None, 60.0)
            last.close()
        self.window.hide()
        self.window.deleteLater()


def save_ticket(
    address: BackendAddress = WOOD.address, *, ago_s: float = 10.0, timeout_s: float = 120.0
) -> Ticket:
    """A game at this address that was connected `ago_s` ago and may be returned to for
    `timeout_s` after that."""
    now = present()
    state = RejoinState(SessionId("s-1"), AttemptNumber(3), timeout_s, proved_at=now.at - ago_s)
    ticket = Ticket(state, address, now.boot_id, now.at - ago_s, now.unix_s - ago_s)
    TicketFolder().write(ticket)
    return ticket
