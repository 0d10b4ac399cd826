"""From a press of *Play* to a game: waiting, signing in, giving a token, failing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt

from helpers.home_scene import WOOD, FakePlayedGame, HomeScene
from helpers.window_faces import wait_until
from rejoin.errors import RejoinError
from rejoin.gui.home import played_game, texts
from rejoin.gui.home.jobs import Jobs
from rejoin.runtime import opening
from rejoin.runtime.launch import GameToPlay
from rejoin.runtime.opening import OpenElsewhere, Ready, SignInNeeded, Wanted
from rejoin.runtime.player_settings import PlayerSettings
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling.openid import DeviceAnswer, OpenIdMethod

PROFILE = StudioProfile.from_address(WOOD.address, None)
METHOD = OpenIdMethod("https://id.example", "rejoin", "openid")
CODE = DeviceAnswer(
    device_code="secret",
    user_code="WDJB-MJHT",
    verification_uri="https://id.example/device",
    expires_in=600.0,
)
NEEDED = SignInNeeded(PROFILE, METHOD)


@pytest.fixture(autouse=True)
def _no_real_game(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(played_game, "PlayedGame", FakePlayedGame)


def test_what_takes_time_can_be_cancelled_and_holds_nothing_afterwards(
    scene: HomeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped: list[object] = []
    monkeypatch.setattr(opening, "drop", dropped.append)
    scene.open(WOOD)
    scene.press(Qt.Key.Key_Return)
    scene.press(Qt.Key.Key_Return)  # the only button that can be pressed: Cancel
    assert scene.window.page is scene.window.home
    late = Ready(GameToPlay(PROFILE))
    scene.jobs.end(late)
    assert dropped == [late]
    assert FakePlayedGame.made == []


def test_a_failure_is_a_sentence_and_can_be_tried_again(scene: HomeScene) -> None:
    scene.open(WOOD)
    scene.press(Qt.Key.Key_Return)
    scene.jobs.end(RejoinError("The backend at 127.0.0.1 could not be reached."))
    assert scene.title == texts.CANNOT_OPEN
    assert scene.problem == "The backend at 127.0.0.1 could not be reached."
    scene.press(Qt.Key.Key_Return)
    assert scene.title == "Opening Lantern Wood..."
    assert len(scene.jobs.waiting) == 2


def test_in_streamer_mode_a_failure_names_no_host(scene: HomeScene) -> None:
    scene.settings = PlayerSettings(streamer_mode=True)
    scene.open(WOOD)
    scene.press(Qt.Key.Key_Return)
    scene.jobs.end(RejoinError("The backend at 127.0.0.1:9 could not be reached."))
    assert scene.problem == "The backend at [hidden] could not be reached."
    assert scene.step.step is not None
    assert scene.step.step.lines == ("Lantern Wood",)


def test_a_game_that_is_open_elsewhere_is_told_so(scene: HomeScene) -> None:
    scene.open(WOOD)
    scene.press(Qt.Key.Key_Return)
    scene.jobs.end(OpenElsewhere())
    shown = scene.step.step
    assert shown is not None
    assert shown.lines == (texts.OPEN_ELSEWHERE,)


def test_a_token_is_typed_unseen_and_a_wrong_one_is_named(scene: HomeScene) -> None:
    controller = scene.open(WOOD)
    scene.press(Qt.Key.Key_Return)
    scene.jobs.end(SignInNeeded(PROFILE, None))
    assert scene.step.edits[0].echoMode() == scene.step.edits[0].EchoMode.Password
    assert not scene.step.buttons[0].isEnabled()
    scene.type("two words")
    scene.press(Qt.Key.Key_Return)
    assert scene.problem == "This is no sign-in token: it has spaces."
    scene.step.edits[0].selectAll()
    scene.type("CANARY-token")
    scene.press(Qt.Key.Key_Return)
    assert scene.title == "Opening Lantern Wood..."
    wanted = controller.steps.opening._wanted(controller._to_open)  # type: ignore[arg-type]
    assert wanted.token == "CANARY-token"


class SignIns:
    """The sign-ins of `opening`, which end when the test says so."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.error: RejoinError | None = None
        self.cancelled = threading.Event()

    async def _wait(self) -> Ready:
        try:
            while not self.ended.is_set():  # noqa: ASYNC110 set by another thread
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        if self.error is not None:
            raise self.error
        return Ready(GameToPlay(PROFILE))

    async def game(self, wanted: Wanted) -> SignInNeeded:
        return NEEDED

    async def browser(
        self, wanted: Wanted, needed: SignInNeeded, on_page: Callable[[str], None]
    ) -> Ready:
        on_page("http://127.0.0.1:7/")
        return await self._wait()

    async def device(
        self, wanted: Wanted, needed: SignInNeeded, on_code: Callable[[DeviceAnswer], None]
    ) -> Ready:
        on_code(CODE)
        return await self._wait()


@pytest.fixture(name="sign_ins")
def _sign_ins(monkeypatch: pytest.MonkeyPatch) -> SignIns:
    made = SignIns()
    monkeypatch.setattr(opening, "open_game", made.game)
    monkeypatch.setattr(opening, "open_after_browser", made.browser)
    monkeypatch.setattr(opening, "open_after_device", made.device)
    return made


def lines(scene: HomeScene) -> str:
    shown = scene.step.step
    return "" if shown is None else " ".join(shown.lines)


def asked(scene: HomeScene) -> None:
    """Until the player is asked how they want to sign in."""
    scene.open(WOOD)
    scene.press(Qt.Key.Key_Return)
    assert wait_until(lambda: scene.title == "Sign in at id.example", 60.0)
    assert "not in Rejoin" in lines(scene)


def test_a_sign_in_in_the_browser_leads_into_the_game(scene: HomeScene, sign_ins: SignIns) -> None:
    scene.jobs = jobs = Jobs()  # type: ignore[assignment]
    try:
        asked(scene)
        scene.press(Qt.Key.Key_Return)
        assert wait_until(lambda: "go to http://127.0.0.1:7/" in lines(scene), 60.0)
        sign_ins.ended.set()
        assert wait_until(lambda: len(FakePlayedGame.made) == 1, 60.0)
        assert scene.window.page is scene.playing.view
    finally:
        jobs.close()


def test_a_sign_in_that_fails_says_why_and_another_way_is_there(
    scene: HomeScene, sign_ins: SignIns
) -> None:
    scene.jobs = jobs = Jobs()  # type: ignore[assignment]
    try:
        asked(scene)
        scene.press(Qt.Key.Key_Return)
        sign_ins.error = RejoinError("Nobody signed in in the browser in time. Try again.")
        sign_ins.ended.set()
        assert wait_until(lambda: scene.title == "Sign in at id.example", 60.0)
        assert scene.problem == "Nobody signed in in the browser in time. Try again."
        sign_ins.ended.clear()
        scene.step.buttons[1].click()
        assert wait_until(lambda: "WDJB-MJHT" in lines(scene), 60.0)
        shown = scene.step.step
        assert shown is not None
        assert shown.code is not None
        assert "secret" not in lines(scene)
        scene.press(Qt.Key.Key_Return)  # Cancel
        assert scene.window.page is scene.window.home
        assert sign_ins.cancelled.wait(60.0)
    finally:
        jobs.close()
