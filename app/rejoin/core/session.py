"""The reconnect engine: every transition, and when it wants to be woken.

Rule 1:  One connection is shown. An episode begins when it is LOST and ends live or ended.
Rule 2:  LOST by silence may heal (RTP and a frame again) until a create request was written to a
         socket, and again once the service certainly refused it because we are connected; never
         after a goodbye, nor once the service said PENDING_CLIENT_RECONNECTION or ACTIVE.
Rule 3:  COMMIT wants corroboration: the service says PENDING_CLIENT_RECONNECTION or ACTIVE, or 5 s
         of silence, or the player. If the service may still think us connected, goodbye is said
         first.
Rule 4:  Each attempt is a fresh peer with a fresh offer, a higher number and a new token. Identical
         bytes are sent at most twice where they may have arrived.
Rule 5:  At most one create call is in flight. None starts after latest deadline - T_need, and none
         is withheld before it but by a wait of `retry`.
Rule 6:  An answer is applied only to the connection whose offer it answers: by attempt number, or
         by the SHA-256 of the SignalRequest when it was recovered through the status.
Rule 7:  Live again means the first decoded frame of the new connection and its input channel open.
         The old connection is closed then, not before.
Rule 8:  A terminal status ends the game with the service's reason, whenever it is heard.
Rule 9:  Past latest - T_need only the status is asked; past the latest deadline the end says
         honestly that it could not be confirmed.
Rule 10: Every state but Idle and Ended has a timer; a command whose answer is lost is outlived by
         its timer.
Rule 11: An event of another connection or attempt changes nothing but the count of stale ones.
Rule 12: The ticket is kept before each attempt, with the number that the attempt will have, and
         whenever the game is live; it is dropped with the game, not with the client.
Rule 13: Only a person takes a game over. Coming back with a ticket goes on from the highest number
         that the backend has seen by its first word; from then on a higher number is somebody
         else's, and no further offer is made.
Rule 14: An offer that is being made, or that no service took, is made anew when the network
         changes; an attempt whose connection lost its address is given up, whatever became of it.

`step` is the only way from one state to the next; `next_wakeup` names the time at which it wants a
`WakeupDue`. Nothing in here reads a clock or rolls a die: both are handed in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from rejoin.core import commands, deadline, events, health, retry
from rejoin.core.model import (
    AttemptNumber,
    ConnectionNumber,
    ConnectionSample,
    Ending,
    EndingKind,
    HardEvidence,
    HealthLevel,
    Policy,
    SessionView,
)
from rejoin.core.phases import (
    Attempt,
    ConfirmingEnd,
    Connecting,
    Ended,
    Episode,
    Facts,
    Goodbye,
    Idle,
    Live,
    Lost,
    Offering,
    Phase,
    Placing,
    Requesting,
    Returned,
    StartBackoff,
    StartOffering,
    StartRequesting,
    State,
    TerminatingSession,
    Waiting,
)
from rejoin.core.retry import Action, Draw, Failure, FailureKind, Wait
from rejoin.core.ticket import RejoinState
from rejoin.service_model.status import (
    ACTIVATING,
    ACTIVE,
    CONNECTED,
    PENDING_CLIENT_RECONNECTION,
    RECONNECTING,
    TERMINATING,
    Status,
    is_terminal,
)

_LATENCIES_KEPT = 20


def step(
    state: State, event: events.Event, now: float, policy: Policy, draw: Draw
) -> tuple[State, tuple[commands.Command, ...]]:
    """What an event means: the next state and what has to be done, in order."""
    turn = _Turn(state.phase, state.facts, now, policy, draw)
    turn.take(event)
    return State(turn.phase, turn.facts), tuple(turn.commands)


def next_wakeup(state: State) -> float | None:
    """When the engine wants a `WakeupDue` if nothing else happens; None only in Idle and Ended."""
    match state.phase:
        case Idle() | Ended():
            return None
        case phase:
            return phase.until_at


def last_start_at(state: State, policy: Policy) -> float | None:
    """Rule 5: no create request starts later than this; None where no episode runs."""
    episode = getattr(state.phase, "episode", None)
    if episode is None:
        return None
    return _latest_at(state.facts, episode, policy) - _need_s(state.facts, policy)


def _latest_at(facts: Facts, episode: Episode, policy: Policy) -> float:
    return facts.window.latest_at(episode.dropped_at, policy)


def _need_s(facts: Facts, policy: Policy) -> float:
    rtt_s = facts.sample.rtt_s if facts.sample else None
    return deadline.need_s(facts.latencies_s, rtt_s, policy)


class _Turn:
    """One event being taken: the state under change and the commands so far. Lives for one step."""

    def __init__(self, phase: Phase, facts: Facts, now: float, policy: Policy, draw: Draw) -> None:
        self.phase = phase
        self.facts = facts
        self.now = now
        self.policy = policy
        self.draw = draw
        self.commands: list[commands.Command] = []

    # --- what every phase shares ----------------------------------------------------------------

    def take(self, event: events.Event) -> None:
        if isinstance(self.phase, Ended):
            self._stale()
            return
        match event:
            case events.StartRequested():
                self._start_requested()
            case events.RejoinRequested(seat):
                self._rejoin_requested(seat)
            case events.TryNowRequested():
                self._try_now()
            case events.CloseForNowRequested():
                self._close_for_now()
            case events.EndGameRequested():
                self._end_game()
            case events.OfferMade():
                self._offer_made(event)
            case events.OfferFailed():
                self._offer_failed(event)
            case events.AnswerRefused():
                self._answer_refused(event)
            case events.ConnectionOpened(connection):
                self._connection_opened(connection)
            case events.ConnectionFailed(connection):
                self._connection_failed(connection)
            case events.InputOpened(connection):
                self._input_opened(connection)
            case events.ControlsKnown(connection, known):
                self._controls_known(connection, known)
            case events.FirstFrameDecoded(connection):
                self._first_frame(connection)
            case events.Sampled(connection, sample):
                self._sampled(connection, sample)
            case events.HardEvidenceSeen(connection, evidence):
                self._hard_evidence(connection, evidence)
            case events.GoodbyeSaid(connection):
                self._goodbye_said(connection)
            case events.SessionStarted():
                self._session_started(event)
            case events.StartFailed():
                self._start_failed(event)
            case events.StatusArrived(asked_at, view):
                self._status_arrived(asked_at, view)
            case events.StatusFailed(_, failure):
                self._status_failed(failure)
            case events.RequestWritten(attempt, try_number):
                self._request_written(attempt, try_number)
            case events.AnswerArrived():
                self._answer_arrived(event)
            case events.ReconnectFailed():
                self._reconnect_failed(event)
            case events.SessionTerminated():
                self._terminated()
            case events.TerminateFailed(failure):
                self._terminate_failed(failure)
            case events.NetworkLost():
                self._network_lost()
            case events.NetworkFound():
                self._network_found()
            case events.Woke(asleep_s):
                self._woke(asleep_s)
            case events.WakeupDue():
                self._wakeup_due()
            case _:
                assert_never(event)

    def _do(self, command: commands.Command) -> None:
        self.commands.append(command)

    def _stale(self) -> None:
        self.facts = replace(self.facts, stale_events=self.facts.stale_events + 1)

    def _new_connection(self) -> ConnectionNumber:
        number = ConnectionNumber(self.facts.connections + 1)
        self.facts = replace(self.facts, connections=number)
        return number

    def _new_ask(self, made: events.OfferMade) -> Attempt:
        attempt = AttemptNumber(self.facts.attempts + 1)
        self.facts = replace(self.facts, attempts=attempt)
        token = "".join(f"{int(self.draw() * 0x100000000):08x}" for _ in range(4))
        return Attempt(made.connection, attempt, token, made.sha256, made.signal_request)

    def _ask_status(
        self, *, known: Status | None = None, wait_s: float = 0.0, after_s: float = 0.0
    ) -> None:
        """One look; with `known` a long poll. A newer one replaces an older one.

        A dialect that does not tell the status tells it while a new game is placed all the same.
        """
        placing = isinstance(self.phase, Placing)
        if self.facts.session_id is None or not (self.policy.tells_status or placing):
            return
        self._do(
            commands.PollStatus(
                self.facts.session_id,
                known=known,
                wait_s=wait_s,
                budget_s=self._look_budget_s(wait_s),
                after_s=after_s,
            )
        )

    def _watch_status(self, *, after_s: float = 0.0) -> None:
        """Go on looking: a long poll that answers when the status is another than now."""
        self._ask_status(known=self.facts.status, wait_s=self._poll_s(), after_s=after_s)

    def _window_left_s(self) -> float | None:
        """How long the window lasts that a look must not eat; None where nobody told.

        Past the shown deadline one may only just have begun.
        """
        shown_at, timeout_s = self.facts.window.shown_at, self.facts.window.timeout_s
        if shown_at is None or timeout_s is None or isinstance(self.phase, Placing):
            return None
        return shown_at - self.now if shown_at > self.now else timeout_s

    def _poll_s(self) -> float:
        """How long the backend may hold a look back."""
        left_s = self._window_left_s()
        if left_s is None:
            return self.policy.status_wait_s
        share_s = self.policy.status_share * left_s
        return min(self.policy.status_wait_s, max(self.policy.status_pause_s, share_s))

    def _look_budget_s(self, wait_s: float) -> float:
        """How long a look may take, all in all: longer when looks have failed already."""
        longest_s = self.policy.connect_timeout_s + self.policy.read_timeout_s
        left_s = self._window_left_s()
        if left_s is None:
            return longest_s
        episode = getattr(self.phase, "episode", None)
        failures = 0 if episode is None else episode.failures
        own_s = max(self.policy.look_least_s * (1 + failures), self.policy.status_share * left_s)
        return min(longest_s, self.policy.connect_timeout_s + wait_s + own_s)

    def _finish(self, ending: Ending) -> None:
        """Rule 8 and every other end: close what is open, say why."""
        never_shown = self.facts.episodes > 0 and self.facts.shown is None
        if ending.kind is EndingKind.UNCONFIRMED and never_shown and not self.facts.returned:
            ending = replace(ending, kind=EndingKind.COULD_NOT_CONNECT)  # it never began
        self._close(*self._open_connections())
        self.phase = Ended(ending)
        if self.facts.session_id is not None and ending.kind in _GAME_OVER:
            self._do(commands.DropTicket(self.facts.session_id))
        self._do(commands.Finish(ending))

    def _keep_ticket(self, *, ahead: int = 0) -> None:
        """Rule 12. `ahead`: how many more numbers may have been used when this is read."""
        session_id, window = self.facts.session_id, self.facts.window
        assert session_id is not None
        self.facts = replace(self.facts, kept_at=self.now)
        self._do(
            commands.KeepTicket(
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

    def _went_on_elsewhere(self) -> bool:
        """Rule 13: the backend has seen a higher number than ours."""
        heard = self.facts.heard_attempt
        return heard is not None and heard > self.facts.attempts

    def _open_connections(self) -> set[ConnectionNumber]:
        match self.phase:
            case Idle() | Ended() | TerminatingSession():
                return set()
            case StartOffering(connection):
                return {connection}
            case StartRequesting(ask) | StartBackoff(ask) | Placing(ask):
                return {ask.connection}
            case Live(connection):
                return {connection}
            case Connecting(connection, episode):
                return {connection} | self._old(episode)
            case Lost(episode) | Goodbye(episode) | ConfirmingEnd(episode):
                return self._old(episode)
            case Offering(episode, connection):
                return {connection} | self._old(episode)
            case Requesting(episode, ask):
                return {ask.connection} | self._old(episode)
            case Waiting(episode):
                asked = {self.phase.ask.connection} if self.phase.ask else set()
                return asked | self._old(episode)
            case _:
                assert_never(self.phase)

    @staticmethod
    def _old(episode: Episode | None) -> set[ConnectionNumber]:
        return set() if episode is None or episode.old is None else {episode.old}

    def _close(self, *connections: ConnectionNumber) -> None:
        """Close each once, even where two reasons for it meet in one turn."""
        for connection in sorted(connections):
            command = commands.CloseConnection(connection)
            if command not in self.commands:
                self._do(command)

    def _close_new(self, episode: Episode) -> None:
        """Close what an attempt has opened; the old connection stays. The phase is left next."""
        self._close(*self._open_connections() - self._old(episode))

    def _latest_at(self, episode: Episode) -> float:
        return _latest_at(self.facts, episode, self.policy)

    def _need_s(self) -> float:
        return _need_s(self.facts, self.policy)

    def _time_for_a_try(self, episode: Episode) -> bool:
        """Rule 5."""
        return self.now <= self._latest_at(episode) - self._need_s()

    def _measured(self, asked_at: float) -> None:
        kept = (*self.facts.latencies_s, max(0.0, self.now - asked_at))[-_LATENCIES_KEPT:]
        self.facts = replace(self.facts, latencies_s=kept)

    def _game_ended(self) -> Ending:
        asleep = self.facts.expired_asleep is not None
        return Ending(
            EndingKind.GAME_ENDED, self.facts.reason, self.facts.status, expired_asleep=asleep
        )

    # --- starting -------------------------------------------------------------------------------

    def _start_requested(self) -> None:
        if not isinstance(self.phase, Idle):
            self._stale()
            return
        told_s = self.policy.connection_timeout_default_s
        self.facts = replace(self.facts, window=replace(self.facts.window, timeout_s=told_s))
        connection = self._new_connection()
        self.phase = StartOffering(connection, self.now + self.policy.connect_deadline_s)
        self._do(commands.MakeOffer(connection))

    def _rejoin_requested(self, seat: RejoinState) -> None:
        """An episode from its middle: there is no old connection, and nothing was heard yet."""
        if not isinstance(self.phase, Idle):
            self._stale()
            return
        self.facts = replace(
            self.facts,
            session_id=seat.session_id,
            attempts=seat.attempt,
            returned=Returned(self.now, seat.attempt),
            window=deadline.returned(seat, self.now, self.policy),
        )
        episode = self._new_episode(self.now, None)
        if self.policy.tells_status:
            self.phase = Waiting(episode, Action.LOOK, self._watch_until(episode), None)
            self._ask_status()
        else:
            self._offer(episode)

    def _ask_start(self, ask: Attempt) -> None:
        budget_s = self.policy.connect_timeout_s + self.policy.read_timeout_s
        ask = replace(ask, tries=ask.tries + 1)
        self.phase = StartRequesting(ask, self.now + budget_s + self.policy.asking_guard_s)
        self._do(
            commands.StartSession(
                ask.attempt, ask.connection, ask.token, budget_s, ask.signal_request
            )
        )

    def _session_started(self, event: events.SessionStarted) -> None:
        match self.phase:
            case StartRequesting(ask) | StartBackoff(ask) if ask.attempt == event.attempt:
                pass
            case _:
                self._stale()
                return
        self._measured(event.asked_at)
        self.facts = replace(self.facts, session_id=event.view.session_id)
        self.phase = Placing(
            ask,
            started_at=self.now,
            until_at=self.now,
            asked_at=event.asked_at,
        )
        self._learn(event.view, event.asked_at)
        if not is_terminal(event.view.status):
            self._keep_ticket()
        self._placing_heard(event.view)

    def _placing_heard(self, view: SessionView) -> None:
        assert isinstance(self.phase, Placing)
        placing = self.phase
        if is_terminal(view.status):
            self._finish(self._game_ended())
        elif view.signal_response is not None and (
            view.signal_request_sha256 in (None, placing.ask.sha256)
        ):
            self._join(placing.ask.connection, None, self.now, view.signal_response)
        elif self.now - placing.started_at >= self.policy.start_deadline_s:
            self._finish(Ending(EndingKind.UNCONFIRMED, status=view.status))
        else:
            # An ACTIVE without its answer yet: the long poll would sit out its wait, so look again.
            waiting = view.status == ACTIVATING
            pause_s = 0.0 if waiting else self.policy.status_pause_s
            self.phase = replace(placing, until_at=self._status_guard_at(pause_s), failures=0)
            self._ask_status(
                known=view.status if waiting else None,
                wait_s=self.policy.status_wait_s if waiting else 0.0,
                after_s=pause_s,
            )

    def _status_guard_at(self, after_s: float = 0.0) -> float:
        budget_s = self._look_budget_s(self._poll_s())
        return self.now + after_s + budget_s + self.policy.asking_guard_s

    def _start_failed(self, event: events.StartFailed) -> None:
        if not (
            isinstance(self.phase, StartRequesting) and self.phase.ask.attempt == event.attempt
        ):
            self._stale()
            return
        self._start_failed_with(self.phase.ask, event.failure)

    def _start_failed_with(self, ask: Attempt, failure: Failure) -> None:
        again = failure.kind in ask.seen
        ask = replace(ask, seen=ask.seen | {failure.kind})
        rule = retry.RULES[failure.kind]
        action = rule.again if again else rule.first
        ending = Ending(_START_ENDINGS[failure.kind], detail=failure.detail)
        if failure.http_status is not None and 200 <= failure.http_status < 300:
            ending = replace(ending, kind=EndingKind.BACKEND_UNUSABLE)  # it answered, but what
        if failure.kind is FailureKind.UNAUTHENTICATED and action is Action.REFRESH_SIGN_IN:
            self._do(commands.RefreshSignIn())
            self._ask_start(ask)
            return
        passing = failure.kind in (
            FailureKind.NOT_SENT,
            FailureKind.OUTCOME_UNKNOWN,
            FailureKind.THROTTLED,
        )
        if failure.kind is FailureKind.OUTCOME_UNKNOWN and not self.policy.passes_token_on:
            passing = False  # asking again could start a second game
        if not passing or ask.tries >= self.policy.start_tries:
            self._finish(ending)
            return
        # The token makes the identical start safe to repeat: the service completes it once.
        wait_s = retry.backoff_s(rule.wait, ask.tries, self.policy, self.draw)
        if failure.retry_after_s is not None:
            wait_s = max(wait_s, failure.retry_after_s)
        if wait_s > self.policy.start_deadline_s:
            self._finish(replace(ending, kind=EndingKind.BUSY))
            return
        self.phase = StartBackoff(ask, self.now + wait_s)

    # --- offers and answers -----------------------------------------------------------------------

    def _offer_made(self, event: events.OfferMade) -> None:
        match self.phase:
            case StartOffering(connection) if connection == event.connection:
                self._ask_start(self._new_ask(event))
            case Offering(episode, connection) if connection == event.connection:
                self._ask_reconnect(episode, self._new_ask(event))
            case _:
                self._stale()

    def _offer_failed(self, event: events.OfferFailed) -> None:
        match self.phase:
            case StartOffering(connection) if connection == event.connection:
                self._finish(Ending(EndingKind.INTERNAL, detail=event.detail))
            case Offering(episode, connection) if connection == event.connection:
                self._close_new(episode)
                self._wait(episode, Action.NEW_OFFER, Wait.USUAL, None)
            case _:
                self._stale()

    def _join(
        self,
        connection: ConnectionNumber,
        episode: Episode | None,
        create_asked_at: float,
        signal_response: str,
    ) -> None:
        if episode is not None and episode.given_up_at is None:
            episode = replace(episode, given_up_at=self.now)
        until_at = self._join_until(self.policy.connect_deadline_s, episode, create_asked_at)
        self.phase = Connecting(connection, episode, create_asked_at, until_at)
        self._do(commands.ApplyAnswer(connection, signal_response))
        if episode is not None:
            self._watch_status()

    def _join_until(
        self, patience_s: float, episode: Episode | None, create_asked_at: float
    ) -> float:
        """When to give a connection up that does not come, or shows no frame.

        After the answer the second window runs, from the create call on at the earliest. A dead
        connection must not eat a short one whole: there is to be time for another.
        """
        rtt_s = (self.facts.sample.rtt_s if self.facts.sample else None) or 0.0
        until_at = self.now + patience_s + self.policy.connect_deadline_rtts * rtt_s
        timeout_s = self.facts.window.timeout_s
        if episode is None:
            return until_at
        ends_at = self._latest_at(episode)
        least_s = max(self.policy.connect_least_s, self.policy.need_rtt_factor * rtt_s)
        if timeout_s is not None:
            ends_at = min(ends_at, create_asked_at + timeout_s)
            least_s = max(least_s, self.policy.connect_least_share * timeout_s)
        # Half of what is left beyond the need: the offer and its wait must come before the line.
        spare_s = (ends_at - self._need_s() - self.now) / 2
        return min(until_at, self.now + max(spare_s, least_s))

    def _answer_refused(self, event: events.AnswerRefused) -> None:
        match self.phase:
            case Connecting(connection, episode) if connection == event.connection:
                # The service wants something of us that we must not do; another offer would get
                # the same kind of answer, so one is tried and the second refusal ends it.
                ending = Ending(EndingKind.BAD_ANSWER, detail=event.detail)
                if episode is None:
                    self._terminate(ending)  # nobody will ever join that game
                elif episode.refused_answers == 0:
                    self._close_new(episode)
                    refused = replace(episode, refused_answers=1, bound_at=None, unsettled=0)
                    self._wait(refused, Action.NEW_OFFER, Wait.USUAL, None)
                else:
                    self._finish(ending)
            case _:
                self._stale()

    def _connection_opened(self, connection: ConnectionNumber) -> None:
        match self.phase:
            case Connecting(joining, episode, create_asked_at) if joining == connection:
                patience_s = self.policy.first_frame_deadline_s
                until_at = self._join_until(patience_s, episode, create_asked_at)
                self.phase = replace(self.phase, opened_at=self.now, until_at=until_at)
                self._do(commands.RequestKeyFrame(connection))
            case _:
                self._stale()

    def _connection_failed(self, connection: ConnectionNumber) -> None:
        match self.phase:
            case Connecting(joining) if joining == connection:
                self._joining_failed(self.phase)
            case Live(live) if live == connection:
                self._lose(HardEvidence.DTLS_CLOSED)
            case _:
                self._stale()

    def _joining_failed(self, joining: Connecting) -> None:
        """Close it, new offer: the service is ACTIVE again and its second window runs."""
        self._close(joining.connection)
        episode = joining.episode
        if episode is None:
            episode = self._new_episode(self.now, None)
        # The offer was accepted and used; nothing of it can come true any more. Who answered it is
        # there: what failed before that is no reason to wait longer now.
        settled = replace(episode, bound_at=None, unsettled=0, failures=0)
        self._wait(settled, Action.NEW_OFFER, Wait.USUAL, None)

    def _input_opened(self, connection: ConnectionNumber) -> None:
        match self.phase:
            case Connecting(joining) if joining == connection:
                self.facts = replace(self.facts, input_opened=connection)
                self.phase = replace(self.phase, input_at=self.now)
                self._maybe_live()
            case _ if connection in self._open_connections() and (
                self.facts.input_opened is None or self.facts.input_opened < connection
            ):
                # Also of one that is lost: it may heal, and will not say so again.
                self.facts = replace(self.facts, input_opened=connection)
            case _:
                self._stale()

    def _controls_known(self, connection: ConnectionNumber, known: bool) -> None:
        """What an old connection says late must not hide what a newer one has said."""
        told = self.facts.controls_known
        if connection in self._open_connections() and (told is None or told[0] <= connection):
            self.facts = replace(self.facts, controls_known=(connection, known))
        else:
            self._stale()

    def _first_frame(self, connection: ConnectionNumber) -> None:
        match self.phase:
            case Connecting(joining) if joining == connection:
                self.phase = replace(self.phase, framed_at=self.now)
                self._maybe_live()
            case _:
                self._stale()

    def _maybe_live(self, *, without_input: bool = False) -> None:
        """Rule 7."""
        assert isinstance(self.phase, Connecting)
        joining = self.phase
        if joining.framed_at is None or (joining.input_at is None and not without_input):
            return
        if joining.episode is not None:
            self.facts = replace(self.facts, back_at=self.now)
            if joining.episode.old is not None:
                self._close(joining.episode.old)
        self.facts = replace(
            self.facts,
            health=health.healthy(self.now),
            sample=None,
            shown=joining.connection,
            status=None,
            expired_asleep=None,
            window=replace(self.facts.window, checking_since_at=None),
        )
        self.phase = Live(joining.connection, self.now + self.policy.sample_missing_s, self.now)
        self._do(commands.ShowConnection(joining.connection))
        self._keep_ticket()

    # --- live -----------------------------------------------------------------------------------

    def _sampled(self, connection: ConnectionNumber, sample: ConnectionSample) -> None:
        match self.phase:
            case Live(live) if live == connection:
                self.facts = replace(
                    self.facts,
                    sample=sample,
                    window=deadline.heard(self.facts.window, sample),
                )
                self._judge(self.phase)
            case Lost(episode) | Goodbye(episode) | ConfirmingEnd(episode) if (
                episode.old == connection
            ):
                self._old_sampled(episode, sample)
            case Offering(episode) | Requesting(episode) | Waiting(episode) if (
                episode.old == connection
            ):
                self._old_sampled(episode, sample)
            case Connecting(_, Episode(old=old)) if old == connection:
                pass  # carried through: the new connection replaces the old one (Rule 2)
            case Connecting(joining) if joining == connection:
                if sample.rtt_s is not None and self.facts.sample is not None:
                    newer = replace(self.facts.sample, rtt_s=sample.rtt_s)
                    self.facts = replace(self.facts, sample=newer)
            case _:
                self._stale()

    def _judge(self, live: Live, *, late_s: float = 0.0) -> None:
        """Judge the newest sample of the live connection, or the last one again.

        `late_s`: how much later than it wanted our own loop came to it, which is no silence.
        """
        self.phase = live = replace(live, until_at=self.now + self.policy.sample_missing_s)
        before, sample = self.facts.health, self.facts.sample
        if before is None or sample is None:
            return
        judged = replace(sample, loop_lag_s=sample.loop_lag_s + late_s)
        after = health.assess(before, judged, self.now, self.policy)
        self.facts = replace(self.facts, health=after)
        kept_at = self.facts.kept_at
        if kept_at is None or self.now - kept_at >= self.policy.ticket_every_s:
            self._keep_ticket()
        if after.level is before.level:
            return
        match after.level:
            case HealthLevel.LOST:
                self._lose()
            case HealthLevel.STALLED:
                self._look_closer(live)
            case HealthLevel.NO_MEDIA:
                self._look_closer(live)
                self._do(commands.RequestKeyFrame(live.connection))
            case HealthLevel.HEALTHY | HealthLevel.DEGRADED:
                if live.checking_since_at is not None:
                    self.phase = replace(live, checking_since_at=None)
                    self._do(commands.StopChecks(live.connection))
                self.facts = replace(
                    self.facts,
                    expired_asleep=None,
                    window=replace(self.facts.window, checking_since_at=None),
                )
            case _:
                assert_never(after.level)

    def _look_closer(self, live: Live) -> None:
        """STALLED or NO_MEDIA: check the path, ask what the service thinks."""
        if live.checking_since_at is None:
            self.phase = replace(live, checking_since_at=self.now)
            self._do(commands.StartChecks(live.connection))
            self._ask_afresh()

    def _ask_afresh(self) -> None:
        """Ask the status; what was known of it belongs to another time."""
        self.facts = replace(self.facts, status=None, reason=None)
        self._ask_status()

    def _new_episode(self, dropped_at: float, old: ConnectionNumber | None) -> Episode:
        number = self.facts.episodes + 1
        self.facts = replace(self.facts, episodes=number, back_at=None)
        return Episode(number, dropped_at, self.now, old)

    def _lose(self, told: HardEvidence | None = None) -> None:
        """The shown connection is LOST; the episode begins."""
        assert isinstance(self.phase, Live)
        live = self.phase
        sample = self.facts.sample
        dropped_at = self.now if sample is None else min(self.now, sample.last_rtp_at)
        if self.facts.health is not None:
            self.facts = replace(self.facts, health=health.lost(self.facts.health, self.now))
        episode = replace(self._new_episode(dropped_at, live.connection), told=told)
        if live.checking_since_at is None:
            self._do(commands.StartChecks(live.connection))
        if live.checking_since_at is None or self.facts.window.checking_since_at is not None:
            self._ask_afresh()
        self._do(commands.Mute(live.connection))
        self.phase = Lost(episode, self.now)
        self._consider_commit()

    def _old_sampled(self, episode: Episode, sample: ConnectionSample) -> None:
        """The old connection speaks: maybe it heals."""
        current = self.facts.health
        self.facts = replace(
            self.facts, sample=sample, window=deadline.heard(self.facts.window, sample)
        )
        over = (episode.goodbye_at, episode.bound_at, episode.given_up_at, episode.told)
        if current is None or any(why is not None for why in over):
            self._go_on_lost()
            return  # what still trickles out of it is no healing
        if isinstance(self.phase, Requesting) and self.phase.written_at is not None:
            return
        after = health.assess(current, sample, self.now, self.policy)
        self.facts = replace(self.facts, health=after)
        if after.level is HealthLevel.LOST:
            self._go_on_lost()
            return
        self._heal(episode)

    def _go_on_lost(self) -> None:
        """The old connection was heard and is lost all the same: what its sample has proved."""
        match self.phase:
            case Lost():
                self._consider_commit()
            case ConfirmingEnd(episode, _, _, Ending(kind=EndingKind.UNCONFIRMED)) if (
                self._time_for_a_try(episode)
            ):
                self._offer(episode)  # there is more time than was known
            case _:
                pass

    def _heal(self, episode: Episode) -> None:
        """Rule 2: as if nothing had happened, and nothing of it stays open."""
        assert episode.old is not None
        self._close(*self._open_connections() - {episode.old})
        self._do(commands.StopChecks(episode.old))
        self._do(commands.Unmute(episode.old))
        self._do(commands.RequestKeyFrame(episode.old))
        self.facts = replace(
            self.facts,
            back_at=self.now,
            window=replace(self.facts.window, checking_since_at=None),
        )
        self.phase = Live(episode.old, self.now + self.policy.sample_missing_s, self.now)
        self._ask_afresh()  # whether the service sees it as we do

    def _hard_evidence(self, connection: ConnectionNumber, evidence: HardEvidence) -> None:
        certain = evidence is not HardEvidence.UNREACHABLE
        match self.phase:
            case Live(live) if live == connection:
                if not certain:
                    # No way to the host right now (twice): while a network changes that is so for
                    # some tenths of a second, and it heals. Look closer, let silence decide; what
                    # is certain is an address that is gone (docs/adr/0016).
                    self._suspect()
                else:
                    self._lose(evidence)
            case Connecting(joining) if joining == connection:
                self._joining_failed(self.phase)
            case Lost(Episode(old=old, told=None) as episode) if certain and old == connection:
                # What silence made likely is certain now, and cannot heal.
                self.phase = Lost(replace(episode, told=evidence), self.phase.until_at)
                self._consider_commit()
            case StartOffering(offered) | Offering(_, offered) if certain and offered == connection:
                self._offer_afresh()
            case Requesting(episode, ask) if certain and ask.connection == connection:
                self._stranded(episode, ask, 0.0, in_flight=True)
            case Waiting(episode, _, _, Attempt() as ask, not_before_at) if (
                certain and ask.connection == connection
            ):
                self._stranded(episode, ask, not_before_at, in_flight=False)
            case _:
                self._stale()

    def _stranded(
        self, episode: Episode, ask: Attempt, not_before_at: float, *, in_flight: bool
    ) -> None:
        """The connection that an attempt is for has no way to the host any more: another offer.

        Its answer could not be used, and a call that is in flight left by the same address.
        """
        if in_flight:
            written = isinstance(self.phase, Requesting) and self.phase.written_at is not None
            episode = replace(episode, unsettled=episode.unsettled + (1 if written else 0))
            if not episode.unsettled:
                episode = replace(episode, bound_at=None)
        self._close_new(episode)
        self._wait(episode, Action.NEW_OFFER, Wait.NONE, None)
        if isinstance(self.phase, Waiting) and self.now < not_before_at:
            self.phase = replace(self.phase, until_at=not_before_at, not_before_at=not_before_at)

    # --- lost, committed ------------------------------------------------------------------------

    def _consider_commit(self) -> None:
        """Rule 3."""
        assert isinstance(self.phase, Lost)
        episode = self.phase.episode
        corroborated = self.facts.status in (PENDING_CLIENT_RECONNECTION, ACTIVE)
        # After sleep the silence says nothing of the service: its own word is waited for as long.
        woke_at = self.facts.window.checking_since_at or episode.dropped_at
        alone_at = max(woke_at, episode.dropped_at) + self.policy.commit_uncorroborated_s
        if episode.told is not None:
            # Gone for certain: the service's word is waited for only as long as it should take.
            patience_s = self.policy.status_pause_s if self.policy.tells_status else 0.0
            alone_at = min(alone_at, episode.lost_at + patience_s)
        if corroborated or self.now >= alone_at:
            self._commit(episode)
        else:
            self.phase = Lost(episode, alone_at)

    def _commit(self, episode: Episode) -> None:
        told = self.facts.status in (PENDING_CLIENT_RECONNECTION, ACTIVE, RECONNECTING)
        if told:
            episode = replace(episode, given_up_at=self.now)
        if episode.old is not None and not told and episode.goodbye_at is None:
            self.phase = Goodbye(
                replace(episode, goodbye_at=self.now), self.now + self.policy.goodbye_grace_s
            )
            self._do(commands.SayGoodbye(episode.old, self.policy.goodbye_times))
            return
        self._offer(episode)

    def _goodbye_said(self, connection: ConnectionNumber) -> None:
        match self.phase:
            case Goodbye(episode) if episode.old == connection:
                self._offer(episode)
            case _:
                self._stale()

    def _offer(self, episode: Episode) -> None:
        """A fresh offer, if there is still time for one (Rule 5) and the service would take it."""
        if not self._time_for_a_try(episode):
            self._confirm(episode, Ending(EndingKind.UNCONFIRMED))
            return
        if self._went_on_elsewhere():
            self._finish(Ending(EndingKind.CONTINUED_ELSEWHERE, status=self.facts.status))
            return
        if self.policy.tells_status and self.facts.status in _REFUSING:
            self._wait_for_service(episode)
            return
        connection = self._new_connection()
        self.phase = Offering(episode, connection, self.now + self.policy.connect_deadline_s)
        self._keep_ticket(ahead=1)
        self._do(commands.MakeOffer(connection))

    def _ask_reconnect(self, episode: Episode, ask: Attempt) -> None:
        """One create request, if there is still time for one (Rule 5)."""
        latest_at = self._latest_at(episode)
        if self.now > latest_at - self._need_s():
            self._confirm(episode, Ending(EndingKind.UNCONFIRMED))
            return
        assert self.facts.session_id is not None
        budget_s = self.policy.connect_timeout_s + self._read_timeout_s(latest_at - self.now)
        ask = replace(ask, tries=ask.tries + 1)
        self.phase = Requesting(
            episode, ask, self.now, self.now + budget_s + self.policy.asking_guard_s
        )
        self._do(
            commands.Reconnect(
                self.facts.session_id,
                ask.attempt,
                ask.tries,
                ask.connection,
                ask.token,
                budget_s,
                ask.signal_request,
            )
        )

    def _read_timeout_s(self, left_s: float) -> float:
        """How long an answer is waited for, with so much time left until the latest deadline.

        A backend that hangs must not eat a short window whole: before the shown deadline a second
        try has its time too. Only what the service may well take is always waited for.
        """
        longest_s = min(self.policy.read_timeout_s, left_s)
        shown_at = self.facts.window.shown_at
        if shown_at is None or shown_at <= self.now:
            return longest_s
        spare_s = shown_at - self.now - self._need_s() - self.policy.backoff_base_s
        return min(
            longest_s, max(self.policy.read_least_s, spare_s - self.policy.connect_timeout_s)
        )

    def _request_written(self, attempt: AttemptNumber, try_number: int) -> None:
        match self.phase:
            case Requesting(episode, ask) if (ask.attempt, ask.tries) == (attempt, try_number):
                self.phase = replace(
                    self.phase,
                    episode=replace(
                        episode,
                        bound_at=self.now if episode.bound_at is None else episode.bound_at,
                    ),
                    written_at=self.now,
                )
            case _:
                self._stale()

    def _answer_arrived(self, event: events.AnswerArrived) -> None:
        match self.phase:
            case Requesting(episode, ask) if ask.attempt == event.attempt:
                pass
            case Waiting(episode, _, _, Attempt() as ask) if ask.attempt == event.attempt:
                pass  # slower than our guard, but it is the answer to this very offer
            case _:
                self._stale()
                return
        self._measured(event.asked_at)
        self.facts = replace(self.facts, status=None)
        # A repeated request may be answered for its first try: the window began with that one.
        sent_at = event.asked_at if episode.bound_at is None else episode.bound_at
        self._join(ask.connection, episode, sent_at, event.signal_response)

    def _reconnect_failed(self, event: events.ReconnectFailed) -> None:
        match self.phase:
            case Requesting(episode, ask) if (ask.attempt, ask.tries) == (
                event.attempt,
                event.try_number,
            ):
                self._asking_failed(episode, ask, event.failure)
            case _:
                self._stale()

    def _asking_failed(self, episode: Episode, ask: Attempt, failure: Failure) -> None:
        """The table of `retry`."""
        rule = retry.RULES[failure.kind]
        if failure.session_status is not None:
            self.facts = replace(self.facts, status=Status(failure.session_status))
            if is_terminal(Status(failure.session_status)):
                self._confirm(episode, self._game_ended())
                return
        again = failure.kind in (episode.seen if rule.per_episode else ask.seen)
        ask = replace(
            ask,
            seen=ask.seen | {failure.kind},
            counted=ask.counted + (1 if rule.counts else 0),
        )
        unsettled = episode.unsettled + (0 if rule.settles else 1)
        episode = replace(
            episode,
            seen=episode.seen | {failure.kind},
            unsettled=unsettled,
            bound_at=episode.bound_at if unsettled else None,
        )
        action = rule.again if again else rule.first
        # Which error a wrong status brings is unknown of AWS: what the status says goes first.
        wrong_status = failure.kind is FailureKind.INVALID and failure.session_status is not None
        if wrong_status or (failure.kind is FailureKind.CONFLICT and failure.code != "IN_FLIGHT"):
            action = retry.on_conflict(failure.session_status)
        if action is Action.SAME_BYTES and ask.counted >= self.policy.tries_per_attempt:
            action = Action.LOOK
        if action is Action.SAME_BYTES and not self.policy.passes_token_on:
            action = Action.NEW_OFFER
        if action in (Action.LOOK, Action.WAIT_FOR_SERVICE) and not self.policy.tells_status:
            action = Action.NEW_OFFER
        match action:
            case Action.END:
                self._end_or_confirm(
                    episode, Ending(rule.ending or EndingKind.UNCONFIRMED, detail=failure.detail)
                )
            case Action.WAIT_FOR_SERVICE:
                self._close_new(episode)
                self._wait_for_service(
                    replace(episode, failures=episode.failures + 1, given_up_at=None)
                )
            case Action.NEW_OFFER:
                self._close_new(episode)
                self._wait(episode, action, Wait.USUAL, None, failure)
            case Action.REFRESH_SIGN_IN:
                self._do(commands.RefreshSignIn())
                if self.policy.passes_token_on:
                    self._ask_reconnect(episode, ask)
                else:
                    self._close_new(episode)
                    self._offer(episode)
            case Action.SAME_BYTES | Action.LOOK:
                self._wait(episode, action, rule.wait, ask, failure)
            case _:
                assert_never(action)

    def _end_or_confirm(self, episode: Episode, ending: Ending) -> None:
        """Endings that the service did not pronounce itself get one look first."""
        if ending.kind in (EndingKind.NOT_FOUND, EndingKind.OFFER_REFUSED, EndingKind.BUSY):
            self._confirm(episode, ending)
        else:
            self._finish(ending)

    def _wait(
        self,
        episode: Episode,
        then: Action,
        wait: Wait,
        ask: Attempt | None,
        failure: Failure | None = None,
    ) -> None:
        """Wait for the next try, if the window is long enough for it (Rule 5)."""
        wait_s = retry.backoff_s(wait, episode.failures, self.policy, self.draw)
        episode = replace(episode, failures=episode.failures + 1)
        last_start_at = self._latest_at(episode) - self._need_s()
        if failure is not None and failure.retry_after_s is not None:
            if self.now + failure.retry_after_s > last_start_at:
                self._confirm(episode, Ending(EndingKind.BUSY, detail=failure.detail))
                return
            wait_s = max(wait_s, failure.retry_after_s)
        if self.now >= last_start_at:
            self._confirm(episode, Ending(EndingKind.UNCONFIRMED))
            return
        if self.now + wait_s >= last_start_at:
            # The last try must come before the line, not on it.
            wait_s = (last_start_at - self.now) / 2
        self.phase = Waiting(episode, then, self.now + wait_s, ask)
        if failure is not None:
            if failure.retry_after_s is not None:
                self.phase = replace(self.phase, not_before_at=self.phase.until_at)
            self.phase = _unreached(self.phase, failure, self.now)
        if then is Action.LOOK and wait_s == 0.0:
            self._look()
        elif then is Action.NEW_OFFER:
            self._ask_status()

    def _wait_for_service(self, episode: Episode) -> None:
        """The service has not noticed yet: watch its status.

        What our own packets may have kept it from noticing ends with a goodbye (Rule 3). A client
        that crashed is noticed in time; who is connected for longer is somebody else (Rule 13).
        """
        returned = self.facts.returned
        held = (
            returned is not None
            and self.facts.attempts == returned.attempt
            and self.facts.status == CONNECTED
            and self.now - returned.at > self.policy.notice_delay_max_s
        )
        if held or self._went_on_elsewhere():
            self._finish(Ending(EndingKind.CONTINUED_ELSEWHERE, status=self.facts.status))
            return
        old, silent_s = episode.old, self.now - episode.dropped_at
        unsaid = old is not None and episode.goodbye_at is None
        if old is not None and unsaid and silent_s >= self.policy.commit_uncorroborated_s:
            episode = replace(episode, goodbye_at=self.now)
            self._do(commands.SayGoodbye(old, self.policy.goodbye_times))
        self.phase = Waiting(episode, Action.WAIT_FOR_SERVICE, self._watch_until(episode), None)
        self._watch_status()

    def _watch_until(self, episode: Episode) -> float:
        last_start_at = self._latest_at(episode) - self._need_s()
        return min(self._status_guard_at(), max(self.now, last_start_at))

    def _look(self) -> None:
        """One look now; the answer is waited for until the guard."""
        assert isinstance(self.phase, Waiting)
        self.phase = replace(
            self.phase, then=Action.LOOK, until_at=self._watch_until(self.phase.episode)
        )
        self._ask_status()

    def _waited(self, waiting: Waiting) -> None:
        """The wait is over."""
        episode = waiting.episode
        last_start_at = self._latest_at(episode) - self._need_s()
        # A try may start on the line, but what is only watched until the line is over there.
        watched = waiting.then in (Action.LOOK, Action.WAIT_FOR_SERVICE)
        if self.now > last_start_at or (watched and self.now == last_start_at):
            self._confirm(episode, Ending(EndingKind.UNCONFIRMED))
            return
        match waiting.then:
            case Action.SAME_BYTES if waiting.ask is not None:
                self._ask_reconnect(episode, waiting.ask)
            case Action.SAME_BYTES | Action.NEW_OFFER:
                self._close_new(episode)
                self._offer(episode)
            case Action.LOOK:
                self._look()
            case Action.WAIT_FOR_SERVICE:
                self._wait_for_service(episode)
            case Action.REFRESH_SIGN_IN | Action.END:
                raise AssertionError("these are never waited for")
            case _:
                assert_never(waiting.then)

    def _confirm(self, episode: Episode, fallback: Ending) -> None:
        """Rule 9: no more tries; ask what became of the game until the latest deadline."""
        self._close_new(episode)
        if not self.policy.tells_status:
            self.phase = ConfirmingEnd(episode, self.now, self.now, fallback)
            self._finish(fallback)
            return
        patience_at = self._status_guard_at()
        if fallback.kind is EndingKind.UNCONFIRMED:
            # One look has its time, however late it is: after sleep the network has to come first.
            asleep = self.facts.window.checking_since_at is not None
            least_at = patience_at if asleep else self.now + self._need_s()
            patience_at = max(least_at, self._latest_at(episode))
        self.phase = ConfirmingEnd(episode, patience_at, self.now, fallback)
        self._ask_status()

    # --- the status -----------------------------------------------------------------------------

    def _learn(self, view: SessionView, asked_at: float) -> None:
        self._learn_attempt(view.attempt)
        self.facts = replace(
            self.facts,
            status=view.status,
            reason=view.reason,
            window=deadline.looked(self.facts.window, view, asked_at, self.now),
            refused_sign_ins=0,
        )

    def _learn_attempt(self, told: AttemptNumber | None) -> None:
        """Rule 13: whose number this is."""
        if told is None:
            return
        returned, heard = self.facts.returned, self.facts.heard_attempt
        self.facts = replace(self.facts, heard_attempt=told if heard is None else max(heard, told))
        if returned is not None and heard is None and self.facts.attempts < told:
            self.facts = replace(
                self.facts, attempts=told, returned=replace(returned, attempt=told)
            )

    def _status_arrived(self, asked_at: float, view: SessionView) -> None:
        if view.session_id != self.facts.session_id:
            self._stale()
            return
        before = self.facts.status
        self._learn(view, asked_at)
        if is_terminal(view.status) and not isinstance(self.phase, TerminatingSession):
            self._finish(self._game_ended())
            return
        self.facts = replace(self.facts, expired_asleep=None)
        match self.phase:
            case Placing():
                self._placing_heard(view)
            case Connecting(_, episode, create_asked_at):
                window = deadline.rejoined(self.facts.window, view, create_asked_at)
                self.facts = replace(self.facts, window=window)
                if episode is not None and view.status == RECONNECTING:
                    self._watch_status()
            case Live(since_at=since_at, checking_since_at=checking_since_at):
                if view.status == PENDING_CLIENT_RECONNECTION and asked_at >= since_at:
                    self._lose_by_word(self.phase)
                elif checking_since_at is not None:
                    self._watch_status(after_s=self._pause_s(before, asked_at))
            case Lost():
                self._consider_commit()
                if isinstance(self.phase, Lost):
                    self._watch_status(after_s=self._pause_s(before, asked_at))
            case Goodbye(episode) if view.status in (PENDING_CLIENT_RECONNECTION, ACTIVE):
                self._offer(replace(episode, given_up_at=self.now))
            case Waiting():
                self._waiting_heard(self.phase, view)
            case ConfirmingEnd(episode, _, _, fallback):
                if self._went_on_elsewhere():
                    self._finish(Ending(EndingKind.CONTINUED_ELSEWHERE, status=view.status))
                elif fallback.kind is EndingKind.UNCONFIRMED and self._time_for_a_try(episode):
                    self._offer(episode)  # there is more time than was known
                elif fallback.kind in _UNSAID:
                    self._watch_status(after_s=self.policy.status_pause_s)
                else:
                    self._finish(fallback)
            case _:
                pass  # learned; the phase has its own timer

    def _pause_s(self, before: Status | None, asked_at: float) -> float:
        """A long poll that came back at once with nothing new is not asked again at once."""
        quick = self.now - asked_at < self.policy.status_pause_s
        return self.policy.status_pause_s if quick and before == self.facts.status else 0.0

    def _lose_by_word(self, live: Live) -> None:
        """The service itself says that we are gone; it need not be asked again."""
        if live.checking_since_at is None:
            self._do(commands.StartChecks(live.connection))
            self.phase = replace(live, checking_since_at=self.now)
        self._lose()

    def _waiting_heard(self, waiting: Waiting, view: SessionView) -> None:
        episode, ask = waiting.episode, waiting.ask
        if (
            ask is not None
            and view.signal_response is not None
            and view.signal_request_sha256 == ask.sha256
        ):
            # The lost answer (Rule 6): it is to these very bytes.
            sent_at = episode.bound_at if episode.bound_at is not None else self.now
            self._join(ask.connection, episode, sent_at, view.signal_response)
            return
        reached = replace(waiting, unreachable_since_at=None, portal_since_at=None)
        match waiting.then:
            case Action.WAIT_FOR_SERVICE | Action.LOOK if view.status not in _REFUSING:
                self._close_new(episode)
                settled = replace(episode, bound_at=None, unsettled=0)
                if episode.failures > _FREE_OFFERS:
                    self._wait(settled, Action.NEW_OFFER, Wait.USUAL, None)
                else:
                    self.phase = replace(reached, ask=None)
                    self._offer(settled)
            case Action.LOOK if view.status == CONNECTED:
                self._close_new(episode)
                settled = replace(episode, bound_at=None, unsettled=0, given_up_at=None)
                self._wait_for_service(settled)
            case Action.WAIT_FOR_SERVICE if view.status == CONNECTED:
                self._wait_for_service(replace(episode, given_up_at=None))
            case Action.WAIT_FOR_SERVICE | Action.LOOK:
                self.phase = replace(reached, until_at=self._watch_until(episode))
                self._watch_status()
            case _:
                pass  # its own wait is running

    def _status_failed(self, failure: Failure) -> None:
        again_s = max(self.policy.status_pause_s, failure.retry_after_s or 0.0)
        if isinstance(self.phase, Placing):
            self._placing_status_failed(self.phase, failure)
            return
        if failure.kind is FailureKind.UNAUTHENTICATED:
            self.facts = replace(self.facts, refused_sign_ins=self.facts.refused_sign_ins + 1)
            self._do(commands.RefreshSignIn())
            refused = self.facts.refused_sign_ins > 1
        else:
            refused = retry.RULES[failure.kind].first is Action.END
        match self.phase:
            case Live(checking_since_at=None) | Connecting(_, None):
                pass
            case Live() | Connecting():
                self._ask_status(after_s=again_s)
            case Lost() | Waiting() | ConfirmingEnd() if refused:
                self._fatal(failure)
            case Lost():
                self._ask_status(after_s=again_s)
            case Waiting(episode) if (
                failure.kind is FailureKind.NOT_FOUND and FailureKind.NOT_FOUND in episode.seen
            ):
                self._finish(Ending(EndingKind.NOT_FOUND, detail=failure.detail))
            case Waiting(episode, Action.WAIT_FOR_SERVICE | Action.LOOK) as waiting:
                episode = replace(episode, seen=episode.seen | {failure.kind})
                wait_s = retry.backoff_s(Wait.USUAL, episode.failures, self.policy, self.draw)
                last_start_at = self._latest_at(episode) - self._need_s()
                until_at = self.now + max(wait_s, failure.retry_after_s or 0.0)
                self.phase = _unreached(
                    replace(
                        waiting,
                        episode=replace(episode, failures=episode.failures + 1),
                        until_at=min(until_at, max(self.now, last_start_at)),
                    ),
                    failure,
                    self.now,
                )
            case ConfirmingEnd(_, _, _, fallback):
                if failure.kind is FailureKind.NOT_FOUND:
                    self._finish(Ending(EndingKind.NOT_FOUND, detail=failure.detail))
                elif fallback.kind in _UNSAID:
                    self._ask_status(after_s=again_s)
                else:
                    self._finish(fallback)
            case _:
                pass

    def _fatal(self, failure: Failure) -> None:
        rule = retry.RULES[failure.kind]
        self._finish(Ending(rule.ending or EndingKind.UNCONFIRMED, detail=failure.detail))

    def _placing_status_failed(self, placing: Placing, failure: Failure) -> None:
        rule = retry.RULES[failure.kind]
        if failure.kind is FailureKind.UNAUTHENTICATED and self.facts.refused_sign_ins == 0:
            self.facts = replace(self.facts, refused_sign_ins=1)
            self._do(commands.RefreshSignIn())
        elif rule.first is Action.END or failure.kind in (
            FailureKind.NOT_FOUND,
            FailureKind.UNAUTHENTICATED,
        ):
            self._finish(Ending(_START_ENDINGS[failure.kind], detail=failure.detail))
            return
        if self.now - placing.started_at >= self.policy.start_deadline_s:
            self._finish(Ending(EndingKind.BACKEND_UNREACHABLE, detail=failure.detail))
            return
        wait_s = retry.backoff_s(Wait.USUAL, placing.failures + 1, self.policy, self.draw)
        self.phase = replace(
            placing, until_at=self._status_guard_at(wait_s), failures=placing.failures + 1
        )
        self._ask_status(after_s=wait_s)

    # --- the player, the machine, time ------------------------------------------------------------

    def _try_now(self) -> None:
        match self.phase:
            case Lost(episode):
                self._commit(episode)
            case Waiting(then=Action.WAIT_FOR_SERVICE):
                self._ask_status()
            case Waiting(not_before_at=not_before_at) if self.now >= not_before_at:
                self._waited(self.phase)
            case StartBackoff(ask):
                self._ask_start(ask)
            case _:
                self._stale()

    def _close_for_now(self) -> None:
        match self.phase:
            case Idle():
                self._finish(Ending(EndingKind.CANCELLED))
            case StartOffering() | StartRequesting() | StartBackoff():
                self._finish(Ending(EndingKind.CANCELLED))
            case Placing() | Connecting(_, None) if self.policy.can_terminate:
                self._terminate(Ending(EndingKind.CANCELLED))
            case TerminatingSession():
                self._finish(Ending(EndingKind.UNCONFIRMED, status=self.facts.status))
            case _:
                self._keep_ticket()
                self._finish(Ending(EndingKind.CLOSED_FOR_NOW, status=self.facts.status))

    def _end_game(self) -> None:
        if self.facts.session_id is None:
            self._finish(Ending(EndingKind.CANCELLED))
        elif not self.policy.can_terminate:
            # The game goes on until its time is up: leave as *Close for now* does, with a ticket.
            self._close_for_now()
        elif not isinstance(self.phase, TerminatingSession):
            self._terminate(Ending(EndingKind.ENDED_BY_PLAYER))

    def _terminate(self, ending: Ending, tries: int = 1) -> None:
        """A host costs money: end the game on the service, then finish.

        Where the backend has no call for that, finish without one that must fail.
        """
        assert self.facts.session_id is not None
        if not self.policy.can_terminate:
            self._finish(ending)
            return
        self._close(*self._open_connections())
        budget_s = self.policy.terminate_budget_s
        self.phase = TerminatingSession(
            ending, self.now + budget_s + self.policy.asking_guard_s, tries
        )
        self._do(commands.TerminateSession(self.facts.session_id, budget_s))

    def _terminated(self) -> None:
        match self.phase:
            case TerminatingSession(ending):
                self._finish(ending)
            case _:
                self._stale()

    def _terminate_failed(self, failure: Failure) -> None:
        match self.phase:
            case TerminatingSession(ending, _, tries):
                hopeless = retry.RULES[failure.kind].first is Action.END or (
                    failure.kind is not FailureKind.INVALID and failure.retryable is False
                )
                if failure.kind is FailureKind.UNAUTHENTICATED:
                    self._do(commands.RefreshSignIn())
                if failure.kind is FailureKind.NOT_FOUND:
                    self._finish(ending)
                elif not hopeless and tries < self.policy.terminate_tries:
                    # An ACTIVATING session refuses: a moment later it may be ACTIVE.
                    again_at = self.now + tries * self.policy.status_pause_s
                    self.phase = TerminatingSession(ending, again_at, tries, again_at)
                elif ending.kind is EndingKind.BAD_ANSWER:
                    self._finish(ending)
                else:
                    self._finish(
                        Ending(
                            EndingKind.UNCONFIRMED, status=self.facts.status, detail=failure.detail
                        )
                    )
            case _:
                self._stale()

    def _network_lost(self) -> None:
        if self.facts.offline_since_at is None:
            self.facts = replace(self.facts, offline_since_at=self.now)
        self._suspect()

    def _network_found(self) -> None:
        self.facts = replace(self.facts, offline_since_at=None)
        match self.phase:
            case Waiting(then=Action.WAIT_FOR_SERVICE):
                self._ask_status()
            case Waiting(episode, Action.SAME_BYTES, _, Attempt(counted=0)) as waiting:
                # No service took this offer: one of the new network is as good, and can connect.
                self._close_new(episode)
                self.phase = replace(waiting, then=Action.NEW_OFFER, ask=None)
                if self.now >= waiting.not_before_at:
                    self._waited(self.phase)
            case Waiting(not_before_at=not_before_at) if self.now >= not_before_at:
                self._waited(self.phase)
            case StartBackoff(ask):
                self._ask_start(ask)
            case StartOffering() | Offering():
                self._offer_afresh()
            # A look that was asked for over the network before may never come back.
            case Placing():
                self.phase = replace(self.phase, until_at=self._status_guard_at())
                self._watch_status()
            case Lost() | ConfirmingEnd() | Live(checking_since_at=float()):
                self._ask_status()
            case _:
                self._suspect()

    def _suspect(self) -> None:
        """A hint that the shown connection may be in trouble: look closer before it is silent."""
        if isinstance(self.phase, Live) and self.facts.health is not None:
            self.facts = replace(self.facts, health=health.stalled(self.facts.health, self.now))
            self._look_closer(self.phase)

    def _offer_afresh(self) -> None:
        """The offer that is being made belongs to another network: throw it away, make another."""
        match self.phase:
            case StartOffering(connection, until_at):
                self._close(connection)
                fresh = self._new_connection()
                self.phase = StartOffering(fresh, until_at)
                self._do(commands.MakeOffer(fresh))
            case Offering(episode):
                self._close_new(episode)
                self._offer(episode)
            case _:
                raise AssertionError("no offer is being made")

    def _woke(self, asleep_s: float) -> None:
        window = deadline.slept(self.facts.window, self.now)
        self.facts = replace(self.facts, window=window, expired_asleep=(self.now, asleep_s))
        match self.phase:
            case Live():
                if asleep_s > self.policy.asleep_is_lost_s:
                    self._lose()
                else:
                    self._suspect()
            case Lost() | Waiting():
                self._ask_status()
            case ConfirmingEnd(until_at=until_at):
                self.phase = replace(
                    self.phase, until_at=max(until_at, self._status_guard_at()), asked_at=self.now
                )
                self._ask_status()
            case _:
                pass

    def _wakeup_due(self) -> None:
        phase = self.phase
        if isinstance(phase, (Idle, Ended)) or self.now < phase.until_at:
            return
        match phase:
            case StartOffering():
                self._finish(Ending(EndingKind.INTERNAL, detail="the offer took too long"))
            case StartRequesting(ask):
                self._start_failed_with(ask, _NO_ANSWER)
            case StartBackoff(ask):
                self._ask_start(ask)
            case Placing():
                self._placing_status_failed(phase, _NO_ANSWER)
            case Connecting():
                if phase.framed_at is not None:
                    # A picture but no input channel: watching is better than nothing.
                    self._maybe_live(without_input=True)
                else:
                    self._joining_failed(phase)
            case Live():
                self._judge(phase, late_s=self.now - phase.until_at)
            case Lost():
                self._consider_commit()
            case Goodbye(episode):
                self._offer(episode)
            case Offering(episode):
                self._close_new(episode)
                self._wait(episode, Action.NEW_OFFER, Wait.USUAL, None)
            case Requesting(episode, ask):
                self._asking_failed(episode, ask, _NO_ANSWER)
            case Waiting():
                self._waited(phase)
            case ConfirmingEnd(_, _, _, fallback):
                self._finish(fallback)
            case TerminatingSession(ending, _, tries, again_at):
                if again_at is not None:
                    self._terminate(ending, tries + 1)
                else:
                    self._terminate_failed(_NO_ANSWER)
            case _:
                assert_never(phase)


_NO_ANSWER = Failure(FailureKind.OUTCOME_UNKNOWN, detail="No answer came in time.")

_START_ENDINGS: dict[FailureKind, EndingKind] = {
    FailureKind.UNAUTHENTICATED: EndingKind.SIGN_IN_NEEDED,
    FailureKind.FORBIDDEN: EndingKind.NOT_ALLOWED,
    FailureKind.NOT_FOUND: EndingKind.NOT_FOUND,
    FailureKind.THROTTLED: EndingKind.BUSY,
    FailureKind.OUTCOME_UNKNOWN: EndingKind.BACKEND_UNREACHABLE,
    FailureKind.CONFLICT: EndingKind.OFFER_REFUSED,
    FailureKind.STALE_ATTEMPT: EndingKind.CONTINUED_ELSEWHERE,
    FailureKind.REUSED_OFFER: EndingKind.OFFER_REFUSED,
    FailureKind.INVALID: EndingKind.OFFER_REFUSED,
    FailureKind.NOT_SENT: EndingKind.BACKEND_UNREACHABLE,
    FailureKind.TLS: EndingKind.BACKEND_UNTRUSTED,
    FailureKind.NOT_BACKEND: EndingKind.BACKEND_UNUSABLE,
}

_REFUSING = frozenset({ACTIVATING, CONNECTED, RECONNECTING, TERMINATING})
"""Statuses in which the service refuses a create call; a word we do not know is tried."""

_GAME_OVER = frozenset(
    {
        EndingKind.GAME_ENDED,
        EndingKind.NOT_FOUND,
        EndingKind.BAD_ANSWER,
        EndingKind.ENDED_BY_PLAYER,
        EndingKind.CANCELLED,
    }
)
"""Endings after which there is no way back into the game, or none that this client could take."""

_UNSAID = frozenset({EndingKind.UNCONFIRMED, EndingKind.GAME_ENDED})
"""Endings for which the service's own word is waited for until the time is up."""

_FREE_OFFERS = 3
"""After this many failures of an episode every further offer waits, whoever asked for it."""


def _unreached(waiting: Waiting, failure: Failure, now: float) -> Waiting:
    """What the player should know about a call that did not get through."""
    portal = failure.kind is FailureKind.NOT_BACKEND
    silent = failure.kind in (FailureKind.NOT_SENT, FailureKind.OUTCOME_UNKNOWN)
    return replace(
        waiting,
        unreachable_since_at=now if silent else None,
        portal_since_at=now if portal else None,
    )
