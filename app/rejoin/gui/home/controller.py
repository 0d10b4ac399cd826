"""What the home window's buttons do: the games, the pages, and the game that is played."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtWidgets import QMenu, QWidget

from rejoin.core.ticket import BackendAddress
from rejoin.errors import RejoinError
from rejoin.gui.announcement import announce
from rejoin.gui.front import bring_to_front
from rejoin.gui.home import texts
from rejoin.gui.home.contents import contents, name_of
from rejoin.gui.home.extra_pages import (
    EXTRAS,
    Extra,
    exists,
    open_connection_test,
    open_extra,
)
from rejoin.gui.home.home_parts import HomeParts
from rejoin.gui.home.jobs import Jobs
from rejoin.gui.home.last_game import LastGame
from rejoin.gui.home.preloading import LoadInTurn
from rejoin.gui.home.window import HomeWindow
from rejoin.language import sentences, tr
from rejoin.runtime import games_file
from rejoin.runtime.games import Game, game_key
from rejoin.runtime.player_settings import PlayerSettings
from rejoin.runtime.ticket_folder import TicketFolder

if TYPE_CHECKING:
    from rejoin.gui.home.home_pads import HomePads
    from rejoin.gui.home.played_game import PlayedGame
    from rejoin.gui.home.step_page import StepPage
    from rejoin.gui.home.steps import Steps
    from rejoin.gui.home.to_open import ToOpen
    from rejoin.runtime.instance_server import Activation
    from rejoin.runtime.launch import GameToPlay

_log = logging.getLogger("rejoin.home")

TICK_MS: Final = 250
REREAD_TICKS: Final = 8
"""The disk is read every two seconds while the home is shown: another Rejoin may have ended."""


class HomeController(QObject):
    """Runs one home window until `gone`."""

    all_loaded = Signal()
    """Everything that a game needs is loaded."""
    gone = Signal()
    """The window was closed, and the game that was played in it has finished."""
    _activated_game = Signal(object)
    """Another Rejoin was started for the game that is played: its `Activation`; from any thread."""

    def __init__(
        self,
        window: HomeWindow,
        parts: HomeParts,
        jobs: Jobs,
        *,
        path: Path | None = None,
        extras: Sequence[Extra] = EXTRAS,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._parts = parts
        self._jobs = jobs
        self._path = path or games_file.games_path()
        self._extras = {extra.name: extra for extra in extras if exists(extra)}
        self._tickets = TicketFolder()
        self._pads: HomePads | None = None
        """Once everything is loaded."""
        self._games = games_file.load(self._path)
        self._settings = parts.settings()
        """As they were when the home was shown last."""
        self._last = LastGame(self._tickets, jobs, self)
        self._problem = ""
        """Of what the player did last."""
        self._playing: PlayedGame | None = None
        self._report = ""
        """About the game that was closed for now; "" for none."""
        self._steps: Steps | None = None
        self._to_open: ToOpen | None = None
        self._part: QWidget | None = None
        """The page of another part that is shown."""
        self._next: ToOpen | None = None
        """What is opened once the engine of a game that was left has finished."""
        self._link: str | None = None
        """A link that waits until the game that is played is left."""
        self._loading = LoadInTurn(self.all_loaded.emit)
        self._closing = False
        self._ticks = 0
        self._connect()
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._timer.start()
        self._last.read_now()
        self._show_contents()
        window.home.take_focus()

    def _connect(self) -> None:
        window, home = self._window, self._window.home
        for extra in self._extras.values():
            home.add_button(extra.name, extra.text, at_top=extra.at_top)
        home.add_button("about", texts.ABOUT, at_top=True)
        home.continued.connect(self._continue)
        home.dismissed.connect(self._dismiss)
        home.panel.report_wanted.connect(self._show_report)
        home.played.connect(self.play)
        home.more.connect(self._show_menu)
        home.renaming.connect(self._ask_name)
        home.removing.connect(self._ask_removal)
        home.adding.connect(self._begin_adding)
        home.chosen.connect(self._open_page)
        home.panel.announced.connect(lambda text: announce(home.panel, text))
        window.help_asked.connect(self._show_help)
        window.adding_asked.connect(self._begin_adding)
        window.close_asked.connect(self._close_asked)
        window.changed.connect(self._window_changed)
        queued = Qt.ConnectionType.QueuedConnection  # after all else that waits for the paint
        window.first_painted.connect(self._show_last_picture, queued)
        self.all_loaded.connect(self._read_pads)
        self._last.changed.connect(self._show_contents)
        self._last.settled.connect(self._settled)
        self._activated_game.connect(self.activated, queued)

    def _read_pads(self) -> None:
        """While no game does."""
        make_pads = self._parts.make_pads
        if make_pads is None or self._playing is not None or self._closing:
            return
        if self._pads is None:
            from rejoin.gui.home.home_pads import HomePads

            self._pads = HomePads(self._window, make_pads)
        self._pads.begin()

    # --- what is shown --------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read games, settings and tickets anew, and show them; the tickets beside the window."""
        self._games = games_file.load(self._path)
        self._settings = self._parts.settings()
        if self._playing is None:
            self._last.read()
        self._show_contents()

    def _show_last_picture(self) -> None:
        """The window is painted: now it may be read."""
        from rejoin.gui.home.card_icons import CardIcons

        home = self._window.home
        CardIcons(home, self._jobs)  # which the page owns
        self._last.show_picture(home.panel, lambda: self._settings.streamer_mode)

    def _settled(self) -> None:
        """What the game that has ended left behind is known."""
        if self._window.page is self._window.home:
            self._window.home.take_focus()

    def _show_contents(self) -> None:
        offset_s = float(time.localtime().tm_gmtoff or 0)
        shown = contents(
            self._games,
            self._last.shown,
            self._tickets.now(),
            utc_offset_s=offset_s,
            unlisted=self._unlisted(),
            hides_hosts=self._settings.streamer_mode,
            problem=self._problem or self._last.problem,
        )
        self._window.home.show_contents(shown)

    def _unlisted(self) -> tuple[Game, ...]:
        """The emulator's game, while it runs."""
        address = None if self._steps is None else self._steps.trying.address
        return () if address is None else (Game(tr(texts.TRY_NAME), address),)

    def _tick(self) -> None:
        if self._window.page is not self._window.home:
            return
        self._ticks += 1
        if self._ticks % REREAD_TICKS == 0:
            self.refresh()
        else:
            self._show_contents()

    def show_home(self, problem: str = "") -> None:
        """Show the home anew, and then a link that waits. `problem`: of what the player did."""
        self._to_open = self._next = None
        self._problem = problem or self._problem
        self.refresh()
        self._window.show_page(self._window.home)
        link, self._link = self._link, None
        if link is not None:
            self.steps.adding.open_link(link)

    @property
    def steps(self) -> Steps:
        """Loaded and made when they are needed first: the home is painted without."""
        if self._steps is None:
            from rejoin.gui.home.steps import Steps

            self._steps = Steps(self, self._jobs, self._path)
        return self._steps

    def show_step_page(self, page: StepPage) -> None:
        self._window.show_page(page)

    def settings(self) -> PlayerSettings:
        """The player's, now."""
        return self._parts.settings()

    def game_of(self, key: str) -> Game | None:
        return next((game for game in self._games.games if game.key == key), None)

    # --- pages ----------------------------------------------------------------------------------

    def show_page(self, page: QWidget) -> None:
        """Show a page of another part, until its signal `left`."""
        left: Signal = page.left  # type: ignore[attr-defined]  # every such page has it

        def leave() -> None:
            self._remove_part()
            self.show_home()

        left.connect(leave)  # type: ignore[attr-defined]
        self._remove_part()
        self._part = page
        self._window.show_page(page)

    def _remove_part(self) -> None:
        """The page of another part goes, if one is there."""
        page, self._part = self._part, None
        if page is not None:
            self._window.remove_page(page)

    def last_address(self) -> BackendAddress | None:
        """Of the game that was played last, or of the first in the list."""
        games = sorted(self._games.games, key=lambda game: -(game.last_played or 0.0))
        return games[0].address if games else None

    def token_for(self, address: BackendAddress) -> str | None:
        """What the player has given in this run for the game there."""
        return None if self._steps is None else self._steps.opening.token_for(game_key(address))

    def _open_page(self, name: str) -> None:
        if name == "about":
            self.steps.show_about()
        elif name in self._extras:
            open_extra(self._extras[name], self)

    def _show_help(self) -> None:
        if self._playing is None and self._to_open is None:
            self.steps.show_help()

    def _show_report(self) -> None:
        from rejoin.gui.home.report_page import HomeReportPage

        hidden = self._parts.settings().streamer_mode
        self.show_page(HomeReportPage(self._report, hides_folders=hidden, parent=self._window))

    # --- the list -------------------------------------------------------------------------------

    def _show_menu(self, key: str, at: object) -> None:
        if not isinstance(at, QWidget):
            return
        menu = QMenu(self._window)
        for text, chosen in (
            (tr(texts.PLAY), self.play),
            (tr(texts.TEST), self._test_connection),
            (tr(texts.RENAME), self.steps.ask_name),
            (tr(texts.SHORTCUT), self.steps.make_shortcut),
            (tr(texts.SIGN_OUT), self.steps.ask_sign_out),
            (tr(texts.REMOVE), self.steps.ask_removal),
        ):
            menu.addAction(text, partial(chosen, key))
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(at.mapToGlobal(QPoint(0, at.height())))

    def _test_connection(self, key: str) -> None:
        game = self.game_of(key)
        if game is not None:
            open_connection_test(self, game.address)

    def _begin_adding(self) -> None:
        self.steps.adding.begin()

    def _ask_name(self, key: str) -> None:
        self.steps.ask_name(key)

    def _ask_removal(self, key: str) -> None:
        self.steps.ask_removal(key)

    # --- playing --------------------------------------------------------------------------------

    def play(self, key: str) -> None:
        """Play a game of the list."""
        game = self.game_of(key)
        if game is not None:
            self.play_game(game.name, game.address)

    def play_game(self, name: str, address: BackendAddress, token: str | None = None) -> None:
        """Play the game at this address, as it is called here. `token`: for this address."""
        self._open(self._to_play(name, address, token))

    def try_here(self) -> None:
        """Play a game of the emulator, which this starts."""
        self.steps.trying.begin()

    def _to_play(self, name: str, address: BackendAddress, token: str | None = None) -> ToOpen:
        from rejoin.gui.home.to_open import ToOpen

        return ToOpen(name, address, token=token)

    def _continue(self) -> None:
        from rejoin.gui.home.to_open import ToOpen

        ticket = self._last.ticket
        if ticket is not None:
            games = (*self._games.games, *self._unlisted())
            name = name_of(ticket, games, hides_hosts=self._settings.streamer_mode)
            self._open(ToOpen(name, ticket.backend, ticket))

    def _dismiss(self) -> None:
        """The player has seen that it is over."""
        self._problem = self._last.remove()
        self._show_contents()
        self._window.home.take_focus()

    def _open(self, wanted: ToOpen) -> None:
        if self._closing:
            return
        self._problem = ""
        if self._playing is not None:  # it was left, and its engine finishes
            self._next = wanted
            self.steps.opening.wait(wanted)
            return
        self._to_open = wanted
        self.steps.opening.open(wanted)

    def loaded(self) -> None:
        """What a game needs beside Qt has been imported: now the rest, in turns of this thread."""
        self._loading.begin()

    def start(self, wanted: ToOpen, game: GameToPlay) -> None:
        from rejoin.gui.home.played_game import PlayedGame
        from rejoin.runtime import opening

        try:
            parts = self._parts.make_parts(game, self._activated_game.emit)
            use = self._parts.make_use(parts.options.picture)
        except RejoinError as error:
            opening.release(game)
            self.steps.show_failure(str(error))
            return
        if self._pads is not None:
            self._pads.end()
        self._set_report("")
        self._playing = played = PlayedGame(parts, use, self._window, self._parts.fell_back)
        played.began.connect(partial(self._note_played, wanted.key))
        played.left.connect(self._left)
        played.over.connect(self._over)
        self._window.show_page(played.view)
        played.start()

    def _note_played(self, key: str) -> None:
        """The game is seen: it was played today."""
        if self.game_of(key) is None:
            return
        try:
            games_file.played(self._path, key, time.time())
        except RejoinError as error:
            _log.warning("%s", error)
            self._problem = sentences(tr(texts.NOT_NOTED), tr(str(error)))

    def _left(self) -> None:
        """The game was closed for now, and its engine finishes."""
        self._last.leave()
        if self._playing is not None:
            self._set_report(self._playing.view.report())
        if not self._closing:
            self.show_home()
            self._window.home.take_focus()

    def _set_report(self, report: str) -> None:
        self._report = report
        self._window.home.panel.offer_report(bool(report))

    def _over(self) -> None:
        played, wanted = self._playing, self._to_open
        self._playing = self._to_open = None
        if played is None:
            return
        if played.stuck:
            _log.error("%s", texts.NOT_ENDED)
            self._problem = tr(texts.NOT_ENDED)
        from rejoin.core.model import EndingKind

        ending = played.ending
        if ending is not None and ending.kind is EndingKind.SIGN_IN_NEEDED and wanted is not None:
            self.steps.opening.sign_in_refused(wanted.address)
        self._window.remove_page(played.view)
        played.deleteLater()
        if self._closing:
            self._finish()
            return
        self._read_pads()
        self._last.end()
        waiting = self._next
        if played.wants_another and wanted is not None:
            waiting = replace(wanted, ticket=None)
        if waiting is not None:
            self._next = None
            self._open(waiting)
            return
        if self._window.page is self._window.home:
            self.show_home()
            self._window.home.take_focus()

    # --- the window -----------------------------------------------------------------------------

    def activated(self, activation: Activation) -> None:
        """A second instance was started, perhaps with a link."""
        bring_to_front(self._window, activation.token)
        if activation.link is not None:
            self.open_link(activation.link)

    def open_link(self, link: str) -> None:
        """Ask about a link: at once, in place of a game that is only being opened, or when the game
        that is played is left, which is said over it. One into that game leads to nothing new."""
        playing = self._playing
        if playing is None:
            if self._steps is not None:
                self._steps.cancel()
            self._to_open = None
            self._remove_part()
            self.steps.adding.open_link(link)
        elif self._to_open is None or not _leads_to(link, self._to_open.key):
            self._link = link
            playing.say(tr(texts.LINK_WAITS))

    def _window_changed(self, what: QEvent.Type) -> None:
        if self._playing is not None:
            self._playing.view.window_changed(what)
        elif what == QEvent.Type.ActivationChange and self._window.page is self._window.home:
            self.refresh()

    def _close_asked(self) -> None:
        """The window's own button: leads from a game to the home, and from there out."""
        playing = self._playing
        if playing is not None and self._window.page is playing.view:
            playing.view.close()
        else:
            self.close()

    def close(self) -> None:
        """Close the window; a game that runs in it is closed for now."""
        if self._closing:
            return
        self._closing = True
        if self._steps is not None:
            self._steps.cancel()
        self._timer.stop()
        self._window.hide()
        if self._playing is not None:
            self._playing.view.close()
        else:
            self._finish()

    def _finish(self) -> None:
        self._loading.end()  # its timers outlive the window
        if self._pads is not None:
            self._pads.end()
        self._last.close()
        if self._steps is not None:
            self._steps.trying.close()
        self.gone.emit()


def _leads_to(link: str, key: str) -> bool:
    """Whether a link leads to the game of this key."""
    from rejoin.runtime.deep_link import parse_link

    try:
        return game_key(parse_link(link)) == key
    except RejoinError:
        return False
