"""Signing out of one game: asked first, then the keyring and the provider."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rejoin.errors import RejoinError
from rejoin.gui.hidden_hosts import without_host
from rejoin.gui.home import texts
from rejoin.gui.home.jobs import Job, Jobs
from rejoin.gui.home.step_page import Choice, Step
from rejoin.language import tr
from rejoin.runtime.games import Game

if TYPE_CHECKING:
    from rejoin.runtime.sign_in import SignOut


class SignOutSteps:
    """One game at a time."""

    def __init__(
        self,
        jobs: Jobs,
        show: Callable[[Step], None],
        forget: Callable[[str], None],
        hides_hosts: Callable[[], bool],
    ) -> None:
        """`show`: shows a step. `forget`: forgets what the player has given in this run, by key.
        `hides_hosts`: whether others may see the screen."""
        self._jobs = jobs
        self._hides_hosts = hides_hosts
        self._show = show
        self._forget = forget
        self._job: Job | None = None

    def begin(self, game: Game, problem: str = "") -> None:
        """Ask whether it is meant."""
        choice = Choice(tr(texts.SIGN_OUT), lambda: self._sign_out(game))
        lines = (tr(texts.SIGN_OUT_TEXT),)
        if problem and self._hides_hosts():
            problem = without_host(problem, game.address.backend_url)
        self._show(Step(self._title(game), lines, choices=(choice,), problem=problem))

    def cancel(self) -> None:
        """The player does not wait for it any more; what is forgotten stays so."""
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _sign_out(self, game: Game) -> None:
        self._forget(game.key)
        self._show(Step(self._title(game), busy=True))

        async def signed_out() -> SignOut:
            from rejoin.runtime import game_sign_in
            from rejoin.runtime.studio_profile import StudioProfile

            return await game_sign_in.sign_out(StudioProfile.from_address(game.address, None))

        self.cancel()
        self._job = self._jobs.run(
            signed_out,
            lambda done: self._done(game, done),
            lambda error: self._failed(game, error),
        )

    def _done(self, game: Game, done: SignOut) -> None:
        self._job = None
        if not done.forgotten:
            self.begin(game, tr(texts.NOT_FORGOTTEN))
            return
        line = texts.SIGNED_OUT if done.revoked or not done.was_signed_in else texts.SIGNED_OUT_HERE
        self._show(Step(self._title(game), (tr(line),), leave_text=tr(texts.BACK)))

    def _title(self, game: Game) -> str:
        """Of whose address it is; where others may see it, which game's."""
        named = game.name if self._hides_hosts() else game.host
        return tr(texts.SIGN_OUT_TITLE, host=named)

    def _failed(self, game: Game, error: RejoinError) -> None:
        self._job = None
        self.begin(game, tr(str(error)))
