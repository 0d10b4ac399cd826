"""Every step that the home may show, on its one page: made when the first of them is needed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

from rejoin.core.ticket import BackendAddress
from rejoin.errors import BadInputError, RejoinError
from rejoin.gui.home import texts
from rejoin.gui.home.adding_steps import AddingSteps
from rejoin.gui.home.jobs import Jobs
from rejoin.gui.home.opening_steps import OpeningSteps
from rejoin.gui.home.sign_out_steps import SignOutSteps
from rejoin.gui.home.step_page import Choice, Field, Step, StepPage
from rejoin.gui.home.to_open import ToOpen
from rejoin.gui.home.trying_steps import TryingSteps
from rejoin.gui.shortcuts import keys_label
from rejoin.input_events import chords
from rejoin.language import Message, tr
from rejoin.runtime import game_icons, games_file
from rejoin.runtime.deep_link import link_of
from rejoin.runtime.games import Game
from rejoin.version import VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from rejoin.runtime.launch import GameToPlay
    from rejoin.runtime.player_settings import PlayerSettings

_log = logging.getLogger("rejoin.home")


class StepHost(Protocol):
    """What the steps need of the home."""

    def show_step_page(self, page: StepPage) -> None: ...
    def show_home(self, problem: str = "") -> None: ...
    def game_of(self, key: str) -> Game | None: ...
    def play_game(self, name: str, address: BackendAddress, token: str | None = None) -> None: ...
    def start(self, wanted: ToOpen, game: GameToPlay) -> None: ...
    def settings(self) -> PlayerSettings: ...


class Steps:
    """`path`: of the file of games."""

    def __init__(self, host: StepHost, jobs: Jobs, path: Path) -> None:
        self._host = host
        self._path = path
        self.page = StepPage()
        self.page.left.connect(self._leave)
        typed = self.page.field
        self.opening = OpeningSteps(jobs, self.show, typed, host.start, host.settings)
        self.signing_out = SignOutSteps(
            jobs, self.show, self.opening.forget, lambda: host.settings().streamer_mode
        )
        self.trying = TryingSteps(jobs, self.show, host.play_game)
        self.adding = AddingSteps(jobs, self.show, typed, self._add, host.play_game, host.game_of)

    def show(self, step: Step) -> None:
        self.page.show_step(step)
        self._host.show_step_page(self.page)

    def cancel(self) -> None:
        """Whatever is under way is not wanted any more."""
        self.opening.cancel()
        self.signing_out.cancel()
        self.adding.cancel()
        self.trying.cancel()

    def _leave(self) -> None:
        self.cancel()
        self._host.show_home()

    def show_failure(self, problem: str) -> None:
        self.show(Step(tr(texts.CANNOT_OPEN), problem=problem, leave_text=tr(texts.BACK)))

    def show_help(self) -> None:
        settings = self._host.settings()
        chosen = (settings.keys_free_mouse, settings.keys_full_screen, settings.keys_statistics)
        rows = texts.help_rows(*(keys_label(chords.parse(keys)) for keys in chosen))
        self.show(Step(tr(texts.HELP_TITLE), rows=rows, leave_text=tr(texts.BACK)))

    def show_about(self) -> None:
        title = tr(texts.ABOUT_TITLE, version=VERSION)
        self.show(Step(title, (tr(texts.ABOUT_TEXT),), leave_text=tr(texts.BACK)))

    # --- the list -------------------------------------------------------------------------------

    def _add(self, game: Game, icon: bytes = b"") -> None:
        """Raises BadInputError."""
        copy = games_file.add(self._path, game)
        if icon:
            try:
                game_icons.keep_icon(game.key, icon)
            except OSError as error:  # the card has initials
                _log.info("an icon was not kept: %s", type(error).__name__)
        self._host.show_home("" if copy is None else tr(texts.LIST_DAMAGED, name=copy.name))

    def ask_name(self, key: str, problem: str = "") -> None:
        """A new name for a game of the list."""
        game = self._host.game_of(key)
        if game is None:
            return
        self.show(
            Step(
                tr(texts.RENAME_TITLE, game=game.name),
                fields=(Field(tr(texts.NAME_FIELD), game.name),),
                choices=(Choice(tr(texts.RENAME), lambda: self._rename(key), needs_fields=True),),
                problem=problem,
            )
        )

    def _rename(self, key: str) -> None:
        name = self.page.field()
        self._edit(lambda: games_file.rename(self._path, key, name), partial(self.ask_name, key))

    def ask_removal(self, key: str, problem: str = "") -> None:
        """Whether a game is to leave the list."""
        game = self._host.game_of(key)
        if game is None:
            return

        def remove() -> None:
            games_file.remove(self._path, key)
            game_icons.remove_icon(key)

        choice = Choice(
            tr(texts.REMOVE), lambda: self._edit(remove, partial(self.ask_removal, key))
        )
        title = tr(texts.REMOVE_TITLE, game=game.name)
        self.show(Step(title, (tr(texts.REMOVE_TEXT),), choices=(choice,), problem=problem))

    def ask_sign_out(self, key: str) -> None:
        """Whether the sign-in of a game of the list is to be forgotten."""
        game = self._host.game_of(key)
        if game is not None:
            self.signing_out.begin(game)

    def make_shortcut(self, key: str) -> None:
        """Put a shortcut for a game of the list on the player's desktop."""
        from rejoin.runtime import desktop_shortcut

        game = self._host.game_of(key)
        if game is None:
            return
        link = link_of(game.address)
        line, problem = "", ""
        try:
            if link is None:
                raise BadInputError(Message(texts.NO_SHORTCUT))
            path = desktop_shortcut.make_shortcut(
                game.name, link, desktop_shortcut.desktop_folder()
            )
            shown = path.name if self._host.settings().streamer_mode else path
            line = tr(texts.SHORTCUT_MADE, path=shown)
        except RejoinError as error:
            problem = str(error)
        lines = (line,) if line else ()
        self.show(Step(game.name, lines, problem=problem, leave_text=tr(texts.BACK)))

    def _edit(self, edit: Callable[[], None], failed: Callable[[str], None]) -> None:
        try:
            edit()
        except RejoinError as error:
            failed(str(error))
            return
        self._host.show_home()
