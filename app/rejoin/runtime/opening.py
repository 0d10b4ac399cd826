"""Opens a game of the home window: its token and claims, or why it cannot be opened.

A token serves one origin (`tokens`): it comes from the keyring, where it is saved under this
origin, or from the player, who entered it for this one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from rejoin.core.ticket import BackendAddress, Ticket
from rejoin.daemon_thread import run_in_daemon_thread
from rejoin.errors import BadInputError, RejoinError
from rejoin.language import Message
from rejoin.runtime import game_sign_in, launch
from rejoin.runtime import sign_in as sign_ins
from rejoin.runtime.instance import Instance, activate
from rejoin.runtime.launch import Claimed, GameToPlay, HandedOver, SignedIn
from rejoin.runtime.player_settings import PlayerSettings
from rejoin.runtime.saved_choices import new_game, with_relay_if_any, with_saved_relay
from rejoin.runtime.saved_sign_in import forget_sign_in
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.runtime.tokens import TokenStore
from rejoin.runtime.unfinished import key_of_ticket
from rejoin.signaling.openid import DeviceAnswer, OpenIdMethod

_CLAIM_WITHIN_S: Final = 10.0
_SILENT: Final = Message("This game is open in another Rejoin, which does not respond.")


@dataclass(frozen=True, slots=True)
class Ready:
    """It can be played. The claims in `game` are held."""

    game: GameToPlay


@dataclass(frozen=True, slots=True)
class SignInNeeded:
    """There is no sign-in. `method`: how players sign in; None: with a token from the studio."""

    profile: StudioProfile
    method: OpenIdMethod | None


@dataclass(frozen=True, slots=True)
class OpenElsewhere:
    """Another Rejoin has it open, whose window was brought to the front."""


@dataclass(frozen=True, slots=True)
class RelayUnusable:
    """The file with TURN servers of the player's settings cannot be used; `why`: one sentence. The
    game can be played without (`Wanted.without_relay`)."""

    why: str


Opening = Ready | SignInNeeded | OpenElsewhere | RelayUnusable


@dataclass(frozen=True, slots=True)
class Wanted:
    """A new game at `address`, or with `ticket` the one to rejoin. `token`: just entered by the
    player for this address."""

    address: BackendAddress
    ticket: Ticket | None = None
    token: str | None = field(default=None, repr=False)
    settings: PlayerSettings = PlayerSettings()  # noqa: RUF009 frozen
    without_relay: bool = False
    """The player goes on without the TURN servers of the settings."""
    forget: bool = False
    """The backend refused the saved sign-in: delete it first."""


async def open_game(wanted: Wanted) -> Opening:
    """Raises RejoinError, with one sentence."""
    profile = StudioProfile.from_address(wanted.address, wanted.token)
    relay_file = None if wanted.without_relay else wanted.settings.turn_file
    if wanted.ticket is not None:
        profile = with_relay_if_any(profile, relay_file)
    else:
        if profile.ice_servers_file is not None:
            profile.ice_servers()  # raises now, with its sentence
        profile = new_game(profile, wanted.address, wanted.settings)
        try:
            profile = with_saved_relay(profile, relay_file)
        except BadInputError as error:
            return RelayUnusable(str(error))
    signed_in: SignedIn | None = None
    if wanted.forget:
        await forget_sign_in(TokenStore(), profile.backend_url, given_too=True)
    found = await game_sign_in.saved(profile)
    if found is not None:
        profile, signed_in = found
    elif profile.dialect.needs_token and not profile.token:
        token = await TokenStore().fetch(profile.backend_url)
        if token is None:
            return SignInNeeded(profile, await game_sign_in.method_of(profile))
        profile = replace(profile, token=token)
    return await open_with(wanted, profile, signed_in)


async def open_with(
    wanted: Wanted, profile: StudioProfile, signed_in: SignedIn | None
) -> Ready | OpenElsewhere:
    """Open it with a sign-in. If the call is cancelled, no claim is left. Raises RejoinError."""
    claims = _Claims()
    try:
        return await run_in_daemon_thread(
            lambda: claims.take(wanted, profile, signed_in), name="claim", within_s=_CLAIM_WITHIN_S
        )
    except TimeoutError:
        claims.give_up()
        raise RejoinError(_SILENT) from None
    except BaseException:
        claims.give_up()
        raise


class _Claims:
    """The claims of one opening, which may be cancelled while they are made."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given_up = False
        self._made: Ready | OpenElsewhere | None = None

    def take(
        self, wanted: Wanted, profile: StudioProfile, signed_in: SignedIn | None
    ) -> Ready | OpenElsewhere:
        made = _claimed(wanted, profile, signed_in)
        with self._lock:
            self._made = made
            if self._given_up:
                drop(made)
        return made

    def give_up(self) -> None:
        with self._lock:
            self._given_up = True
            if self._made is not None:
                drop(self._made)


def _claimed(
    wanted: Wanted, profile: StudioProfile, signed_in: SignedIn | None
) -> Ready | OpenElsewhere:
    ticket, instance = wanted.ticket, None
    if ticket is not None:
        claim = launch.claim(key_of_ticket(ticket))
        if isinstance(claim, HandedOver):
            return OpenElsewhere()
        instance = claim.instance if isinstance(claim, Claimed) else None
    open_here: Instance | None = None
    try:
        if ticket is not None:
            ticket = launch.with_stored_session(ticket, profile)
        game_claim = launch.claim_game(profile)
        if game_claim is None and ticket is None:
            if activate(launch.key_of_game(profile)):
                return OpenElsewhere()
            raise RejoinError(_SILENT)
        open_here = game_claim.instance if isinstance(game_claim, Claimed) else None
    except BaseException:
        if instance is not None:
            instance.release()
        raise
    return Ready(GameToPlay(profile, ticket, instance, open_here, signed_in))


def drop(opening: Opening) -> None:
    """Release the claims of an opening that nobody waits for any more."""
    if isinstance(opening, Ready):
        release(opening.game)


def release(game: GameToPlay) -> None:
    """Release the claims of a game that has ended or was not started."""
    for instance in (game.instance, game.open_here):
        if instance is not None:
            instance.release()


def checked_token(text: str) -> str:
    """A token that a player has pasted. Raises BadInputError."""
    token = text.strip()
    if not token or len(token) > 8192 or not token.isascii() or not token.isprintable():
        raise BadInputError(Message("This is no sign-in token."))
    if " " in token:
        raise BadInputError(Message("This is no sign-in token: it has spaces."))
    return token


async def open_after_browser(
    wanted: Wanted, needed: SignInNeeded, on_page: Callable[[str], None]
) -> Ready | OpenElsewhere:
    """Sign in in the browser first. `on_page`: called with the address, on the loop.

    Raises RejoinError.
    """
    method = _method(needed)
    http = game_sign_in.http_of(needed.profile)
    tokens = await sign_ins.sign_in_with_browser(method, http, on_page)
    return await open_with(wanted, *await game_sign_in.kept(needed.profile, method, tokens))


async def open_after_device(
    wanted: Wanted, needed: SignInNeeded, on_code: Callable[[DeviceAnswer], None]
) -> Ready | OpenElsewhere:
    """Sign in on another device first. `on_code`: shows what to do there, on the loop. Raises
    RejoinError."""
    method = _method(needed)
    http = game_sign_in.http_of(needed.profile)
    tokens = await sign_ins.sign_in_with_device(method, http, on_code)
    return await open_with(wanted, *await game_sign_in.kept(needed.profile, method, tokens))


def _method(needed: SignInNeeded) -> OpenIdMethod:
    if needed.method is None:
        raise BadInputError(Message("The backend does not say where its players sign in."))
    return needed.method
