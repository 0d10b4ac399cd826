"""*Test my connection*: the path to a backend and, if wanted, ten seconds of play, on a thread.

The window calls `run` on a thread of its own, and `cancel` on any.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Final, Protocol

from rejoin.core.model import Ending
from rejoin.errors import BadInputError
from rejoin.language import Message
from rejoin.runtime.doctor.connection import ConnectionChecks
from rejoin.runtime.doctor.connection_judging import HowToSignIn
from rejoin.runtime.doctor.findings import Finding, OnUpdate, Outcome, Report, Update
from rejoin.runtime.doctor.play import PLAY_S, PlayChecks
from rejoin.runtime.doctor.run import run_checks
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.tasks import cancel, spawn

_BY_PLAYING: Final = Message("Play the game from its card: you sign in then.")
HOW_TO_SIGN_IN: Final = HowToSignIn(_BY_PLAYING, _BY_PLAYING)
"""In the window."""


class RunningTest(Protocol):
    """One test, as a window uses it."""

    def run(self, on_update: OnUpdate) -> Report:
        """Test; blocks. `on_update` is called on this thread. Does not raise."""
        ...

    def cancel(self) -> None:
        """End it soon; `run` then returns its findings so far. Any thread; may come before
        `run`."""
        ...


async def run_connection_test(
    profile: StudioProfile, explain: Callable[[Ending], str], on_update: OnUpdate, *, play: bool
) -> Report:
    """The report of one test. If its task is cancelled, a started game is ended."""
    checks = ConnectionChecks(profile, how_to_sign_in=HOW_TO_SIGN_IN)
    game = PlayChecks(checks.profile_to_play, explain, seconds=PLAY_S)
    try:
        findings = await run_checks(checks.checks() + (game.checks() if play else ()), on_update)
    finally:
        await checks.aclose()
    return Report(findings, game.numbers)


class ConnectionTest:
    """`RunningTest` of a studio profile. To be used once."""

    def __init__(
        self,
        profile: Callable[[], StudioProfile],
        explain: Callable[[Ending], str],
        *,
        play: bool,
    ) -> None:
        """`profile`: which one; called on the thread of `run`, and may raise BadInputError.
        `explain`: an ending in words for a person."""
        self._profile = profile
        self._explain = explain
        self._play = play
        self._lock = threading.Lock()
        self._cancelled = False
        self._stop: Callable[[], None] | None = None

    def run(self, on_update: OnUpdate) -> Report:
        return asyncio.run(self._run(on_update))

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            if self._stop is not None:
                self._stop()

    async def _run(self, on_update: OnUpdate) -> Report:
        found: list[Finding] = []

        def note(update: Update) -> None:
            if isinstance(update, Finding):
                found.append(update)
            on_update(update)

        try:
            profile = self._profile()
        except BadInputError as error:
            finding = Finding("address", Outcome.FAILED, str(error), Message("Check the address."))
            on_update(finding)
            return Report((finding,))
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        with self._lock:
            self._stop = lambda: _call(loop, stopped.set)
            if self._cancelled:
                stopped.set()
        testing = spawn(
            run_connection_test(profile, self._explain, note, play=self._play),
            name="connection test",
        )
        waiting = spawn(stopped.wait(), name="connection test: cancel")
        try:
            await asyncio.wait({testing, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if testing.done():
                return testing.result()
            await cancel(testing)  # waits until a game that was started is ended
            return Report(tuple(found), cancelled=True)
        finally:
            with self._lock:
                self._stop = None
            await cancel(testing, waiting)


def _call(loop: asyncio.AbstractEventLoop, what: Callable[[], None]) -> None:
    loop.call_soon_threadsafe(what)
