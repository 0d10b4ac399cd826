"""Adding a game: by what the player types, or by a link that somebody gave them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rejoin.core.ticket import BackendAddress
from rejoin.errors import RejoinError
from rejoin.gui.home import texts
from rejoin.gui.home.jobs import Job, Jobs
from rejoin.gui.home.step_page import Choice, Field, Step
from rejoin.gui.home.visit_texts import found_lines
from rejoin.language import tr
from rejoin.runtime.deep_link import is_link, parse_link
from rejoin.runtime.games import Game, game_key, host_of

if TYPE_CHECKING:
    from rejoin.runtime.backend_visit import Visited


class AddingSteps:
    """One game is added at a time."""

    def __init__(
        self,
        jobs: Jobs,
        show: Callable[[Step], None],
        typed: Callable[[], str],
        add: Callable[[Game, bytes], None],
        play: Callable[[str, BackendAddress], None],
        known: Callable[[str], Game | None],
    ) -> None:
        """`show`: shows a step. `typed`: what stands in the first field of the step that is shown.
        `add`: adds it to the list, with its icon, or raises RejoinError. `play`: plays it, by name
        and address. `known`: the game of the list with this key."""
        self._jobs = jobs
        self._show = show
        self._typed = typed
        self._add = add
        self._play = play
        self._known = known
        self._job: Job | None = None

    def begin(self, text: str = "", problem: str = "") -> None:
        """Ask for a link or an address."""
        self._show(
            Step(
                tr(texts.ADD_TITLE),
                (tr(texts.ADD_TEXT),),
                (Field(tr(texts.ADD_FIELD), text),),
                (Choice(tr(texts.CHECK), self._check, needs_fields=True),),
                problem,
            )
        )

    def open_link(self, link: str) -> None:
        """A link that the player followed: nothing is called before they agree to its host, for
        anybody can make a link."""
        try:
            address = parse_link(link)
        except RejoinError as error:
            self.begin(problem=str(error))
            return
        host = host_of(address.backend_url)
        known = self._known(game_key(address))
        lines = [tr(texts.LINK_TEXT)]
        if known is not None:
            lines = [tr(texts.LINK_KNOWN, game=known.name)]
        self._show(
            Step(
                tr(texts.LINK_TITLE, host=host),
                lines,
                choices=(
                    Choice(tr(texts.CHECK), lambda: self._visit(link))
                    if known is None
                    else Choice(tr(texts.PLAY), lambda: self._play(known.name, known.address)),
                ),
            )
        )

    def cancel(self) -> None:
        """Whatever is under way is not wanted any more."""
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _check(self) -> None:
        self._visit(self._typed())

    def _visit(self, text: str) -> None:
        self._show(
            Step(
                tr(texts.ADD_TITLE),
                (tr(texts.CHECKING),),
                (Field(tr(texts.ADD_FIELD), text),),
                busy=True,
            )
        )

        async def visited() -> Visited:
            from rejoin.runtime import backend_visit

            return await backend_visit.visit(text)

        self.cancel()
        self._job = self._jobs.run(
            visited, lambda found: self._found(text, found), lambda error: self._failed(text, error)
        )

    def _failed(self, text: str, error: RejoinError) -> None:
        self._job = None
        self.begin(text, str(error))

    def _found(self, text: str, found: Visited, problem: str = "") -> None:
        from rejoin.runtime.backend_visit import suggested_name

        self._job = None
        address = found.address
        lines = found_lines(found)
        if is_link(text.strip()) and found.is_local:
            lines = (*lines, tr(texts.LOCAL_LINK))
        known = self._known(game_key(address))
        name = suggested_name(address) if known is None else known.name
        self._show(
            Step(
                tr(texts.FOUND_TITLE, host=host_of(address.backend_url)),
                lines,
                (Field(tr(texts.NAME_FIELD), name),),
                (
                    Choice(
                        tr(texts.ADD_AND_PLAY),
                        lambda: self._keep(text, found, plays=True),
                        needs_fields=True,
                    ),
                    Choice(
                        tr(texts.ADD_IT),
                        lambda: self._keep(text, found, plays=False),
                        needs_fields=True,
                    ),
                ),
                problem,
            )
        )

    def _keep(self, text: str, found: Visited, *, plays: bool) -> None:
        game = Game(self._typed(), found.address)
        try:
            self._add(game, found.icon)
        except RejoinError as error:
            self._found(text, found, str(error))
            return
        if plays:
            self._play(game.name, game.address)
