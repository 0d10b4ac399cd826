"""The contents of the home page, from the games, the last game's ticket, and the clock. Pure.

Rule 1: the time left is a lower bound, as it is in a game (`core/deadline`); at its end a way back
        may still be there.
Rule 2: a game is over when even the latest moment has passed at which the service may take us back.
        Nobody has played on since the home saw that no Rejoin has the session (`seen_at`), nor for
        longer after the ticket than it takes until a game writes its next one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from rejoin.core.ticket import Now, Ticket
from rejoin.gui.home import texts
from rejoin.language import sentences, tr
from rejoin.runtime.games import Game, game_key, host_of
from rejoin.runtime.games_file import LoadedGames

_DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A ticket, and since when this Rejoin has seen that none plays its session: boot time."""

    ticket: Ticket
    seen_at: float


@dataclass(frozen=True, slots=True)
class Leaving:
    """A game was closed a moment ago, and its ticket is still being written."""


@dataclass(frozen=True, slots=True)
class Alive:
    """The game that can still be saved. `digits`: empty where the time left is not known. `share`:
    of the time, 0 to 1; None: not known."""

    title: str
    sentence: str
    time: str
    digits: str
    share: float | None


@dataclass(frozen=True, slots=True)
class Over:
    """It cannot be saved any more."""

    title: str
    sentence: str


Continuation = Leaving | Alive | Over


@dataclass(frozen=True, slots=True)
class GameCard:
    """One game of the player's, as its card shows it. `host`: empty where others may see it."""

    key: str
    name: str
    host: str
    played: str

    @property
    def spoken(self) -> str:
        """For screen readers."""
        if not self.host:
            return tr("{name}. {played}", name=self.name, played=self.played)
        return tr("{name}, {host}. {played}", name=self.name, host=self.host, played=self.played)


@dataclass(frozen=True, slots=True)
class HomeContents:
    continuation: Continuation | None
    cards: tuple[GameCard, ...]
    problems: tuple[str, ...] = ()


def contents(
    games: LoadedGames,
    last: Unfinished | Leaving | None,
    now: Now,
    *,
    utc_offset_s: float = 0.0,
    unlisted: tuple[Game, ...] = (),
    hides_hosts: bool = False,
    problem: str = "",
) -> HomeContents:
    """`utc_offset_s`: how much later than UTC it is here, for "today". `unlisted`: games that have
    a name and no card. `hides_hosts`: others may see the screen. `problem`: of what the player did
    last."""
    continuation: Continuation | None = None
    if isinstance(last, Leaving):
        continuation = last
    elif last is not None:
        named = (*games.games, *unlisted)
        continuation = continuation_of(last, named, now, hides_hosts=hides_hosts)
    cards = tuple(_card(game, now.unix_s, utc_offset_s) for game in _in_order(games.games))
    if hides_hosts:
        cards = tuple(replace(card, host="") for card in cards)
    problems = (problem, *games.problems) if problem else games.problems
    return HomeContents(continuation, cards, problems)


def name_of(ticket: Ticket, games: tuple[Game, ...], *, hides_hosts: bool = False) -> str:
    """The player's name for the ticket's game, or its backend's host."""
    key = game_key(ticket.backend)
    named = next((game.name for game in games if game.key == key), None)
    return named or (tr(texts.LAST_GAME) if hides_hosts else host_of(ticket.backend.backend_url))


def continuation_of(
    last: Unfinished, games: tuple[Game, ...], now: Now, *, hides_hosts: bool = False
) -> Alive | Over:
    """The state of a ticket's game."""
    from rejoin.core import deadline
    from rejoin.core.model import Policy  # with all of the engine's values: not without a ticket

    policy = Policy()
    name = name_of(last.ticket, games, hides_hosts=hides_hosts)
    state = last.ticket.rejoin_state_at(now.boot_id, now.at)
    timeout_s = last.ticket.backend.connection_timeout_s
    unseen_until_at = last.seen_at
    if state.proved_at is not None:  # else the ticket is of another boot, or proves nothing
        played_on_s = 2 * policy.ticket_every_s  # one more, for a disk that is slow
        unseen_until_at = min(unseen_until_at, last.ticket.written_at + played_on_s)
    window = deadline.from_ticket(state, unseen_until_at, policy)
    if window.timeout_s is None and timeout_s is not None:
        window = replace(window, timeout_s=timeout_s)
    if now.at > window.latest_at(last.seen_at, policy):
        return Over(tr(texts.TIME_IS_UP), sentences(tr("{name}.", name=name), tr(texts.OVER_TEXT)))
    proved_at, shown_at = window.proved_at, window.shown_at
    ago_s = None if proved_at is None else max(0.0, now.at - proved_at)
    sentence = texts.last_connected(name, ago_s)
    if proved_at is None or shown_at is None:
        return Alive(tr(texts.MAY_BE_RUNNING), sentence, tr(texts.TIME_NOT_KNOWN), "", None)
    left_s = shown_at - now.at
    if left_s <= 0:
        return Alive(tr(texts.MAY_BE_RUNNING), sentence, tr(texts.TIME_MAY_BE_UP), _digits(0), 0.0)
    share = min(1.0, left_s / (shown_at - proved_at))
    digits = _digits(left_s)
    return Alive(tr(texts.STILL_RUNNING), sentence, texts.at_least(digits), digits, share)


def _digits(seconds: float) -> str:
    """1:19; rounded down, so that "at least" is true."""
    whole = max(0, math.floor(seconds))
    hours, minutes = whole // 3600, whole // 60 % 60
    start = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{start}:{whole % 60:02}"


def _in_order(games: tuple[Game, ...]) -> list[Game]:
    """Those played last come first; the others in the order in which they were added."""
    return sorted(games, key=lambda game: -(game.last_played or 0.0))


def _card(game: Game, now_unix_s: float, utc_offset_s: float) -> GameCard:
    days = None
    if game.last_played is not None:
        days = max(0, _day(now_unix_s + utc_offset_s) - _day(game.last_played + utc_offset_s))
    return GameCard(game.key, game.name, game.host, texts.played_text(days))


def _day(unix_s: float) -> int:
    return math.floor(unix_s / _DAY_S)
