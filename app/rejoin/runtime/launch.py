"""Before and after a game: its ticket, its lock, its secrets, and the exit code.

Nothing here depends on the command line or a window; `cli` combines these functions with both.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Final

from rejoin.core.model import Ending, EndingKind, SessionId
from rejoin.core.ticket import Ticket
from rejoin.errors import BadInputError, RejoinError
from rejoin.language import Message
from rejoin.runtime.games import game_key
from rejoin.runtime.instance import Instance, activate
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.runtime.ticket_folder import TicketFolder, key_of
from rejoin.runtime.token_sources import TokenSource
from rejoin.runtime.tokens import (
    NO_SESSION_SAVED,
    NO_TOKEN_SAVED,
    SESSION,
    TokenStore,
    is_token_of,
)
from rejoin.runtime.unfinished import key_of_ticket


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The source of new sign-in tokens. `lasts_s`: how long the first is valid; None: unknown."""

    source: TokenSource
    lasts_s: float | None = None


@dataclass(frozen=True, slots=True)
class GameToPlay:
    """The game to play: a new one, or with `ticket` the one to return to."""

    profile: StudioProfile
    ticket: Ticket | None = None
    instance: Instance | None = None
    """The claim on the session of `ticket`; None for a new game, which claims its own."""
    open_here: Instance | None = None
    """The claim on the game itself (`claim_game`); None if it is open elsewhere, too."""
    signed_in: SignedIn | None = None
    """The source of the profile's token; None: the player entered it."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """This process holds the lock of the session, until `instance.release()`."""

    instance: Instance


@dataclass(frozen=True, slots=True)
class LockUnavailable:
    """The lock file could not be opened, for example for lack of permission.

    The game can be played, but a second Rejoin for the same session would not be noticed."""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Another Rejoin plays the session, and has brought its window to the front."""


Claim = Claimed | LockUnavailable | HandedOver


def ticket_to_return_with() -> Ticket:
    """The newest ticket. Raises BadInputError when it is damaged, too old, or there is none."""
    folder = TicketFolder()
    ticket = folder.newest()
    if ticket is None or ticket.expired(folder.now()):
        raise BadInputError(Message("There is no game to go back into."))
    return ticket


def claim(key: str) -> Claim:
    """Become the one Rejoin that plays session `key`, or hand over to the one that does.

    Raises RejoinError when another Rejoin has the session and does not answer.
    """
    try:
        instance = Instance.claim(key)
        if instance is None and activate(key):
            return HandedOver()
        instance = instance or Instance.claim(key)  # the other one may have ended by now
    except OSError:
        return LockUnavailable()
    if instance is None:
        raise RejoinError(Message("This game is open in another Rejoin, which does not respond."))
    return Claimed(instance)


def key_of_game(profile: StudioProfile) -> str:
    """The key of the profile's game on this computer, independent of its session."""
    return game_key(profile.backend_address())


def claim_game(profile: StudioProfile) -> Claimed | LockUnavailable | None:
    """Become the Rejoin in which this game is open; None if it is open in another one."""
    try:
        instance = Instance.claim(key_of_game(profile))
    except OSError:
        return LockUnavailable()
    return None if instance is None else Claimed(instance)


def has_had_token(ticket: Ticket, profile: StudioProfile) -> bool:
    """Whether the profile has no token, or the one that was sent to the ticket's backend before."""
    return not profile.token or is_token_of(ticket.token_digest, profile.token)


def with_stored_token(profile: StudioProfile) -> StudioProfile:
    """The profile with a sign-in token, from the keyring if it has none and its backend needs one.

    The keyring may ask the player to unlock it. Raises BadInputError when it has no token.
    """
    if profile.token or not profile.dialect.needs_token:
        return profile
    token = asyncio.run(TokenStore().fetch(profile.backend_url))
    if not token:
        raise BadInputError(NO_TOKEN_SAVED)
    return replace(profile, token=token)


def with_stored_session(ticket: Ticket, profile: StudioProfile) -> Ticket:
    """The ticket with the real session id, which the keyring has where that id is a secret.

    Raises BadInputError when the keyring does not have the id of this ticket's session.
    """
    if not profile.dialect.session_is_secret:
        return ticket
    secret = asyncio.run(TokenStore().fetch(profile.backend_url, SESSION))
    session_id = SessionId(secret or "")
    if key_of(profile.backend_url, session_id) != key_of_ticket(ticket):
        raise BadInputError(NO_SESSION_SAVED)
    return replace(ticket, rejoin_state=replace(ticket.rejoin_state, session_id=session_id))


_EXIT_CODES: Final = {
    EndingKind.CLOSED_FOR_NOW: 0,
    EndingKind.ENDED_BY_PLAYER: 0,
    EndingKind.CANCELLED: 0,
    EndingKind.BACKEND_UNREACHABLE: 3,
    EndingKind.BACKEND_FAILED: 3,
    EndingKind.STREAM_NOT_FOUND: 3,
    EndingKind.BACKEND_UNUSABLE: 3,
    EndingKind.BACKEND_UNTRUSTED: 3,
    EndingKind.BUSY: 3,
    EndingKind.SIGN_IN_NEEDED: 4,
    EndingKind.NOT_ALLOWED: 4,
    EndingKind.OFFER_REFUSED: 5,
    EndingKind.BAD_ANSWER: 5,
    EndingKind.UNSUPPORTED_VIDEO: 5,
    EndingKind.COULD_NOT_CONNECT: 6,
    EndingKind.INTERNAL: 6,
}
"""README.md explains them. Any other ending is exit code 1."""


def exit_code(ending: Ending) -> int:
    """The exit code of a program whose game ended this way."""
    if ending.kind is EndingKind.GAME_ENDED and ending.reason == "applicationExit":
        return 0  # the player used the game's own exit
    return _EXIT_CODES.get(ending.kind, RejoinError.exit_code)
