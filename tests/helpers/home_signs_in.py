"""A player at the home: signs in on a card, plays, is dropped, signs out, signs in with a phone.

A program of its own, for a session with a keyring of its own.

    python -m helpers.home_signs_in BACKEND PICTURES

It prints lines of what has happened, which begin with HOME, and waits for a line where the test has
to do something.
Pictures of the window go to the folder PICTURES. Tokens last 6 s (`/brief` of the provider).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keyring
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from helpers import browser_that_signs_in
from helpers.window_faces import wait_until
from rejoin.cli import home as homes
from rejoin.core.model import Stage
from rejoin.core.ticket import BackendAddress
from rejoin.gui.home import texts
from rejoin.gui.home.controller import HomeController
from rejoin.gui.home.home_parts import HomeParts
from rejoin.gui.home.jobs import Jobs
from rejoin.gui.home.step_page import StepPage
from rejoin.gui.home.window import HomeWindow
from rejoin.gui.main_window import RejoinWindow
from rejoin.gui.qt_application import make_application
from rejoin.gui.renderer_choice import OnProcessor
from rejoin.gui.surface_choice import PictureOptions, SurfaceUse
from rejoin.runtime import game_sign_in, games_file
from rejoin.runtime.games import Game
from rejoin.runtime.qr_code import qr_modules
from rejoin.runtime.renderer_memory import RendererMemory
from rejoin.runtime.saved_sign_in import SIGN_IN
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.runtime.tokens import SERVICE, origin_of
from rejoin.signaling.openid import OpenIdMethod

PATIENCE_S = 120.0
_said = game_sign_in.method_of


async def _brief(profile: StudioProfile) -> OpenIdMethod | None:
    method = await _said(profile)
    return None if method is None else replace(method, audience=f"{method.audience}/brief")


class Player:
    def __init__(self, backend_url: str, pictures: Path) -> None:
        self.pictures = pictures
        self.origin = origin_of(backend_url)
        self.game = Game("Lantern Wood", BackendAddress(backend_url, "ours", "loopback"))
        games_file.add(games_file.games_path(), self.game)
        make_application()
        self.window = HomeWindow(OnProcessor("a test"))
        memory = RendererMemory()

        def make_use(options: PictureOptions) -> SurfaceUse:
            return SurfaceUse(options, memory, choice=OnProcessor("a test"))

        self.jobs = Jobs()
        self.gone = False
        parts = HomeParts(homes._make_parts, make_use, settings=homes._settings)
        self.controller = HomeController(self.window, parts, self.jobs)
        self.controller.gone.connect(self._note_gone)
        self.window.show()

    def _note_gone(self) -> None:
        self.gone = True

    def until(self, true: Callable[[], bool], what: str) -> None:
        if not wait_until(true, PATIENCE_S):
            step = self.window.page
            shown = step.title.text() if isinstance(step, StepPage) else type(step).__name__
            raise SystemExit(f"not reached: {what}; shown: {shown}")

    def shown(self) -> StepPage:
        page = self.window.page
        assert isinstance(page, StepPage), type(page)
        return page

    def titled(self, title: str) -> bool:
        page = self.window.page
        return isinstance(page, StepPage) and page.step is not None and page.step.title == title

    def is_live(self) -> bool:
        page = self.window.page
        return (
            isinstance(page, RejoinWindow)
            and page.snapshot.stage is Stage.LIVE
            and page.layers.view.painted.pictures > 0
        )

    def picture(self, name: str) -> None:
        for _ in range(2):  # laid out, then painted
            QTest.qWait(100)
        assert self.window.grab().save(str(self.pictures / f"{name}.png"))

    def refresh_token(self) -> str | None:
        return keyring.get_password(SERVICE, f"{self.origin}{SIGN_IN}")

    def press_card(self) -> None:
        self.until(lambda: self.window.page is self.window.home, "home")
        self.window.home.tiles[0].click()
        self.until(lambda: self.titled("Sign in at 127.0.0.1"), "the question")

    def leave(self) -> None:
        self.window.close()
        self.until(lambda: self.controller._playing is None, "the end of the game")

    def sign_out(self) -> str:
        """What is said of it."""
        self.until(lambda: self.window.page is self.window.home, "home")
        self.controller.steps.ask_sign_out(self.game.key)
        self.shown().buttons[0].click()

        def said() -> str:
            step = self.shown().step
            ended = step is not None and not step.busy and not step.choices
            return step.lines[0] if step is not None and ended else ""

        self.until(lambda: said() != "", "the outcome")
        found = said()
        self.shown().leave_button.click()
        return found


def say(*words: str) -> None:
    print("HOME", *words, flush=True)


def with_the_browser(player: Player) -> None:
    player.press_card()
    player.picture("sign-in")
    player.shown().buttons[0].click()
    player.until(player.is_live, "a game after the browser")
    assert player.window.home.tiles[0].card.name == "Lantern Wood"
    say("LIVE", type(keyring.get_keyring()).__module__)
    first = player.refresh_token()
    player.until(lambda: player.refresh_token() not in (None, first), "a refreshed sign-in")
    say("REFRESHED")
    sys.stdin.readline()  # the game's connection is dropped now
    page = player.window.page
    assert isinstance(page, RejoinWindow)
    player.until(lambda: page.snapshot.stage is not Stage.LIVE, "a drop")
    player.until(player.is_live, "the game after the drop")
    say("BACK")
    player.leave()
    player.until(lambda: player.controller._last.ticket is not None, "the ticket")
    player.picture("continue")
    say("OUT", player.sign_out())
    say("KEPT", str(player.refresh_token()))


def with_a_phone(player: Player) -> None:
    player.press_card()
    player.shown().buttons[1].click()

    def code() -> str:
        step = player.shown().step
        return "" if step is None or step.code is None else step.lines[0]

    player.until(lambda: code() != "", "a code")
    names = [each.accessibleName() for each in player.shown().findChildren(QLabel)]
    assert "QR code" in names
    player.picture("code")
    line = code()
    typed = line.split("type the code ")[1].split(",")[0]
    address = line.split("On your phone open ")[1].split(" and type")[0]
    scanned = f"{address}?user_code={typed}"
    step = player.shown().step
    assert step is not None
    assert step.code == qr_modules(scanned), "what a phone reads in the picture"
    say("CODE", typed)
    phone = subprocess.Popen(
        [sys.executable, browser_that_signs_in.__file__, scanned],
        env={**os.environ, "REJOIN_TEST_USER_CODE": typed},
        stdout=subprocess.DEVNULL,
    )
    try:
        player.until(player.is_live, "a game after the phone")
    finally:
        phone.wait(60)
    say("LIVE")
    player.leave()
    say("OUT", player.sign_out())


def main() -> None:
    game_sign_in.method_of = _brief
    player = Player(sys.argv[1], Path(sys.argv[2]))
    try:
        with_the_browser(player)
        with_a_phone(player)
        player.window.close()
        player.until(lambda: player.gone, "the end")
        say("GONE", texts.APP)
    finally:
        player.jobs.close(60.0)
        player.window.deleteLater()
        QCoreApplication.sendPostedEvents(player.window, QEvent.Type.DeferredDelete.value)


if __name__ == "__main__":
    main()
