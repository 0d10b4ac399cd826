"""The clients of the model: commands are carried out, and wrong ones are violations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rejoin.core import commands, events
from rejoin.core import engine as reconnect_engine
from rejoin.core.engine import enter
from rejoin.core.model import (
    AttemptNumber,
    ConnectionNumber,
    Ending,
    EndingKind,
    HardEvidence,
    HealthLevel,
)
from rejoin.core.phases import Ended, Episode, Live, Lost, State
from rejoin.service_model import status as service_status
from rejoin.verify.environment import Picture
from rejoin.verify.interleavings import client, engine
from rejoin.verify.interleavings.draft import Draft
from rejoin.verify.interleavings.system import SESSION, Budget, MessageKind, live

ONE = ConnectionNumber(1)
TWO = ConnectionNumber(2)
ANY = events.NetworkFound()


def draft() -> Draft:
    return Draft(live(Budget(crashes=1, seconds=1)))


def kinds(after: Draft) -> list[str]:
    return [message.kind.value for message in after.messages]


def phase(after: Draft, number: int = 0) -> object:
    return after.clients[number].state.phase


def test_a_silence_is_as_long_as_the_detector_needs() -> None:
    dropped = draft()
    dropped.down = False
    began_at = dropped.now
    client.hears_nothing(dropped, 0, ONE)
    assert isinstance(phase(dropped), Lost)
    assert dropped.now == began_at + engine.POLICY.lost_min_s + 0.1
    dropped.down = True
    client.hears_again(dropped, 0, ONE)
    assert isinstance(phase(dropped), Live)


def test_a_healing_picture_needs_a_key_frame_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dropped = draft()
    dropped.down = False
    client.hears_nothing(dropped, 0, ONE)
    dropped.down = True
    began_at = dropped.now
    client.hears_again(dropped, 0, ONE)
    assert dropped.now == pytest.approx(began_at + 0.2)
    assert names(dropped) == []

    muted = draft()
    muted.down = False
    client.hears_nothing(muted, 0, ONE)
    muted.down = True
    monkeypatch.setattr(enter, "unmute", lambda *_: None)
    client.hears_again(muted, 0, ONE)
    assert names(muted) == ["FRAME"]


def test_a_picture_that_is_not_sent_must_not_be_reconnected(
    engine_commands: Callable[..., None],
) -> None:
    playing = draft()
    playing.pictures = ((1, Picture.NOT_SENT),)
    state = playing.clients[0].state
    episode = Episode(playing.now, playing.now, ONE, cause=HardEvidence.PICTURE_FROZEN)
    engine_commands(state=replace(state, phase=Lost(episode, playing.now + 1.0)))
    client.handle(playing, 0, ANY)
    assert names(playing) == ["PICTURE"]


def test_without_media_it_takes_longer() -> None:
    silent = draft()
    silent.silent = frozenset({1})
    client.hears_nothing(silent, 0, ONE)
    health = silent.clients[0].state.facts.health
    assert health is not None
    assert health.level is HealthLevel.NO_MEDIA
    client.hears_nothing(silent, 0, ONE)
    assert engine.old_connection(silent.clients[0].state) == ONE


def test_a_drop_leads_to_a_request_with_a_new_offer() -> None:
    dropped = draft()
    dropped.client_gone(1)
    dropped.messages.clear()
    client.handle(dropped, 0, events.HardEvidenceSeen(ONE, HardEvidence.DTLS_CLOSED))
    client.handle(dropped, 0, events.TryNowRequested())
    while MessageKind.CREATE not in kinds(dropped):
        message = next(each for each in dropped.messages if each.kind is MessageKind.EVENT)
        dropped.messages.remove(message)
        dropped.now = max(dropped.now, message.ready_at)
        client.handle(dropped, 0, message.data[0])
    [create] = [each for each in dropped.messages if each.kind is MessageKind.CREATE]
    assert create.data == (2, 1, 2)
    assert dropped.clients[0].sent == ((1, 1), (2, 2))
    assert dropped.clients[0].call is not None
    assert dropped.violations == []


def test_a_crash_is_followed_by_a_start_with_the_ticket() -> None:
    after = draft()
    after.send(MessageKind.GOODBYE, 0, 1)
    after.send(MessageKind.VIEW, 0, 1, ANY)
    client.crashes(after, 0)
    crashed = after.clients[0]
    assert crashed.opened == frozenset()
    assert crashed.state.facts.attempts == 1
    assert kinds(after) == ["goodbye", "poll"], "only messages that may still reach others are left"
    assert after.budget == Budget(seconds=1)


def test_a_second_client_has_connections_of_its_own() -> None:
    after = draft()
    client.second_client_starts(after)
    assert len(after.clients) == 2
    assert after.clients[1].state.facts.connections == 100
    assert after.clients[1].ticket == after.clients[0].ticket


# --- commands, each put into the engine's step ----------------------------------------------------

Steps = Callable[..., tuple[State, tuple[commands.Command, ...]]]


@pytest.fixture
def engine_commands(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the engine's next step return these commands, and this state if one is given."""

    def prepare(*todo: commands.Command, state: State | None = None) -> None:
        answers = [todo]

        def step(before: State, *_: Any) -> tuple[State, tuple[commands.Command, ...]]:
            return state or before, answers.pop() if answers else ()

        monkeypatch.setattr(reconnect_engine, "step", step)

    return prepare


def names(after: Draft) -> list[str]:
    return [violation.invariant.name for violation in after.violations]


def request(attempt: int, connection: int) -> commands.Reconnect:
    return commands.Reconnect(
        SESSION,
        AttemptNumber(attempt),
        1,
        ConnectionNumber(connection),
        "token",
        10.0,
        None,
        99.0,
        "offer",
    )


def test_connections_are_opened_muted_checked_and_closed(
    engine_commands: Callable[..., None],
) -> None:
    after = draft()
    engine_commands(
        commands.MakeOffer(TWO),
        commands.StartChecks(TWO),
        commands.Mute(TWO),
        commands.ApplyAnswer(TWO, "answer 2"),
    )
    client.handle(after, 0, ANY)
    own = after.clients[0]
    assert own.opened == {1, 2}
    assert own.checking == own.muted == {2}
    engine_commands(commands.StopChecks(TWO), commands.Unmute(TWO), commands.CloseConnection(TWO))
    client.handle(after, 0, ANY)
    own = after.clients[0]
    assert own.opened == {1}
    assert own.checking == frozenset()
    assert own.muted == {2}, "a closed connection sends nothing"
    assert names(after) == []


def test_a_goodbye_is_sent_to_the_host_and_reported_as_an_event(
    engine_commands: Callable[..., None],
) -> None:
    after = draft()
    engine_commands(commands.SayGoodbye(ONE, 3))
    client.handle(after, 0, ANY)
    assert kinds(after) == ["goodbye", "event"]
    assert after.clients[0].muted == {1}
    assert after.clients[0].opened == {1}


def test_a_newer_status_request_replaces_an_older_one(
    engine_commands: Callable[..., None],
) -> None:
    after = draft()
    poll = commands.PollStatus(SESSION, service_status.CONNECTED, 8.0, 10.0, after_s=0.5)
    engine_commands(poll, poll)
    client.handle(after, 0, ANY)
    [message] = after.messages
    assert message.data == (2, service_status.CONNECTED, 8.0)
    assert message.ready_at == after.now + 0.5


def test_the_ticket_is_saved_and_deleted(engine_commands: Callable[..., None]) -> None:
    after = draft()
    ticket = after.clients[0].ticket
    assert ticket is not None
    engine_commands(commands.DeleteTicket(SESSION))
    client.handle(after, 0, ANY)
    assert after.clients[0].ticket is None
    engine_commands(commands.SaveTicket(ticket))
    client.handle(after, 0, ANY)
    assert after.clients[0].ticket == ticket


def test_wrong_commands_are_violations(engine_commands: Callable[..., None]) -> None:
    other_answer = draft()
    engine_commands(commands.ApplyAnswer(TWO, "answer 1"))
    client.handle(other_answer, 0, ANY)
    assert names(other_answer) == ["I1"]

    two_attempts = draft()
    engine_commands(request(2, 1))
    client.handle(two_attempts, 0, ANY)
    assert names(two_attempts) == ["I3"]


def test_connections_that_stay_open_at_the_end_are_a_violation(
    engine_commands: Callable[..., None],
) -> None:
    after = draft()
    over = State(Ended(Ending(EndingKind.GAME_ENDED, status=service_status.CONNECTED)))
    engine_commands(state=over)
    client.handle(after, 0, ANY)
    assert names(after) == ["I6", "I9"]
