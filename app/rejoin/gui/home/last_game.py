"""The last game: its ticket, read on a background thread."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from rejoin.core.ticket import Ticket
from rejoin.gui.home import texts
from rejoin.gui.home.contents import Leaving, Unfinished
from rejoin.language import tr
from rejoin.runtime.ticket_folder import TicketFolder
from rejoin.runtime.unfinished import UnusableTicket, key_of_ticket, unfinished_game

if TYPE_CHECKING:
    from collections.abc import Callable

    from rejoin.gui.home.continue_panel import ContinuePanel
    from rejoin.gui.home.jobs import Jobs
    from rejoin.gui.home.last_picture import LastPicture

_log = logging.getLogger("rejoin.home")


class LastGame(QObject):
    """What may be continued. To be used on the GUI thread; a slow disk does not stop that."""

    changed = Signal()
    """Another one than before, or none any more; or another problem."""
    settled = Signal()
    """The ticket of a game that has just ended was read."""

    def __init__(self, tickets: TicketFolder, jobs: Jobs, parent: QObject) -> None:
        """`jobs`: lives longer than the window, and brings what was read to its thread."""
        super().__init__(parent)
        self._tickets = tickets
        self._jobs = jobs
        self._closed = False
        self._shown: Unfinished | Leaving | None = None
        self._unusable: UnusableTicket | None = None
        self._picture: LastPicture | None = None
        self._thread: threading.Thread | None = None
        self._turn = 0
        """Rises when a game is left or ends, or its ticket goes: what was read before counts no
        more."""
        self._settles = False

    @property
    def shown(self) -> Unfinished | Leaving | None:
        return self._shown

    @property
    def ticket(self) -> Ticket | None:
        """Of the game that may be continued."""
        return self._shown.ticket if isinstance(self._shown, Unfinished) else None

    @property
    def problem(self) -> str:
        """Why there is nothing to continue, where a game left something that cannot be used."""
        return "" if self._unusable is None else tr(texts.UNUSABLE_TICKET)

    def read_now(self) -> None:
        """Before the window is there, so that it is painted whole."""
        self._show(unfinished_game())

    def read(self) -> None:
        """Look again, beside; while one is under way there is no other one."""
        if self._closed or (isinstance(self._shown, Leaving) and not self._settles):
            return
        if self._thread is None:
            turn = self._turn
            self._thread = threading.Thread(
                target=lambda: self._find(turn), name="last game", daemon=True
            )
            self._thread.start()

    def leave(self) -> None:
        """A game was closed a moment ago: its ticket is being written."""
        self._turn += 1
        self._settles = False
        self._set(Leaving())

    def end(self) -> None:
        """That game has ended: see what it left. Until that is known nothing changes."""
        self._turn += 1
        self._settles = True
        self.read()

    def remove(self) -> str:
        """The player does not want it any more. A sentence if its ticket cannot be removed."""
        ticket, problem = self.ticket, ""
        if ticket is not None:
            self._turn += 1
            try:
                self._tickets.remove(key_of_ticket(ticket))
            except OSError as error:
                _log.info("the ticket was not removed: %s", type(error).__name__)
                problem = tr("The ticket of the game cannot be removed: {why}.", why=error.strerror)
        self._set(None)
        return problem

    def show_picture(self, panel: ContinuePanel, hidden: Callable[[], bool]) -> None:
        """From now on, with what the player saw last. `hidden`: as of `LastPicture`."""
        from rejoin.gui.home.last_picture import LastPicture

        self._picture = LastPicture(panel, self._jobs, self._tickets, hidden)
        self._picture.follow(self.ticket)

    def close(self) -> None:
        """Ignore reads that are still running."""
        self._closed = True

    def _find(self, turn: int) -> None:
        found: Ticket | UnusableTicket | None = None
        try:
            found = unfinished_game()
        except Exception:
            _log.exception("the last game cannot be found out")
        self._jobs.later(lambda: self._take(turn, found))

    def _take(self, turn: int, found: Ticket | UnusableTicket | None) -> None:
        self._thread = None
        if self._closed:
            return
        if turn != self._turn:
            self.read()
            return
        self._show(found)
        if self._settles:
            self._settles = False
            self.settled.emit()

    def _show(self, found: Ticket | UnusableTicket | None) -> None:
        before = self._shown
        unusable = found if isinstance(found, UnusableTicket) else None
        if unusable != self._unusable:
            self._unusable = unusable
            if unusable is not None:
                _log.info("%s", unusable.why)
            self.changed.emit()
        if found is None or isinstance(found, UnusableTicket):
            self._set(None)
        elif not isinstance(before, Unfinished) or before.ticket != found:
            self._set(Unfinished(found, self._tickets.now().at))

    def _set(self, shown: Unfinished | Leaving | None) -> None:
        if shown == self._shown:
            return
        self._shown = shown
        if self._picture is not None:
            self._picture.follow(self.ticket)
        self.changed.emit()
