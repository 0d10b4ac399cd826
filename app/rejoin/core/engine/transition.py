"""One step of the engine in progress: the phase and facts so far, and the commands.

A `Transition` lives for one event. The functions of the phases read the event and call `enter`;
what they do along the way is collected here: commands (`do`), connections (`new_connection`,
`close`), tickets, status polls. How much time is left for a try is calculated here too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from rejoin.core import commands, deadline, events
from rejoin.core.model import (
    AttemptNumber,
    ConnectionNumber,
    Ending,
    EndingKind,
    Policy,
    SessionView,
)
from rejoin.core.phases import (
    Attempt,
    Connecting,
    Ended,
    Episode,
    Facts,
    Idle,
    InEpisode,
    Live,
    Offering,
    Phase,
    Placing,
    Requesting,
    StartBackoff,
    StartOffering,
    StartRequesting,
    State,
    TerminatingSession,
    Waiting,
    behind_firewall,
    episode_of,
    never_played,
)
from rejoin.core.retry import NOT_REACHED, UNREACHED, Draw, Failure
from rejoin.core.ticket import RejoinState
from rejoin.core.verdict import REFUTED_BY_AN_ANSWER, Verdict
from rejoin.service_model.status import CONNECTED, Status

_LATENCIES_KEPT = 20


class Transition:
    """What one event changes.

    `phase`: the old phase, until a function of `enter` sets the new one. `open`: the connections
    that are open at this point of the step.
    """

    def __init__(self, state: State, now: float, policy: Policy, draw: Draw) -> None:
        self.phase = state.phase
        self.facts = state.facts
        self.now = now
        self.policy = policy
        self.draw = draw
        self.commands: list[commands.Command] = []
        self._status_before = state.facts.status
        self.open = open_connections(state.phase)

    def do(self, *todo: commands.Command) -> None:
        self.commands += todo

    def stale(self) -> None:
        """Rule 11: the event belongs to another connection, attempt or phase."""
        self.facts = replace(self.facts, stale_events=self.facts.stale_events + 1)

    # --- connections and attempts -----------------------------------------------------------------

    def new_connection(self) -> ConnectionNumber:
        number = ConnectionNumber(self.facts.connections + 1)
        self.facts = replace(self.facts, connections=number)
        self.open.add(number)
        return number

    def close(self, *connections: ConnectionNumber) -> None:
        """Close those of the connections that are still open."""
        for connection in sorted(connections):
            if connection in self.open:
                self.open.remove(connection)
                self.do(commands.CloseConnection(connection))

    def close_all(self) -> None:
        self.close(*self.open)

    def close_attempts(self, episode: Episode) -> None:
        """Close the connections of an episode's attempts; the old connection stays open."""
        self.close(*(number for number in self.open if number != episode.old))

    def new_attempt(self, made: events.OfferMade) -> Attempt:
        number = AttemptNumber(self.facts.attempts + 1)
        self.facts = replace(self.facts, attempts=number)
        token = "".join(f"{int(self.draw() * 0x100000000):08x}" for _ in range(4))
        return Attempt(made.connection, number, token, made.sha256, made.signal_request)

    def count_failure(self) -> None:
        """One more failed try: the next backoff is longer."""
        self.facts = replace(self.facts, failures=self.facts.failures + 1)

    def count_failed_poll(self) -> None:
        """One more failed poll: the next poll is later. An offer is not delayed once a poll is
        answered."""
        self.facts = replace(self.facts, failed_polls=self.facts.failed_polls + 1)

    def failed_calls(self) -> int:
        """How many calls of all kinds have failed, for the backoff of polls."""
        return self.facts.failures + self.facts.failed_polls

    def network_came_back(self) -> None:
        """Rule 20: forget old failures; only once in a while, as a network that comes and goes must
        not cancel every backoff."""
        reset_at = self.facts.backoff_reset_at
        if reset_at is None or self.now - reset_at >= self.policy.network_reset_every_s:
            self.facts = replace(
                self.facts,
                failures=0,
                failed_polls=0,
                unheard_attempts=0,
                backoff_reset_at=self.now,
            )

    def backoff_was_reset(self) -> bool:
        """Whether the network that has just come back did reset the backoff."""
        return self.facts.backoff_reset_at == self.now

    def note_call(self, failure: Failure | None) -> None:
        """Note whether the backend answered the last call (None), or why it was not reached."""
        unreached = None
        if failure is not None and failure.kind in UNREACHED:
            unreached = failure.kind
        self.facts = replace(self.facts, unreached=unreached)
        if unreached is None:
            self.refute(REFUTED_BY_AN_ANSWER)

    def refute(self, verdicts: frozenset[Verdict]) -> None:
        """These verdicts are proved wrong, until the next probes."""
        if self.facts.verdict in verdicts:
            self.facts = replace(self.facts, verdict=None)

    def is_out_of_reach(self) -> bool:
        """Whether no call would reach the backend: there is no network, or the last one did not."""
        offline = self.facts.offline_since_at is not None
        return offline or self.facts.unreached in NOT_REACHED

    def new_episode(self, dropped_at: float, old: ConnectionNumber | None) -> Episode:
        episodes = self.facts.episodes + 1
        self.facts = replace(self.facts, episodes=episodes, back_at=None, verdict=None)
        return Episode(dropped_at, self.now, old)

    # --- the ticket -------------------------------------------------------------------------------

    def save_ticket(self, *, ahead: int = 0) -> None:
        """Rule 12. `ahead`: how many attempt numbers may be used before the next save."""
        session_id, window = self.facts.session_id, self.facts.window
        assert session_id is not None
        self.facts = replace(self.facts, ticket_saved_at=self.now)
        self.do(
            commands.SaveTicket(
                RejoinState(
                    session_id,
                    AttemptNumber(self.facts.attempts + ahead),
                    window.timeout_s,
                    window.proved_at,
                    window.ends_min_at,
                    window.ends_max_at,
                )
            )
        )

    # --- the status -------------------------------------------------------------------------------

    def poll_status(
        self, *, known: Status | None = None, wait_s: float = 0.0, after_s: float = 0.0
    ) -> None:
        """Poll the status once; with `known` as a long poll. A newer poll replaces an older one.

        Some dialects report a status only while a new game is placed. A Retry-After of the last
        poll delays this one.
        """
        placing = isinstance(self.phase, Placing)
        if self.facts.session_id is None or not (self.policy.reports_status or placing):
            return
        not_before_at = self.facts.polls_not_before_at
        if not_before_at is not None:
            after_s = max(after_s, not_before_at - self.now)
        self.do(
            commands.PollStatus(
                self.facts.session_id,
                known=known,
                wait_s=wait_s,
                budget_s=self._poll_budget_s(wait_s),
                after_s=after_s,
            )
        )

    def watch_status(self, *, after_s: float = 0.0) -> None:
        """Start a long poll: it is answered as soon as the status differs from the known one."""
        self.poll_status(known=self.facts.status, wait_s=self._long_poll_s(), after_s=after_s)

    def poll_status_afresh(self) -> None:
        """Poll the status; the known one is out of date."""
        self.facts = replace(self.facts, status=None, reason=None)
        self.poll_status()

    def poll_timeout_at(self, after_s: float = 0.0) -> float:
        """When a long poll that starts in `after_s` counts as unanswered."""
        budget_s = self._poll_budget_s(self._long_poll_s())
        return self.now + after_s + budget_s + self.policy.answer_grace_s

    def watch_until_at(self, episode: Episode) -> float:
        """When to stop waiting for a poll in an episode: no later than a try may still start."""
        return min(self.poll_timeout_at(), max(self.now, self.last_start_at(episode)))

    def pause_s(self, requested_at: float) -> float:
        """The pause before the next long poll, if this one was answered at once without news."""
        quick = self.now - requested_at < self.policy.poll_pause_s
        new = self.facts.status != self._status_before
        return self.policy.poll_pause_s if quick and not new else 0.0

    def _window_left_s(self) -> float | None:
        """How much is left of the window, which a poll must not use up; None if unknown.

        Past the shown deadline: a whole window, since a new one may just have begun.
        """
        shown_at, timeout_s = self.facts.window.shown_at, self.facts.window.timeout_s
        if shown_at is None or timeout_s is None or isinstance(self.phase, Placing):
            return None
        return shown_at - self.now if shown_at > self.now else timeout_s

    def _long_poll_s(self) -> float:
        """How long the backend may hold a long poll."""
        left_s = self._window_left_s()
        if left_s is None:
            return self.policy.long_poll_max_s
        share_s = self.policy.poll_window_share * left_s
        return min(self.policy.long_poll_max_s, max(self.policy.poll_pause_s, share_s))

    def _poll_budget_s(self, wait_s: float) -> float:
        """How long a poll may take in all; longer after failed tries of the episode."""
        longest_s = self.policy.connect_timeout_s + self.policy.read_timeout_s
        left_s = self._window_left_s()
        if left_s is None:
            return longest_s
        failures = 0 if episode_of(self.phase) is None else self.failed_calls()
        answer_s = max(
            self.policy.poll_budget_min_s * (1 + failures), self.policy.poll_window_share * left_s
        )
        return min(longest_s, self.policy.connect_timeout_s + wait_s + answer_s)

    def learn(self, view: SessionView, requested_at: float) -> None:
        """Note a session view; `requested_at` is when the request for it started."""
        if view.attempt is not None:
            self._learn_attempt(view.attempt)
        self.note_call(None)
        self.facts = replace(
            self.facts,
            status=view.status,
            reason=view.reason,
            window=deadline.on_view(self.facts.window, view, requested_at, self.now),
            refused_sign_ins=0,
            failed_polls=0,
            polls_not_before_at=None,
            unnoticed_until_at=None,
        )
        if view.status == CONNECTED:
            # Two polls may take this long; by then the service may have noticed.
            fresh_until_at = self.now + 2 * self._long_poll_s()
            self.facts = replace(self.facts, unnoticed_until_at=fresh_until_at)

    def _learn_attempt(self, reported: AttemptNumber) -> None:
        """Rule 13: after a rejoin, the first number that the backend reports is where we go on."""
        rejoin, before = self.facts.from_ticket, self.facts.backend_attempt
        highest = reported if before is None else max(before, reported)
        self.facts = replace(self.facts, backend_attempt=highest)
        if rejoin is not None and before is None and self.facts.attempts < reported:
            self.facts = replace(
                self.facts,
                attempts=reported,
                from_ticket=replace(rejoin, attempt=reported, elsewhere=True),
            )

    # --- how much time is left --------------------------------------------------------------------

    def latest_at(self, episode: Episode) -> float:
        return latest_at(self.facts, episode, self.policy)

    def surely_over_at(self) -> float:
        """Rule 24: when a game is over for certain if its player leaves now, confirmed or not."""
        left_at = self.now
        if isinstance(self.phase, Placing):  # nobody can leave it before there is a host
            left_at = max(left_at, self.phase.started_at + self.policy.start_deadline_s)
        return self.facts.window.over_at(left_at, self.policy)

    def need_s(self) -> float:
        return need_s(self.facts, self.policy)

    def last_start_at(self, episode: Episode) -> float:
        """Rule 5: no create request starts later."""
        return self.latest_at(episode) - self.need_s()

    def time_for_a_try(self, episode: Episode) -> bool:
        """Rule 5."""
        return self.now <= self.last_start_at(episode)

    def measure_call(self, requested_at: float) -> None:
        """Note how long an answered backend call took, for T_need."""
        latencies_s = (*self.facts.latencies_s, max(0.0, self.now - requested_at))[
            -_LATENCIES_KEPT:
        ]
        self.facts = replace(self.facts, latencies_s=latencies_s)

    def create_not_before_at(self) -> float:
        """Create calls of one session lie apart, whatever comes between them (Rule 17)."""
        sent_at = self.facts.create_sent_at
        return self.now if sent_at is None else sent_at + self.policy.create_apart_s

    # --- what the facts say -----------------------------------------------------------------------

    def never_played(self) -> bool:
        """No picture of this game was ever shown: it is a start that has not succeeded yet."""
        return never_played(self.facts)

    def behind_firewall(self) -> bool:
        """The service answers, but not one packet of the last connections arrived (Rule 19)."""
        return behind_firewall(self.facts, self.policy)

    def firewall_pause_s(self) -> float:
        """Rule 19: the pause between create calls while not one packet of a connection arrives."""
        timeout_s = self.facts.window.timeout_s
        if timeout_s is None:
            timeout_s = self.policy.unknown_timeout_s
        return min(self.policy.firewall_every_s, self.policy.firewall_share * timeout_s)

    def continued_elsewhere(self) -> bool:
        """Rule 13: the backend has seen a higher attempt number than ours."""
        reported = self.facts.backend_attempt
        return reported is not None and reported > self.facts.attempts

    def game_ended(self) -> Ending:
        """Rule 8: the ending after a terminal status, with the service's reason."""
        asleep = self.facts.woke_at is not None
        return Ending(
            EndingKind.GAME_ENDED, self.facts.reason, self.facts.status, expired_asleep=asleep
        )


def latest_at(facts: Facts, episode: Episode, policy: Policy) -> float:
    """The latest moment at which the service might still accept the client."""
    return facts.window.latest_at(episode.dropped_at, policy)


def need_s(facts: Facts, policy: Policy) -> float:
    """T_need: how long a create call and the connection after it take."""
    rtt_s = facts.sample.rtt_s if facts.sample else None
    return deadline.need_s(facts.latencies_s, rtt_s, policy)


def open_connections(phase: Phase) -> set[ConnectionNumber]:
    """The connections that are open in a phase."""
    episode = episode_of(phase)
    old = set() if episode is None or episode.old is None else {episode.old}
    match phase:
        case Idle() | Ended() | TerminatingSession():
            return set()
        case StartOffering(connection=connection) | Live(connection=connection):
            return {connection}
        case Connecting(connection=connection) | Offering(connection=connection):
            return {connection} | old
        case StartRequesting(attempt=attempt) | StartBackoff(attempt=Attempt() as attempt):
            return {attempt.connection}
        case StartBackoff():
            return set()
        case Placing(attempt=attempt) | Requesting(attempt=attempt):
            return {attempt.connection} | old
        case Waiting(attempt=Attempt(connection=connection)):
            return {connection} | old
        case InEpisode():
            return old
        case _:
            assert_never(phase)
