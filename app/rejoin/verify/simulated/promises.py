"""Promises of a client to its player, checked in a run: LEAVE, UPLINK, PICTURE, FRAME, TURN,
END."""

from __future__ import annotations

from rejoin.core import engine, events
from rejoin.core.model import EndingKind, HardEvidence, Policy
from rejoin.core.phases import (
    Backoff,
    Ended,
    Live,
    Lost,
    Offering,
    Requesting,
    State,
    TerminatingSession,
    episode_of,
)
from rejoin.core.retry import FailureKind
from rejoin.verify import invariants
from rejoin.verify.environment import Picture, World
from rejoin.verify.invariants import Invariant, Violation
from rejoin.verify.simulated.connections import Connection, SimulatedConnections
from rejoin.verify.simulated.service import SimulatedService

_LEAVE_S = 1.0
_UPLINK_S = 8.0
_REFUSED_S = 3.0
_PICTURE_S = 1.0
"""How much later than it must a lost picture may be reconnected."""
_FRAME_S = 0.15
_END_S = 25.0
"""The longest backoff, a call whose answer was lost just before, and one more."""


class Promises:
    """Watches a run. `broken`: each violation as a sentence, in order of time."""

    def __init__(
        self,
        world: World,
        connections: SimulatedConnections,
        service: SimulatedService,
        policy: Policy,
    ) -> None:
        self.broken: list[str] = []
        self._world = world
        self._connections = connections
        self._service = service
        self._policy = policy
        self._since: dict[str, float] = {}
        """Since when each condition holds."""
        self._lost_at: float | None = None
        """Since when the picture that is shown is lost."""
        self._still_at: float | None = None
        """Since when it stands still, apart from single frames."""
        self._ask_by_at: float | None = None
        """Until when the place in the backend's queue is kept, by the backend's last answer."""
        self._leave_s = (
            _LEAVE_S
            + policy.goodbye_heard_within_rtts * world.rtt_s
            + world.notice_graceful_close_s
        )

    def watch(self, state: State, now: float, *, awake: bool, can_end: bool) -> None:
        """Some time has passed; nothing has changed before `now`. `can_end`: whether a call that
        ends the game would succeed."""
        paths = self._connections
        current = paths.current
        free = awake and paths.down and paths.up and paths.media
        unheard = free and current is not None and self._is_unheard(current)
        self._lasts(Invariant.LEAVE, unheard, "a goodbye is not heard", now, self._leave_s)
        plays = awake and isinstance(state.phase, Live) and paths.down and paths.media
        deaf = plays and not paths.up
        self._lasts(Invariant.UPLINK, deaf, "nothing that is sent arrives", now, _UPLINK_S)
        refused = deaf and paths.refused
        self._lasts(Invariant.UPLINK, refused, "the system refuses to send", now, _REFUSED_S)
        shown = paths[state.phase.connection] if isinstance(state.phase, Live) else None
        lost = plays and paths.up and shown is not None and shown.picture is Picture.LOST
        first = state.facts.frozen_reconnected_at is None
        self._watch_picture(shown if lost and first else None, now)

        waits = awake and can_end and isinstance(state.phase, TerminatingSession)
        self._lasts(Invariant.END, waits, "the game could be ended and is not", now, _END_S)

        may_ask = awake and isinstance(state.phase, Backoff | Offering | Requesting)
        if not may_ask:
            self._ask_by_at = None
        self._watch_place(state, now)

    def asks(self, state: State, now: float) -> None:
        """The client sends a create call: if it has a place in the queue, it keeps it."""
        self._watch_place(state, now)
        self._ask_by_at = None

    def _watch_place(self, state: State, now: float) -> None:
        if self._ask_by_at is None:
            return
        last_start_at = engine.last_start_at(state, self._policy)
        violation = invariants.place_lapsed(now, self._ask_by_at, last_start_at)
        if violation is not None:
            self._ask_by_at = None
        self._add(violation, now)

    def _watch_picture(self, lost: Connection | None, now: float) -> None:
        """`lost`: the connection that is shown, if its picture is lost. Single frames of it do not
        end that it stands still."""
        policy = self._policy
        if lost is None:
            self._lost_at = self._still_at = None
            return
        if self._lost_at is None:
            self._lost_at = now
        if self._still_at is None:
            if now - lost.last_frame_at < policy.frozen_after_s:
                return
            self._still_at = max(lost.last_frame_at, self._lost_at)
        again_s = lost.last_frame_at - self._still_at + policy.frozen_after_s
        most_s = max(policy.frozen_reconnect_after_s, again_s) + _PICTURE_S
        still_s, what = now - self._still_at, "the picture is lost"
        violation = invariants.lasted(Invariant.PICTURE, what, still_s, most_s)
        if violation is not None:
            self._still_at = None
        self._add(violation, now)

    def step(self, before: State, event: events.Event, after: State, now: float) -> None:
        """One step of the engine."""
        if isinstance(before.phase, Requesting) and isinstance(event, events.ReconnectFailed):
            attempt, failure = before.phase.attempt, event.failure
            asked = (attempt.number, attempt.tries) == (event.attempt, event.try_number)
            if asked and failure.kind is FailureKind.QUEUED:
                self._ask_by_at = now + (failure.retry_after_s or 0.0) + invariants.PLACE_KEPT_S
        if isinstance(before.phase, TerminatingSession) and isinstance(after.phase, Ended):
            left = isinstance(event, events.CloseForNowRequested)
            unconfirmed = after.phase.ending.kind is EndingKind.UNCONFIRMED
            if unconfirmed and not left and self._service.runs:
                self._add(invariants.given_up(), now)
        if isinstance(before.phase, Lost) and isinstance(after.phase, Live):
            old = self._connections[after.phase.connection]
            rtp_at = old.answerable_since_at if old.picture is Picture.ARRIVES else None
            if rtp_at is not None and rtp_at >= before.phase.episode.lost_at:
                most_s = _FRAME_S + self._world.rtt_s
                what = "RTP comes without a frame"
                self._add(invariants.lasted(Invariant.FRAME, what, now - rtp_at, most_s), now)
        if isinstance(before.phase, Live):
            episode = episode_of(after.phase)
            shown = self._connections[before.phase.connection]
            frozen = episode is not None and episode.cause is HardEvidence.PICTURE_FROZEN
            if frozen and shown.picture is Picture.NOT_SENT:
                self._add(invariants.interrupted(), now)

    def _is_unheard(self, connection: Connection) -> bool:
        """Goodbye was said and may still be repeated, media comes, the host could be reached."""
        said = connection.goodbye
        repeats = said is not None and said.again < self._policy.goodbye_again_times
        return repeats and self._connections.flows(connection)

    def _lasts(
        self, invariant: Invariant, is_so: bool, what: str, now: float, most_s: float
    ) -> None:
        if not is_so:
            self._since.pop(what, None)
            return
        since_at = self._since.setdefault(what, now)
        violation = invariants.lasted(invariant, what, now - since_at, most_s)
        if violation is not None:
            self._since[what] = now
        self._add(violation, now)

    def _add(self, violation: Violation | None, now: float) -> None:
        if violation is not None:
            self.broken.append(violation.at(now))
