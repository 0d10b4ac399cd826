"""Reports on dropped connections, for the studio: durations, counts and fixed words.

Made from the engine's events and states. A report holds no address, no name, no free text and no
time of day; `signaling/wire.ReportBody` is its form on the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from rejoin.core import events
from rejoin.core.model import HardEvidence
from rejoin.core.phases import Ended, Episode, Live, State, TerminatingSession, episode_of
from rejoin.core.retry import FailureKind
from rejoin.core.verdict import Verdict

Outcome = Literal["rejoined", "healed", "ended"]

SILENCE: Final = "silence"
RETURNED: Final = "returned"
CAUSES: Final = frozenset({SILENCE, RETURNED, *(each.value for each in HardEvidence)})
"""Why a connection was lost: nothing arrived any more, the player came back with a ticket, or the
sign that it was gone."""

_HOST_CLOSED: Final = frozenset(
    {
        HardEvidence.DTLS_CLOSED,
        HardEvidence.CHANNEL_CLOSED,
        HardEvidence.SERVER_DISCONNECTED,
        HardEvidence.RTCP_BYE,
    }
)


@dataclass(frozen=True, slots=True)
class ReconnectReport:
    """One episode. Durations are seconds since media last arrived.

    `cause`: one of CAUSES. `verdict`: where the fault was, only where it is certain: the last
    `core.verdict.Verdict` of the episode, else "network_changed", "host_closed" (the game server
    ended the connection) or "other_server" (something else answered in place of the backend).
    `ending`: an EndingKind, where the outcome is "ended". `requested_after_s`: until the first
    reconnect call; `answered_after_s`: until the last answer to one. `failures`: kinds of failed
    calls, sorted.
    """

    cause: str
    verdict: str | None
    outcome: Outcome
    ending: str | None
    lost_s: float
    noticed_after_s: float
    requested_after_s: float | None
    answered_after_s: float | None
    attempts: int
    tries: int
    failures: tuple[str, ...]


@dataclass(slots=True)
class _Open:
    """An episode that goes on. `returned`: it began with a ticket. `over_at`: when the player ended
    the game; `requested_at`: of the first call; `answered_at`: of the last answer. Boot times."""

    episode: Episode
    returned: bool
    over_at: float | None = None
    requested_at: float | None = None
    answered_at: float | None = None
    attempts: int = 0
    tries: int = 0
    no_network: bool = False
    verdict: Verdict | None = None
    failures: set[FailureKind] = field(default_factory=set)


class EpisodeObserver:
    """Follows an engine, and passes each finished episode to `report`. An episode that begins and
    ends in the same step, because its window is over already, is not reported: nobody waited."""

    def __init__(self, report: Callable[[ReconnectReport], None]) -> None:
        self._report = report
        self._open: _Open | None = None

    def step(self, event: events.Event, state: State, at: float) -> None:
        """The engine has handled `event`, at boot time `at`, and is in `state` now."""
        episode = episode_of(state.phase)
        if self._open is None:
            if episode is None:
                return
            returned = episode.old is None and state.facts.shown is None
            self._open = _Open(episode, returned)
        found = self._open
        if episode is not None:
            found.episode = episode
        found.no_network |= state.facts.offline_since_at is not None
        if state.facts.verdict not in (None, Verdict.NOT_KNOWN):
            found.verdict = state.facts.verdict
        _note(found, event, at)
        match state.phase:
            case Live(connection=connection):
                healed = connection == found.episode.old
                self._close(found, "healed" if healed else "rejoined", None, at)
            case TerminatingSession():
                found.over_at = at if found.over_at is None else found.over_at
            case Ended(ending=ending):
                self._close(found, "ended", ending.kind.value, at)
            case _:
                pass

    def _close(self, found: _Open, outcome: Outcome, ending: str | None, at: float) -> None:
        self._open = None
        episode, began_at = found.episode, found.episode.dropped_at

        def after_s(then: float | None) -> float | None:
            return None if then is None else max(0.0, then - began_at)

        self._report(
            ReconnectReport(
                cause=_cause(found),
                verdict=_verdict(found),
                outcome=outcome,
                ending=ending,
                lost_s=max(0.0, (at if found.over_at is None else found.over_at) - began_at),
                noticed_after_s=max(0.0, episode.lost_at - began_at),
                requested_after_s=after_s(found.requested_at),
                answered_after_s=after_s(found.answered_at),
                attempts=found.attempts,
                tries=found.tries,
                failures=tuple(sorted(kind.value for kind in found.failures)),
            )
        )


def _note(found: _Open, event: events.Event, at: float) -> None:
    match event:
        case events.OfferMade():
            found.attempts += 1
        case events.RequestWritten():
            found.tries += 1
            found.requested_at = at if found.requested_at is None else found.requested_at
        case events.AnswerArrived():
            found.answered_at = at
        case events.ReconnectFailed(failure=failure) | events.StatusFailed(failure=failure):
            found.failures.add(failure.kind)
        case _:
            pass


def _cause(found: _Open) -> str:
    if found.returned:
        return RETURNED
    return SILENCE if found.episode.cause is None else found.episode.cause.value


def _verdict(found: _Open) -> str | None:
    cause = found.episode.cause
    if found.verdict is not None:
        return found.verdict.value
    if found.no_network:
        return Verdict.NETWORK_GONE.value
    if cause is HardEvidence.ADDRESS_GONE:
        return "network_changed"
    if cause in _HOST_CLOSED:
        return "host_closed"
    if found.failures & {FailureKind.NOT_BACKEND, FailureKind.TLS}:
        return "other_server"
    return None
