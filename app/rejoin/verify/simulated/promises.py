"""What a client owes its player about the path, checked in a run: LEAVE, UPLINK, PICTURE, FRAME."""

from __future__ import annotations

from rejoin.core.model import HardEvidence, Policy
from rejoin.core.phases import Live, Lost, State, episode_of
from rejoin.verify import invariants
from rejoin.verify.environment import World
from rejoin.verify.invariants import Invariant, Violation
from rejoin.verify.simulated.connections import Connection, Picture, SimulatedConnections

_LEAVE_S = 1.0
_UPLINK_S = 8.0
_REFUSED_S = 2.0
_PICTURE_S = 11.0
_FRAME_S = 0.15


class Promises:
    """Watches a run. `broken`: each violation as a sentence, in order of time."""

    def __init__(self, world: World, connections: SimulatedConnections, policy: Policy) -> None:
        self.broken: list[str] = []
        self._world = world
        self._connections = connections
        self._policy = policy
        self._since: dict[Invariant, float] = {}
        self._leave_s = (
            _LEAVE_S
            + policy.goodbye_heard_within_rtts * world.rtt_s
            + world.notice_graceful_close_s
        )

    def watch(self, state: State, now: float, *, awake: bool) -> None:
        """Some time has passed; nothing has changed before `now`."""
        paths = self._connections
        current = paths.current
        free = awake and paths.down and paths.up and paths.media
        unheard = free and current is not None and self._is_unheard(current)
        self._lasts(Invariant.LEAVE, unheard, "a goodbye is not heard", now, self._leave_s)
        plays = awake and isinstance(state.phase, Live) and paths.down and paths.media
        deaf = plays and not paths.up
        most_s = _REFUSED_S if paths.refused else _UPLINK_S
        self._lasts(Invariant.UPLINK, deaf, "nothing that is sent arrives", now, most_s)
        shown = paths[state.phase.connection] if isinstance(state.phase, Live) else None
        lost = plays and paths.up and shown is not None and shown.picture is Picture.LOST
        first = state.facts.frozen_reconnected_at is None
        self._lasts(Invariant.PICTURE, lost and first, "the picture is lost", now, _PICTURE_S)

    def step(self, before: State, after: State, now: float) -> None:
        """One step of the engine."""
        if isinstance(before.phase, Lost) and isinstance(after.phase, Live):
            old = self._connections[after.phase.connection]
            rtp_at = old.answerable_since_at
            if rtp_at is not None and rtp_at >= before.phase.episode.lost_at:
                most_s = _FRAME_S + self._world.rtt_s
                what = "RTP comes without a frame"
                self._add(invariants.lasted(Invariant.FRAME, what, now - rtp_at, most_s), now)
        if isinstance(before.phase, Live):
            episode = episode_of(after.phase)
            shown = self._connections[before.phase.connection]
            frozen = episode is not None and episode.cause is HardEvidence.PICTURE_FROZEN
            if frozen and shown.picture is Picture.NOT_SENT:
                detail = "a picture that is not sent is reconnected"
                self._add(Violation(Invariant.PICTURE, detail), now)

    def _is_unheard(self, connection: Connection) -> bool:
        """Goodbye was said and may still be repeated, media comes, the host could be reached."""
        said = connection.goodbye
        repeats = said is not None and said.again < self._policy.goodbye_again_times
        return repeats and self._connections.flows(connection)

    def _lasts(
        self, invariant: Invariant, is_so: bool, what: str, now: float, most_s: float
    ) -> None:
        if not is_so:
            self._since.pop(invariant, None)
            return
        since_at = self._since.setdefault(invariant, now)
        violation = invariants.lasted(invariant, what, now - since_at, most_s)
        if violation is not None:
            self._since[invariant] = now
        self._add(violation, now)

    def _add(self, violation: Violation | None, now: float) -> None:
        if violation is not None:
            self.broken.append(violation.at(now))
