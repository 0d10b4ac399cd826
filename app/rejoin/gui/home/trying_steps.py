"""*Try it here*: a game on this computer, against the emulated service, from press to picture.

The emulator runs until another one is tried or the home is closed: a game that was closed for now
can be continued meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rejoin.core.ticket import BackendAddress
from rejoin.errors import RejoinError
from rejoin.gui.home import texts
from rejoin.gui.home.jobs import Job, Jobs
from rejoin.gui.home.step_page import Choice, Step
from rejoin.language import tr
from rejoin.runtime.unfinished import forget_games_at

if TYPE_CHECKING:
    from rejoin.runtime.studio_profile import StudioProfile
    from rejoin.studio.try_here import TryHere

Play = Callable[[str, BackendAddress, str | None], None]
"""Plays the game of this name at this address, with a token."""


class TryingSteps:
    """One emulator at a time."""

    def __init__(self, jobs: Jobs, show: Callable[[Step], None], play: Play) -> None:
        self._jobs = jobs
        self._show = show
        self._play = play
        self._job: Job | None = None
        self._emulator: TryHere | None = None
        self.address: BackendAddress | None = None
        """Of the emulator that runs."""

    def begin(self) -> None:
        """Start the emulator and play; without it say how to get it."""
        from rejoin.studio.try_here import TryHere, why_not

        self.close()
        missing = why_not()
        if missing is not None:
            self._show(Step(tr(texts.TRY_TITLE), problem=missing, leave_text=tr(texts.BACK)))
            return
        self._show(Step(tr(texts.TRY_TITLE), (tr(texts.TRY_TEXT),), busy=True))
        self._emulator = emulator = TryHere()

        async def started() -> StudioProfile:
            import asyncio

            return await asyncio.to_thread(emulator.start)

        self._job = self._jobs.run(
            started,
            self._started,
            self._failed,
            lambda _: emulator.stop(),
        )

    def cancel(self) -> None:
        """Whatever is under way is not wanted any more."""
        if self._job is not None:
            self.close()

    def close(self) -> None:
        """End the emulator, and with it the game that could be continued."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
        if self._emulator is not None:
            self._emulator.stop()
            self._emulator = None
        if self.address is not None:
            forget_games_at(self.address.backend_url)
            self.address = None

    def _started(self, profile: StudioProfile) -> None:
        self._job = None
        self.address = profile.backend_address()
        self._play(tr(texts.TRY_NAME), self.address, profile.token)

    def _failed(self, error: RejoinError) -> None:
        self._job = None
        self.close()
        again = Choice(tr(texts.TRY_AGAIN), self.begin)
        self._show(
            Step(
                tr(texts.TRY_TITLE), choices=(again,), problem=str(error), leave_text=tr(texts.BACK)
            )
        )
