"""When the engine asks again, how often, and until when: Rules 17 to 22, in every phase."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from helpers.playbook import FIRST, ONE, SESSION, TWO, Playbook, offer, sample_backend
from rejoin.core import commands, engine, events
from rejoin.core.model import (
    AttemptNumber,
    ConnectionNumber,
    Doing,
    Ending,
    EndingKind,
    HardEvidence,
    Policy,
    Stage,
)
from rejoin.core.phases import (
    AwaitingService,
    Backoff,
    ConfirmingEnd,
    Connecting,
    Ended,
    Goodbye,
    Live,
    Lost,
    Placing,
    Requesting,
    StartBackoff,
    StartOffering,
    StartRequesting,
)
from rejoin.core.retry import Failure, FailureKind
from rejoin.core.ticket import RejoinState
from rejoin.service_model.status import CONNECTED

DIALECTS = [
    Policy(),
    Policy(forwards_token=False),
    Policy(reports_status=False, forwards_token=False),
]
DROPPED = "PENDING_CLIENT_RECONNECTION"
TICKET = RejoinState(SESSION, AttemptNumber(3), 120.0, proved_at=70.0)
"""Thirty seconds before a playbook begins."""


def seconds(shown_at: float | None) -> float:
    assert shown_at is not None
    return shown_at


@dataclass
class Asked:
    """Lets a playbook run, and does for each create call what a test wants; notes when they were
    sent. Offers are made at once."""

    play: Playbook
    on_create: Callable[[Playbook, commands.Reconnect], object]
    on_apply: Callable[[Playbook, ConnectionNumber], object] = lambda play, connection: None
    on_poll: str | None = DROPPED
    at: list[float] = field(default_factory=list)
    shown_at: list[float] = field(default_factory=list)

    def run(self, for_s: float) -> Asked:
        play = self.play
        until_at = play.now + for_s
        while True:
            while play.commands:
                self._carry_out(play.commands.pop(0))
            shown_at = play.shown.shown_deadline_at
            if shown_at is not None:
                self.shown_at.append(shown_at)
            at = engine.next_wakeup(play.state)
            if at is None or at > until_at:
                play.now = until_at
                return self
            play.now = max(play.now, at)
            play.give(events.WakeupDue())

    def _carry_out(self, command: commands.Command) -> None:
        play = self.play
        match command:
            case commands.MakeOffer(connection):
                play.give(offer(connection))
            case commands.Reconnect():
                self.at.append(play.now)
                play.give(events.RequestWritten(command.attempt, command.try_number))
                self.on_create(play, command)
            case commands.ApplyAnswer(connection):
                self.on_apply(play, connection)
            case commands.PollStatus(known=known) if self.on_poll not in (None, known):
                assert self.on_poll is not None
                play.give(play.status(self.on_poll))
            case _:
                pass

    @property
    def apart_s(self) -> list[float]:
        return [later - earlier for earlier, later in zip(self.at, self.at[1:], strict=False)]


def refuse(kind: FailureKind, **more: float) -> Callable[[Playbook, commands.Reconnect], object]:
    return lambda play, request: play.refuses(request, kind, **more)  # type: ignore[arg-type]


def answer(play: Playbook, request: commands.Reconnect) -> None:
    play.now += 0.1
    play.answers(request)


def fail(play: Playbook, connection: ConnectionNumber) -> None:
    """The host is reached, but the handshake fails."""
    play.now += 0.3
    play.give(events.FirstPacketArrived(connection), events.ConnectionFailed(connection, "DTLS"))


def live_for(for_s: float) -> Callable[[Playbook, ConnectionNumber], object]:
    """It plays for a while, and is closed by the host then."""

    def play_on(play: Playbook, connection: ConnectionNumber) -> None:
        play.connects(connection).healthy(for_s, connection)
        play.give(events.HardEvidenceSeen(connection, HardEvidence.DTLS_CLOSED))

    return play_on


# --- failures are forgotten after ten seconds live ------------------------------------------------


@pytest.mark.parametrize("policy", DIALECTS)
@pytest.mark.parametrize(
    "connects", [fail, live_for(0.1), live_for(1.0)], ids=["never", "a moment", "a second"]
)
def test_a_connection_that_soon_fails_after_each_answer_is_asked_for_ever_more_slowly(
    policy: Policy, connects: Callable[[Playbook, ConnectionNumber], object]
) -> None:
    play = Playbook(policy).live().give(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED))
    asked = Asked(play, answer, connects).run(30.0)
    assert 5 < len(asked.at) <= 22
    if connects is fail:
        assert asked.apart_s[-1] > 2.0, "half of the cap of 4 s"


@pytest.mark.parametrize(("lasted_s", "failures"), [(0.5, 4), (1.5, 3), (9.5, 3), (10.5, 0)])
def test_what_failed_is_forgotten_after_ten_seconds_live(lasted_s: float, failures: int) -> None:
    play = Playbook().drop(DROPPED)
    for _ in range(3):
        play.refuses(play.requests(), FailureKind.REUSED_OFFER).wait(2.0)
    request = play.requests()
    play.answers(request).connects(request.connection)
    play.healthy(lasted_s, request.connection)
    play.give(events.HardEvidenceSeen(request.connection, HardEvidence.DTLS_CLOSED))
    play.phase(Lost)
    assert play.state.facts.failures == failures


def test_one_more_drop_soon_after_a_rejoin_does_not_wait() -> None:
    """A path that breaks twice, as on the way out of a Wi-Fi, is no reason to be slow."""
    play = Playbook().drop(DROPPED)
    request = play.requests()
    play.answers(request).connects(TWO).healthy(2.0, TWO)
    play.commands.clear()
    play.give(events.HardEvidenceSeen(TWO, HardEvidence.DTLS_CLOSED), play.status(DROPPED))
    play.last(commands.MakeOffer)


def test_many_drops_in_a_row_are_each_met_at_once_if_there_was_play_between_them() -> None:
    play = Playbook().drop(DROPPED)
    for _ in range(12):
        request = play.requests()
        play.answers(request).connects(request.connection).healthy(1.2, request.connection)
        play.commands.clear()
        hard = events.HardEvidenceSeen(request.connection, HardEvidence.DTLS_CLOSED)
        play.give(hard, play.status(DROPPED))
        play.last(commands.MakeOffer)


def test_a_game_that_never_connected_is_not_called_a_reconnect() -> None:
    play = Playbook().connecting()
    stages = set()

    def note(play: Playbook, request: commands.Reconnect) -> None:
        stages.add((play.shown.stage, play.shown.shown_deadline_at))
        answer(play, request)

    play.give(events.ConnectionFailed(ONE, "DTLS"))
    stages.add((play.shown.stage, play.shown.shown_deadline_at))
    asked = Asked(play, note, fail, on_poll="ACTIVE").run(10.0)
    stages.add((play.shown.stage, play.shown.shown_deadline_at))
    assert len(asked.at) > 3
    assert stages == {(Stage.STARTING, None)}


@pytest.mark.parametrize("can_terminate", [True, False])
def test_leaving_a_game_that_never_connected_ends_it(can_terminate: bool) -> None:
    play = Playbook(Policy(can_terminate=can_terminate)).connecting()
    play.give(events.ConnectionFailed(ONE, "DTLS"), events.CloseForNowRequested())
    if can_terminate:
        play.give(events.SessionTerminated())
        assert play.phase(Ended).ending.kind is EndingKind.CANCELLED
    else:
        assert play.phase(Ended).ending.kind is EndingKind.CLOSED_FOR_NOW
        assert play.saved().session_id == SESSION


# --- create calls lie apart -----------------------------------------------------------------------


@pytest.mark.parametrize("policy", DIALECTS)
@pytest.mark.parametrize("kind", FailureKind)
def test_create_calls_lie_apart_whatever_fails(policy: Policy, kind: FailureKind) -> None:
    play = Playbook(policy).live().give(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED))
    play.draw = lambda: 0.0
    asked = Asked(play, refuse(kind)).run(10.0)
    assert all(apart_s >= 0.25 - 1e-9 for apart_s in asked.apart_s)


@pytest.mark.parametrize("policy", DIALECTS)
def test_create_calls_lie_apart_whatever_comes_between_them(policy: Policy) -> None:
    """Answers that fail at once, an impatient player, and a network that comes and goes."""

    def fail_at_once(play: Playbook, connection: ConnectionNumber) -> None:
        play.give(
            events.HardEvidenceSeen(connection, HardEvidence.ADDRESS_GONE),
            events.TryNowRequested(),
            events.NetworkLost(),
            events.NetworkFound(),
        )

    play = Playbook(policy).live().give(events.HardEvidenceSeen(ONE, HardEvidence.ADDRESS_GONE))
    play.draw = lambda: 0.0
    asked = Asked(play, lambda play, request: play.answers(request), fail_at_once).run(5.0)
    assert len(asked.at) >= 5
    assert all(apart_s >= 0.25 - 1e-9 for apart_s in asked.apart_s)


def test_an_address_that_is_gone_costs_a_call_but_no_burst_of_them() -> None:
    play = Playbook().drop(DROPPED)
    first = play.requests()
    written_at = play.now
    play.give(events.HardEvidenceSeen(TWO, HardEvidence.ADDRESS_GONE)).wait(0.01)
    play.give(offer(play.last(commands.MakeOffer).connection))
    assert play.shown.doing is Doing.ASKING_BACKEND, "no countdown of a quarter of a second"
    assert not play.shown.can_try_now
    play.wait(0.25)
    assert play.phase(Requesting).attempt.number > first.attempt
    assert seconds(play.state.facts.create_sent_at) >= written_at + 0.25


# --- a game that is over --------------------------------------------------------------------------


def over(connection: ConnectionNumber, reason: str) -> events.HardEvidenceSeen:
    return events.HardEvidenceSeen(connection, HardEvidence.SERVER_DISCONNECTED, reason)


@pytest.mark.parametrize("reason", ["terminated", "idle"])
def test_the_servers_own_word_ends_a_game_whose_status_cannot_be_polled(reason: str) -> None:
    playing = sample_backend().live()
    dropped = sample_backend().live().give(over(ONE, "network"))
    dropped.phase(Goodbye)
    again = sample_backend().live()
    again.give(events.HardEvidenceSeen(ONE, HardEvidence.RTCP_BYE)).wait(0.3)
    again.answers(again.requests()).phase(Connecting)
    for play, connection in ((playing, ONE), (dropped, ONE), (again, TWO)):
        play.give(over(connection, reason))
        ending = play.phase(Ended).ending
        assert (ending.kind, ending.reason) == (EndingKind.GAME_ENDED, reason)
        assert play.tickets[-1] == commands.DeleteTicket(SESSION)


def test_where_there_is_a_status_it_decides() -> None:
    play = Playbook().live().give(over(ONE, "terminated"))
    play.phase(Lost)
    play.give(play.status("TERMINATED", reason="applicationExit"))
    assert play.phase(Ended).ending.reason == "applicationExit"


def test_other_reasons_and_connections_end_nothing() -> None:
    sample_backend().live().give(over(ONE, "maintenance")).phase(Goodbye)
    sample_backend().live().give(over(TWO, "terminated")).phase(Live)
    play = sample_backend().live()
    play.give(events.HardEvidenceSeen(ONE, HardEvidence.RTCP_BYE)).wait(0.3)
    play.requests()
    play.give(over(ONE, "terminated"))  # the host may end what the new connection replaces
    play.phase(Requesting)


# --- behind a firewall ----------------------------------------------------------------------------


@pytest.mark.parametrize("policy", DIALECTS)
@pytest.mark.parametrize(("timeout_s", "pause_s"), [(120.0, 15.0), (40.0, 10.0)])
def test_after_three_answers_without_a_packet_we_ask_slowly_and_say_why(
    policy: Policy, timeout_s: float, pause_s: float
) -> None:
    play = Playbook(policy, timeout_s=timeout_s).live()
    play.give(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED))
    seen: list[bool] = []

    def note(play: Playbook, request: commands.Reconnect) -> None:
        seen.append(play.shown.firewall)
        answer(play, request)

    asked = Asked(play, note, on_poll="ACTIVE" if policy.reports_status else None).run(600.0)
    assert seen == [False] * 3 + [True] * (len(seen) - 3)
    assert asked.apart_s[3:] == pytest.approx([pause_s] * len(asked.apart_s[3:]))
    assert not play.is_in(Ended)
    assert play.shown.firewall
    assert len(set(asked.shown_at)) == 1, "the countdown never starts again"


def test_one_packet_is_enough_to_see_that_nothing_is_blocked() -> None:
    play = Playbook().drop(DROPPED)
    request = play.requests()
    play.answers(request).give(play.status("ACTIVE"))
    before_at = seconds(play.shown.shown_deadline_at)
    play.give(events.FirstPacketArrived(ONE))
    assert play.shown.shown_deadline_at == before_at, "of another connection"
    play.give(events.FirstPacketArrived(TWO))
    assert seconds(play.shown.shown_deadline_at) > before_at
    play.wait(10.0)
    assert play.state.facts.unheard_attempts == 0


def test_a_packet_lets_us_ask_at_the_usual_rate_again() -> None:
    play = Playbook().drop(DROPPED)
    facts = replace(play.state.facts, unheard_attempts=5)
    play.state = replace(play.state, facts=facts)
    play.answers(play.requests()).give(events.FirstPacketArrived(TWO))
    assert not play.shown.firewall
    play.give(events.ConnectionFailed(TWO, "DTLS"))
    assert play.phase(Backoff).until_at - play.now <= 0.25


def test_a_start_behind_a_firewall_ends_after_a_minute() -> None:
    play = Playbook().connecting()
    began_at = play.now
    asked = Asked(play, answer, on_poll="ACTIVE")
    while not play.is_in(Ended):
        asked.run(1.0)
        assert play.now - began_at < 90.0
        assert play.shown.stage in (Stage.STARTING, Stage.ENDED)
    assert play.now - began_at >= 60.0
    assert play.phase(Ended).ending.kind is EndingKind.COULD_NOT_CONNECT
    assert play.saved().session_id == SESSION, "it may be reached from another network"


# --- a network that comes back --------------------------------------------------------------------


def failing(times: int) -> Playbook:
    play = Playbook().drop(DROPPED)
    play.draw = lambda: 0.999
    request = play.requests()
    for _ in range(times - 1):
        play.refuses(request, FailureKind.NOT_SENT).wait(4.1)
        request = play.last(commands.Reconnect)
    play.refuses(request, FailureKind.NOT_SENT)
    play.now += 0.5
    play.commands.clear()
    return play


def test_a_network_that_came_back_is_asked_over_at_once() -> None:
    play = failing(6)
    assert play.phase(Backoff).until_at - play.now > 3.0
    play.give(events.NetworkFound())
    request = play.requests()
    assert request.attempt > 2, "the offer of the former network is not used"
    play.refuses(request, FailureKind.NOT_SENT)
    assert play.phase(Backoff).until_at - play.now <= 0.25, "old failures are forgotten"


def test_a_network_that_comes_and_goes_resets_the_backoff_once_in_five_seconds() -> None:
    play = failing(6).give(events.NetworkFound())
    found_at = play.now
    request = play.requests()
    for _ in range(4):
        play.refuses(request, FailureKind.NOT_SENT)
        play.wait(play.phase(Backoff).until_at - play.now)
        request = play.last(commands.Reconnect)
    play.refuses(request, FailureKind.NOT_SENT)
    play.commands.clear()
    for after_s, asks in ((4.5, False), (4.9, False), (5.0, True), (5.5, False)):
        play.now = found_at + after_s
        play.give(events.NetworkLost(), events.NetworkFound())
        assert bool(play.all_of(commands.MakeOffer)) is asks
        play.commands.clear()
        if asks:
            play.give(offer(ConnectionNumber(play.state.facts.connections)))
            play.refuses(play.last(commands.Reconnect), FailureKind.NOT_SENT)
            play.commands.clear()


def test_a_retry_after_is_waited_for_whatever_happens() -> None:
    impatient = (events.NetworkFound(), events.TryNowRequested())
    created = Playbook().drop(DROPPED)
    created.refuses(created.requests(), FailureKind.THROTTLED, retry_after_s=8.0)
    polled = Playbook().drop(DROPPED)
    polled.refuses(polled.requests(), FailureKind.CONFLICT, status="RECONNECTING")
    polled.poll_fails(FailureKind.THROTTLED, retry_after_s=8.0)
    start = Playbook().give(events.StartRequested(), offer(ONE))
    start.give(events.StartFailed(FIRST, Failure(FailureKind.THROTTLED, retry_after_s=8.0)))
    for play in (created, polled, start):
        play.commands.clear()
        play.give(*impatient).wait(7.9)
        assert not play.shown.can_try_now
        for asks in (
            commands.Reconnect,
            commands.StartSession,
            commands.PollStatus,
            commands.MakeOffer,
        ):
            play.expect_no(asks)
        play.wait(0.2)
        assert play.commands


@pytest.mark.parametrize(
    "prepare",
    [
        lambda: Playbook().drop(),
        lambda: Playbook().placing(),
    ],
    ids=["lost", "placing"],
)
def test_the_retry_after_of_a_poll_holds_for_the_next_poll(
    prepare: Callable[[], Playbook],
) -> None:
    play = prepare().poll_fails(FailureKind.THROTTLED, retry_after_s=3.0)
    play.commands.clear()
    play.give(events.NetworkFound())
    assert play.last(commands.PollStatus).after_s == pytest.approx(3.0)


# --- something else answers in place of the backend -----------------------------------------------


def test_another_certificate_in_an_episode_is_waited_out() -> None:
    play = Playbook().drop(DROPPED)
    asked = Asked(play, refuse(FailureKind.TLS), on_poll=None)
    asked.run(100.0)
    assert len(asked.at) > 20
    assert play.shown.stranger
    assert not play.shown.portal
    asked.on_create = answer
    asked.on_apply = lambda play, connection: play.connects(connection)
    asked.run(5.0)
    play.phase(Live)
    assert not play.shown.stranger


def test_another_certificate_until_the_latest_deadline_leaves_the_end_unconfirmed() -> None:
    play = Playbook().drop(DROPPED)
    asked = Asked(play, refuse(FailureKind.TLS), on_poll=None).run(170.0)
    assert asked.at[-1] > asked.at[0] + 150.0
    play.wait(30.0)
    assert play.phase(Ended).ending.kind is EndingKind.UNCONFIRMED


@pytest.mark.parametrize("kind", [FailureKind.TLS, FailureKind.NOT_BACKEND])
def test_polls_that_something_else_answers_end_no_episode(kind: FailureKind) -> None:
    lost = Playbook().drop().poll_fails(kind)
    lost.phase(Lost)
    waiting = Playbook().drop(DROPPED)
    waiting.refuses(waiting.requests(), FailureKind.CONFLICT, status="RECONNECTING")
    waiting.poll_fails(kind).phase(AwaitingService)
    confirming = Playbook(timeout_s=10.0).drop(DROPPED)
    confirming.now += 68.5
    confirming.give(events.WakeupDue()).poll_fails(kind).phase(ConfirmingEnd)
    for play in (lost, waiting, confirming):
        assert play.shown.stranger is (kind is FailureKind.TLS)
        assert play.shown.portal is (kind is FailureKind.NOT_BACKEND)
        play.give(play.status("CONNECTED"))
        assert not play.shown.stranger
        assert not play.shown.portal


def test_another_certificate_ends_a_start() -> None:
    play = Playbook().give(events.StartRequested(), offer(ONE))
    play.give(events.StartFailed(FIRST, Failure(FailureKind.TLS)))
    assert play.phase(Ended).ending.kind is EndingKind.BACKEND_UNTRUSTED
    play = Playbook().placing().poll_fails(FailureKind.TLS)
    assert play.phase(Ended).ending.kind is EndingKind.BACKEND_UNTRUSTED


# --- without a network ----------------------------------------------------------------------------


def offline() -> Playbook:
    return Playbook().give(events.NetworkLost(), events.StartRequested())


def test_a_start_without_a_network_waits_for_one() -> None:
    play = offline()
    for _ in range(200):
        if play.is_in(StartOffering):
            play.give(offer(ConnectionNumber(play.state.facts.connections)))
        if play.is_in(StartRequesting):
            number = play.phase(StartRequesting).attempt.number
            play.give(events.StartFailed(number, Failure(FailureKind.NOT_SENT)))
        assert play.shown.doing is Doing.WAITING_FOR_NETWORK
        play.wait(play.phase(StartBackoff).until_at - play.now)
    assert play.now > 600.0
    play.commands.clear()
    play.give(events.StartFailed(FIRST, Failure(FailureKind.NOT_SENT)), events.NetworkFound())
    made = play.last(commands.MakeOffer)
    play.give(offer(made.connection))
    request = play.last(commands.StartSession)
    play.give(events.SessionStarted(request.attempt, play.now, play.view("ACTIVATING")))
    play.phase(Placing)


def test_a_start_without_addresses_waits_for_a_network_too() -> None:
    play = offline().give(events.OfferFailed(ONE, "no network address"))
    assert play.phase(StartBackoff).attempt is None
    assert play.shown.doing is Doing.WAITING_FOR_NETWORK
    play.commands.clear()
    play.wait(4.0)
    assert play.last(commands.MakeOffer).connection == TWO, "the system may be wrong about it"
    play.wait(5.0).phase(StartBackoff)
    play.give(events.NetworkFound())
    play.last(commands.MakeOffer)


def test_with_a_network_a_start_is_tried_a_few_times_only() -> None:
    play = offline().give(offer(ONE))
    for _ in range(10):
        number = play.phase(StartRequesting).attempt.number
        play.give(events.StartFailed(number, Failure(FailureKind.NOT_SENT)))
        play.wait(4.0)
    play.give(events.StartFailed(FIRST, Failure(FailureKind.NOT_SENT)), events.NetworkFound())
    tries = 0
    while not play.is_in(Ended):
        if play.is_in(StartOffering):
            play.give(offer(play.last(commands.MakeOffer).connection))
        number = play.phase(StartRequesting).attempt.number
        play.give(events.StartFailed(number, Failure(FailureKind.NOT_SENT)))
        tries += 1
        if play.is_in(StartBackoff):
            play.wait(play.phase(StartBackoff).until_at - play.now)
    assert tries == play.policy.start_tries


# --- what the card may say ------------------------------------------------------------------------


def test_a_ticket_whose_game_goes_on_elsewhere_says_so_at_once() -> None:
    play = Playbook().rejoin(TICKET).give(Playbook().status("CONNECTED", attempt=5))
    assert play.phase(Ended).ending == Ending(EndingKind.CONTINUED_ELSEWHERE, status=CONNECTED)
    assert play.tickets == [], "the player may come back later"


def test_an_address_that_is_gone_is_no_firewall() -> None:
    play = Playbook().drop(DROPPED)
    for _ in range(4):
        request = play.requests()
        play.answers(request)
        play.give(events.HardEvidenceSeen(request.connection, HardEvidence.ADDRESS_GONE)).wait(4.1)
    assert not play.shown.firewall


def test_a_ticket_of_our_own_crash_waits_until_the_service_has_noticed() -> None:
    play = Playbook().rejoin(TICKET).give(Playbook().status("CONNECTED", attempt=3))
    play.phase(AwaitingService)
    play = Playbook().rejoin(TICKET).give(Playbook().status(DROPPED, attempt=5))
    assert play.requests().attempt == 6, "whoever went on has lost it as well"


def unnoticed_until_at(play: Playbook) -> float | None:
    return play.shown.unnoticed_until_at


def test_a_fresh_connected_says_that_the_service_has_not_noticed() -> None:
    play = Playbook().drop()
    assert unnoticed_until_at(play) is None
    play.give(play.status("CONNECTED"))
    assert play.shown.connection_timeout_s == 120.0
    assert unnoticed_until_at(play) == play.now + 16.0, "two long polls"
    play.give(events.NetworkLost())
    assert unnoticed_until_at(play) is None, "nobody knows by now"
    play.give(events.NetworkFound()).poll_fails(FailureKind.NOT_SENT)
    assert unnoticed_until_at(play) is None
    play.give(play.status("CONNECTED"))
    assert unnoticed_until_at(play) is not None
    play.give(play.status(DROPPED))
    assert unnoticed_until_at(play) is None


def test_what_was_known_before_a_drop_does_not_say_that_it_was_not_noticed() -> None:
    """The service may have noticed this drop, whatever it said about the one before."""
    play = Playbook().drop().healthy(0.2)
    play.give(play.status("CONNECTED")).healthy(2.0).phase(Live)
    play.silence(1.1).phase(Lost)
    assert unnoticed_until_at(play) is None
    play.give(play.status("CONNECTED"))
    assert unnoticed_until_at(play) is not None
    stalled = Playbook().live().silence(0.6)
    stalled.give(stalled.status("CONNECTED")).silence(0.6).phase(Lost)
    assert unnoticed_until_at(stalled) is not None, "asked for in the same silence"


def test_an_offer_that_waits_for_its_turn_cannot_be_answered() -> None:
    """Create calls lie apart, so a fresh offer may wait; until it is sent no answer is for it."""
    policy = Policy(reports_status=False, forwards_token=False, can_terminate=False)
    play = Playbook(policy).give(events.RejoinRequested(TICKET), offer(ONE))
    first = play.phase(Requesting).attempt
    play.give(
        events.AnswerArrived(first.number, 1, play.now, "answer 1"),
        events.AnswerRefused(ONE, "a rule"),
        events.TryNowRequested(),
        offer(TWO),
    )
    waiting = play.phase(Backoff).attempt
    assert waiting is not None
    assert waiting.tries == 0
    play.commands.clear()
    play.give(events.AnswerArrived(waiting.number, 1, play.now, "answer 2"))
    play.phase(Backoff)
    play.expect_no(commands.ApplyAnswer)
