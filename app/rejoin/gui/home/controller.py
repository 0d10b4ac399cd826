"""What the home window's buttons do: the games, the pages, and the game that is played."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
from rejoin.gui.home.contents import Leaving, Unfinished, contents, name_of
from rejoin.gui.home.extra_pages import EXTRAS, Extra, exists, open_extra
from rejoin.gui.home.jobs import Jobs
from rejoin.gui.home.last_picture import LastPicture
from rejoin.gui.home.preloading import LoadInTurn
from rejoin.gui.home.to_open import ToOpen
from rejoin.gui.home.window import HomeWindow
from rejoin.gui.renderer_choice import Choice as DrawnBy
from rejoin.language import tr
from rejoin.runtime import games_file
from rejoin.runtime.games import Game, game_key, host_of
from rejoin.runtime.ticket_folder import TicketFolder
from rejoin.runtime.unfinished import key_of_ticket, unfinished_game

if TYPE_CHECKING:
    from rejoin.gui.home.played_game import MakeParts, PlayedGame
    from rejoin.gui.home.step_page import StepPage
    from rejoin.gui.home.steps import Steps
    from rejoin.gui.surface_choice import PictureOptions, SurfaceUse
    from rejoin.runtime.instance_server import Activation
    from rejoin.runtime.launch import GameToPlay

_log = logging.getLogger("rejoin.home")

TICK_MS: Final = 250
REREAD_TICKS: Final = 8
"""The disk is read every two seconds while the home is shown: another Rejoin may have ended."""


@dataclass(frozen=True, slots=True)
class HomeParts:
    """What the home does not know itself.

    `make_parts`: composes a game. `make_use`: what draws it in this window, by its options.
    `fell_back`: is told what draws once the card cannot any more. `allow_444`: the player's setting
    of now. `streamer_mode`: whether others may see the screen now.
    """

    make_parts: MakeParts
    make_use: Callable[[PictureOptions], SurfaceUse]
    fell_back: Callable[[DrawnBy], None] = lambda choice: None
    allow_444: Callable[[], bool] = lambda: False
    streamer_mode: Callable[[], bool] = lambda: False


class HomeController(QObject):
    """Runs one home window until `gone`."""

    all_loaded = Signal()
    """Everything that a game needs is loaded."""
    gone = Signal()
    """The window was closed, and the game that was played in it has finished."""

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
        self._last_picture: LastPicture | None = None
        """From the window's first paint on."""
        self._games = games_file.load(self._path)
        self._last: Unfinished | Leaving | None = None
        self._playing: PlayedGame | None = None
        self._steps: Steps | None = None
        self._to_open: ToOpen | None = None
        self._link: str | None = None
        """A link that waits until the game that is played is left."""
        self._loading: LoadInTurn | None = None
        self._closing = False
        self._ticks = 0
        self._connect()
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._timer.start()
        self.refresh()
        window.home.take_focus()

    def _connect(self) -> None:
        window, home = self._window, self._window.home
        for extra in self._extras.values():
            home.add_button(extra.name, extra.text, at_top=extra.at_top)
        home.add_button("about", texts.ABOUT, at_top=True)
        home.continued.connect(self._continue)
        home.dismissed.connect(self._dismiss)
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

    # --- what is shown --------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read the games and the tickets anew, and show them."""
        self._games = games_file.load(self._path)
        if self._playing is None:
            self._last = self._unfinished()
        self._follow_picture()
        self._show_contents()

    def _show_last_picture(self) -> None:
        """The window is painted: now it may be read."""
        panel = self._window.home.panel
        hidden = self._parts.streamer_mode
        self._last_picture = LastPicture(panel, self._jobs, self._tickets, hidden)
        self._follow_picture()

    def _follow_picture(self) -> None:
        if self._last_picture is not None:
            last = self._last
            self._last_picture.follow(last.ticket if isinstance(last, Unfinished) else None)

    def _unfinished(self) -> Unfinished | None:
        ticket = unfinished_game()
        if ticket is None:
            return None
        before = self._last
        if isinstance(before, Unfinished) and before.ticket == ticket:
            return before
        return Unfinished(ticket, self._now())

    def _now(self) -> float:
        return self._tickets.now().at

    def _show_contents(self) -> None:
        offset_s = float(time.localtime().tm_gmtoff or 0)
        shown = contents(
            self._games,
            self._last,
            self._tickets.now(),
            utc_offset_s=offset_s,
            unlisted=self._unlisted(),
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

    def show_home(self) -> None:
        """Show the home anew, and then a link that waits."""
        self._to_open = None
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

    def game_of(self, key: str) -> Game | None:
        return next((game for game in self._games.games if game.key == key), None)

    # --- pages ----------------------------------------------------------------------------------

    def show_page(self, page: QWidget) -> None:
        """Show a page of another part, until its signal `left`."""
        left: Signal = page.left  # type: ignore[attr-defined]  # every such page has it

        def leave() -> None:
            self._window.remove_page(page)
            self.show_home()

        left.connect(leave)  # type: ignore[attr-defined]
        self._window.show_page(page)

    def last_address(self) -> BackendAddress | None:
        """Of the game that was played last, or of the first in the list."""
        games = sorted(self._games.games, key=lambda game: -(game.last_played or 0.0))
        return games[0].address if games else None

    def _open_page(self, name: str) -> None:
        if name == "about":
            self.steps.show_about()
        elif name in self._extras:
            open_extra(self._extras[name], self)

    def _show_help(self) -> None:
        if self._playing is None and self._to_open is None:
            self.steps.show_help()

    # --- the list -------------------------------------------------------------------------------

    def _show_menu(self, key: str, at: object) -> None:
        if not isinstance(at, QWidget):
            return
        menu = QMenu(self._window)
        for text, chosen in (
            (tr(texts.PLAY), self.play),
            (tr(texts.RENAME), self.steps.ask_name),
            (tr(texts.SHORTCUT), self.steps.make_shortcut),
            (tr(texts.REMOVE), self.steps.ask_removal),
        ):
            menu.addAction(text, partial(chosen, key))
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(at.mapToGlobal(QPoint(0, at.height())))

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

    def play_address(self, address: BackendAddress, token: str | None = None) -> None:
        """Play a game that need not be in the list. `token`: for this address."""
        known = self.game_of(game_key(address))
        name = known.name if known is not None else host_of(address.backend_url)
        self._open(self._to_play(name, address, token))

    def _to_play(self, name: str, address: BackendAddress, token: str | None = None) -> ToOpen:
        return ToOpen(name, address, allow_444=self._parts.allow_444(), token=token)

    def _continue(self) -> None:
        if isinstance(self._last, Unfinished):
            ticket = self._last.ticket
            name = name_of(ticket, (*self._games.games, *self._unlisted()))
            self._open(ToOpen(name, ticket.backend, ticket))

    def _dismiss(self) -> None:
        """The player has seen that it is over."""
        if isinstance(self._last, Unfinished):
            try:
                self._tickets.remove(key_of_ticket(self._last.ticket))
            except OSError as error:
                _log.info("the ticket was not removed: %s", type(error).__name__)
        self.refresh()
        self._window.home.take_focus()

    def _open(self, wanted: ToOpen) -> None:
        if self._playing is not None or self._closing:
            return
        self._to_open = wanted
        self.steps.opening.open(wanted)

    def loaded(self) -> None:
        """What a game needs beside Qt has been imported: now the rest, in turns of this thread."""
        self._loading = LoadInTurn(self.all_loaded.emit)
        self._loading.begin()

    def start(self, wanted: ToOpen, game: GameToPlay) -> None:
        from rejoin.gui.home.played_game import PlayedGame
        from rejoin.runtime import opening

        try:
            parts = self._parts.make_parts(game)
            use = self._parts.make_use(parts.options.picture)
        except RejoinError as error:
            opening.release(game)
            self.steps.show_failure(str(error))
            return
        self._playing = played = PlayedGame(parts, use, self._window, self._parts.fell_back)
        played.left.connect(self._left)
        played.over.connect(self._over)
        self._window.show_page(played.view)
        played.start()
        if self.game_of(wanted.key) is not None:
            try:
                games_file.played(self._path, wanted.key, time.time())
            except RejoinError as error:
                _log.info("%s", error)

    def _left(self) -> None:
        """The game was closed for now, and its engine finishes."""
        self._last = Leaving()
        if not self._closing:
            self.show_home()
            self._window.home.take_focus()

    def _over(self) -> None:
        played, wanted = self._playing, self._to_open
        self._playing = self._to_open = None
        if played is None:
            return
        if played.stuck:
            _log.error("%s", texts.NOT_ENDED)
        from rejoin.core.model import EndingKind

        ending = played.ending
        if ending is not None and ending.kind is EndingKind.SIGN_IN_NEEDED and wanted is not None:
            self.steps.opening.sign_in_refused(wanted.address)
        self._window.remove_page(played.view)
        played.deleteLater()
        self._last = None
        if self._closing:
            self._finish()
            return
        if played.wants_another and wanted is not None:
            self._open(replace(wanted, ticket=None))
            return
        was_home = self._window.page is self._window.home
        if was_home:
            self.show_home()
            self._window.home.take_focus()

    # --- the window -----------------------------------------------------------------------------

    def activated(self, activation: Activation) -> None:
        """A second instance was started, perhaps with a link."""
        bring_to_front(self._window, activation.token)
        if activation.link is not None:
            self.open_link(activation.link)

    def open_link(self, link: str) -> None:
        """Ask about a link, at once or when the game that is played is left."""
        if self._playing is not None or self._to_open is not None:
            self._link = link
        else:
            self.steps.adding.open_link(link)

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
        if self._steps is not None:
            self._steps.trying.close()
        self.gone.emit()
