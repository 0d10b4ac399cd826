"""The ways into a phase: deadlines of a connection, tickets, what is closed."""

from __future__ import annotations

import pytest

from helpers.playbook import ONE, SESSION, THREE, TWO, Playbook, poll
from rejoin.core import commands, engine, events
from rejoin.core.model import EndingKind, HardEvidence
from rejoin.core.phases import AwaitingService, Backoff, Connecting, Ended, Lost
from rejoin.core.retry import Action, FailureKind


def test_the_known_status_is_forgotten_at_the_next_drop() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.answers(play.requests()).connects(TWO)
    play.give(play.status("ACTIVE")).healthy(1.0, TWO)
    play.commands.clear()
    play.silence(1.2, TWO)
    play.phase(Lost)
    play.expect_no(commands.MakeOffer)
    play.silence(4.0, TWO)
    play.last(commands.SayGoodbye)


def test_a_connection_gets_five_seconds_and_four_round_trips_to_come_up() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.answers(play.requests())
    patience_s = play.phase(Connecting).until_at - play.now
    assert patience_s == pytest.approx(5.0 + 4 * (play.rtt_s or 0.0))


@pytest.mark.parametrize("window_s", [4.0, 6.0, 10.0])
def test_a_short_window_is_not_spent_on_one_connection(window_s: float) -> None:
    play = Playbook(timeout_s=window_s).drop("PENDING_CLIENT_RECONNECTION")
    first = play.requests()
    requested_at = play.now
    play.answers(first)
    play.commands.clear()
    play.wait(play.phase(Connecting).until_at - requested_at)
    play.phase(Backoff)
    play.wait(0.5)
    second = play.requests()
    assert second.connection == THREE
    assert play.now < requested_at + window_s - 0.5, "there is time left for it to come"


def test_a_connection_gets_a_second_however_little_is_left() -> None:
    play = Playbook(timeout_s=1.0).drop("PENDING_CLIENT_RECONNECTION")
    play.answers(play.requests())
    assert play.phase(Connecting).until_at - play.now == pytest.approx(play.policy.connect_min_s)


def test_before_an_offer_the_ticket_holds_the_number_that_it_will_have() -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    assert play.saved().attempt == 2, "before anything of the attempt can have gone out"
    assert play.requests().attempt == 2
    play.refuses(play.last(commands.Reconnect), FailureKind.REUSED_OFFER).wait(9)
    assert play.saved().attempt == 3
    assert play.requests().attempt == 3
    play.answers(play.last(commands.Reconnect)).connects(THREE)
    assert play.saved().attempt == 3, "live again"


def test_the_ticket_is_saved_before_the_offer() -> None:
    play = Playbook().drop()
    _, todo = engine.step(
        play.state,
        play.status("PENDING_CLIENT_RECONNECTION"),
        play.now,
        play.policy,
        play.draw,
    )
    names = [type(command).__name__ for command in todo]
    assert names.index("SaveTicket") < names.index("MakeOffer")


def test_closing_for_now_saves_the_ticket_once_more() -> None:
    play = Playbook().live().healthy(5.0).give(events.CloseForNowRequested())
    assert play.saved().proved_at == play.now


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        (lambda play: play.give(play.status("TERMINATED")), EndingKind.GAME_ENDED),
        (
            lambda play: play.give(events.EndGameRequested(), events.SessionTerminated()),
            EndingKind.ENDED_BY_PLAYER,
        ),
    ],
)
def test_the_ticket_is_deleted_with_the_game(end, kind: EndingKind) -> None:  # type: ignore[no-untyped-def]
    play = end(Playbook().live())
    assert play.phase(Ended).ending.kind is kind
    assert play.tickets[-1] == commands.DeleteTicket(SESSION)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (FailureKind.FORBIDDEN, EndingKind.NOT_ALLOWED),
        (FailureKind.STALE_ATTEMPT, EndingKind.CONTINUED_ELSEWHERE),
    ],
)
def test_the_ticket_outlives_an_end_of_the_client_alone(
    failure: FailureKind, kind: EndingKind
) -> None:
    play = Playbook().drop("PENDING_CLIENT_RECONNECTION")
    play.refuses(play.requests(), failure)
    assert play.phase(Ended).ending.kind is kind
    assert play.saved().attempt == 2


def test_a_rejoin_while_the_service_is_reconnecting_is_watched() -> None:
    """Released for another offer: no goodbye, but no new offer either."""
    play = Playbook().drop()
    play.give(play.status("RECONNECTING"))
    play.phase(Lost)
    play.commands.clear()
    play.give(events.TryNowRequested())
    play.expect(poll("RECONNECTING", 8.0))
    assert play.phase(AwaitingService).then is Action.WAIT_FOR_SERVICE


def test_a_drop_before_the_first_sample_counts_from_now() -> None:
    play = Playbook().connecting().connects(ONE).wait(0.3)
    play.give(events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED))
    assert play.phase(Lost).episode.dropped_at == play.now
