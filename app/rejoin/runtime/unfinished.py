"""Finds the game that can be rejoined and that no Rejoin plays now, without loading a game's
code."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from rejoin.core.ticket import Ticket
from rejoin.errors import BadInputError
from rejoin.runtime.instance import is_taken
from rejoin.runtime.ticket_folder import TicketFolder, key_of


def key_of_ticket(ticket: Ticket) -> str:
    """The name of the ticket's session on this computer, for its lock and its file."""
    return key_of(ticket.backend.backend_url, ticket.rejoin_state.session_id)


@dataclass(frozen=True, slots=True)
class UnusableTicket:
    """There are tickets, and none of them can be used. `why`: a sentence about one of them."""

    why: str


def unfinished_game() -> Ticket | UnusableTicket | None:
    """The newest ticket that can be used, unless its game is open or certainly over. A ticket that
    cannot be used is swept a day after it was written."""
    folder = TicketFolder()
    folder.sweep()
    try:
        ticket = folder.newest()
    except BadInputError as error:
        return UnusableTicket(str(error))
    if ticket is None or ticket.expired(folder.now()):
        return None
    return None if is_taken(key_of_ticket(ticket)) else ticket


def forget_games_at(backend_url: str) -> None:
    """Remove the newest tickets as long as they belong to this backend, which has ended."""
    folder = TicketFolder()
    with contextlib.suppress(BadInputError, OSError):
        while (ticket := folder.newest()) and ticket.backend.backend_url == backend_url:
            folder.remove(key_of_ticket(ticket))
