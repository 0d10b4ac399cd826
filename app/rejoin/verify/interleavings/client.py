"""The clients of the model: events go into the real engine, its commands are carried out, and the
invariants are checked after each step."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, assert_never

from rejoin.core import commands, events, goodbye
from rejoin.core.model import ConnectionNumber, Ending, EndingKind, HealthLevel
from rejoin.core.phases import State
from rejoin.core.retry import Failure, FailureKind
from rejoin.core.ticket import RejoinState
from rejoin.service_model import lifecycle
from rejoin.service_model import status as service_status
from rejoin.verify import invariants
from rejoin.verify.environment import Picture
from rejoin.verify.interleavings import engine, promises
from rejoin.verify.interleavings.draft import Draft
from rejoin.verify.interleavings.system import (
    Client,
    Leaving,
    Message,
    MessageKind,
    answers,
    connected,
    picture_of,
)
from rejoin.verify.invariants import Invariant

_EXACT_S: Final = 1e-6
_GOODBYE_S: Final = 0.06
"""How long saying goodbye takes."""
_ANSWERED_S: Final = 0.1
"""How long a requested key frame takes, with the time until a sample shows it."""
_HELD_BACK_S: Final = 1.0
"""How long frames are held back after an outage if no key frame comes."""
_FRAME_S: Final = 0.15
_SECOND_CLIENT: Final = 100
"""The second client's connections are numbered from here, so that all numbers differ."""

_ConnectionCommand = (
    commands.MakeOffer
    | commands.ApplyAnswer
    | commands.StartChecks
    | commands.StopChecks
    | commands.Mute
    | commands.Unmute
    | commands.SayGoodbye
    | commands.CloseConnection
)


# --- events ---------------------------------------------------------------------------------------


def handle(draft: Draft, number: int, event: events.Event) -> None:
    """One event for client `number`: the engine's step, its commands, and the checks."""
    client = draft.clients[number]
    before = client.state
    after, todo = engine.step(before, event, draft.now)
    call = client.call if engine.waits_for_create(after) else None
    asked_at = tuple(at for at in client.asked_at if draft.now - at < invariants.APART_S)
    draft.clients[number] = replace(client, state=after, call=call, asked_at=asked_at)
    for command in todo:
        _carry_out(draft, number, command, before, after)
    _check(draft, number, before, after)
    if isinstance(event, events.StatusArrived) and event.view.status == service_status.ACTIVE:
        _check_hold(draft, before, after)
    _check_picture(draft, before, after)
    if isinstance(event, events.ReconnectFailed) and engine.gives_up_as_busy(after):
        try_at = draft.now + (event.failure.retry_after_s or 0.0)
        draft.add(invariants.tries_ended(try_at, engine.last_start_at(after), _EXACT_S))


def reply_arrived(
    draft: Draft, number: int, event: events.AnswerArrived | events.ReconnectFailed
) -> None:
    """The backend's answer to a create request."""
    client = draft.clients[number]
    expected = client.call is not None and client.call[:2] == (event.attempt, event.try_number)
    if expected:
        draft.clients[number] = replace(client, call=None)
    handle(draft, number, event)
    if expected and isinstance(event, events.ReconnectFailed):
        _note_place(draft, number, event.failure)


def _note_place(draft: Draft, number: int, failure: Failure) -> None:
    """TURN: by when the client has to ask again, if the backend put it into its queue."""
    if failure.kind is FailureKind.QUEUED:
        ask_by_at = draft.now + (failure.retry_after_s or 0.0) + invariants.PLACE_KEPT_S
        draft.clients[number] = replace(draft.clients[number], ask_by_at=ask_by_at)


def hears_nothing(draft: Draft, number: int, connection: ConnectionNumber) -> None:
    """Nothing arrives until the detector reports LOST or NO_MEDIA."""
    client = draft.clients[number]
    path_works = draft.down and connected(draft.current()) == connection
    health = engine.health_of(client.state)
    at = client.heard_at + engine.POLICY.lost_min_s + 0.1
    if path_works:
        at = client.rtp_at + engine.POLICY.no_media_after_s + 0.1
        if health.level is HealthLevel.NO_MEDIA:
            at = health.since_at + engine.POLICY.no_media_patience_s + 0.1
    draft.now = max(draft.now, at)
    packet_at = draft.now if path_works else client.heard_at
    draft.step_service(lifecycle.TimerDue())
    answered = answers(draft.current(), connection)
    sample = engine.sample(
        packet_at,
        client.rtp_at,
        client.frame_at,
        answered_at=draft.now if answered else client.answered_at,
        answered=answered,
        refused=draft.refused,
    )
    handle(draft, number, events.Sampled(connection, sample))


def hears_again(draft: Draft, number: int, connection: ConnectionNumber) -> None:
    """Media of the dropped connection arrives again. Its picture needs a key frame: a connection
    that may send asks for one, and without it the next frames are held back for a while."""
    draft.now += 0.1
    rtp_at = draft.now
    _sampled(draft, number, connection, frame=False)
    client = draft.clients[number]
    if engine.old_connection(client.state) != connection:
        return
    if draft.up and connection not in client.muted:
        draft.now += _ANSWERED_S
    elif engine.waits_for_frame(client.state):
        draft.now += _HELD_BACK_S
    _sampled(draft, number, connection, frame=True)
    if draft.up and engine.playing_on(draft.clients[number].state) == connection:
        late_s, most_s = draft.now - rtp_at, _FRAME_S + promises.RTT_S
        what = "RTP comes without a frame"
        draft.add(invariants.lasted(Invariant.FRAME, what, late_s, most_s))


def plays_on(draft: Draft, number: int, connection: ConnectionNumber) -> None:
    """Media has arrived until now on the connection that is shown."""
    _sampled(draft, number, connection, frame=True)


def shows_one_frame(draft: Draft, number: int, connection: ConnectionNumber) -> None:
    """One frame of a picture that stands still is small enough to arrive."""
    draft.spend(pictures=1)
    plays_on(draft, number, connection)
    draft.clients[number] = replace(draft.clients[number], frame_at=draft.now)
    plays_on(draft, number, connection)


def _sampled(draft: Draft, number: int, connection: ConnectionNumber, *, frame: bool) -> None:
    """A sample of a connection whose media arrives. `frame`: and its picture, unless that is lost
    or not sent."""
    draft.step_service(lifecycle.TimerDue())
    repeats_goodbye(draft, number)
    client, system = draft.clients[number], draft.current()
    picture, answered = picture_of(system, connection), answers(system, connection)
    moves = frame and picture is Picture.ARRIVES
    sample = engine.sample(
        draft.now,
        draft.now,
        draft.now if moves else _frame_before(client),
        answered_at=draft.now if answered else client.answered_at,
        answered=answered,
        refused=draft.refused,
        missing=1.0 if picture is Picture.LOST else 0.0,
    )
    handle(draft, number, events.Sampled(connection, sample))


def _frame_before(client: Client) -> float:
    """When a frame came last. None comes after a drop until there is a key frame."""
    if engine.playing_on(client.state) is not None:
        return client.frame_at
    return min(client.frame_at, engine.health_of(client.state).since_at)


def repeats_goodbye(draft: Draft, number: int) -> None:
    """If media still arrives after a goodbye, the goodbye is sent again."""
    again = promises.said_again(draft.current(), draft.clients[number])
    if again is not None:
        draft.clients[number] = replace(draft.clients[number], leaving=again)
        draft.send(MessageKind.GOODBYE, number, again.connection)


def connects(draft: Draft, number: int, connection: ConnectionNumber) -> None:
    """ICE and DTLS succeed, the input channel opens, the first frame is decoded."""
    draft.step_service(lifecycle.ClientConnected(connection))
    for event in (
        events.ConnectionOpened(connection),
        events.InputOpened(connection),
        events.FirstFrameDecoded(connection),
    ):
        handle(draft, number, event)


def crashes(draft: Draft, number: int) -> None:
    """The program crashes without a goodbye, and starts again with its ticket."""
    draft.spend(crashes=1)
    client = draft.clients[number]
    draft.clients[number] = _started_again(client, engine.connections_used(client.state))
    draft.messages = [message for message in draft.messages if _outlives_crash(message, number)]
    handle(draft, number, events.RejoinRequested(_ticket(client)))


def second_client_starts(draft: Draft) -> None:
    """A second program starts with the same ticket."""
    draft.spend(seconds=1)
    first = draft.clients[0]
    draft.clients.append(_started_again(first, _SECOND_CLIENT))
    handle(draft, 1, events.RejoinRequested(_ticket(first)))


def _started_again(before: Client, connections: int) -> Client:
    return Client(engine.new_state(connections), before.ticket, polls=before.polls + 1)


def _ticket(client: Client) -> RejoinState:
    assert client.ticket is not None
    return client.ticket


def _outlives_crash(message: Message, number: int) -> bool:
    """Whether a message may still have an effect after this client has crashed."""
    return message.client != number or message.kind in (MessageKind.CREATE, MessageKind.GOODBYE)


# --- commands -------------------------------------------------------------------------------------


def _carry_out(
    draft: Draft, number: int, command: commands.Command, before: State, after: State
) -> None:
    client = draft.clients[number]
    match command:
        case (
            commands.MakeOffer()
            | commands.ApplyAnswer()
            | commands.StartChecks()
            | commands.StopChecks()
            | commands.Mute()
            | commands.Unmute()
            | commands.SayGoodbye()
            | commands.CloseConnection()
        ):
            _change_connection(draft, number, command, before, after)
        case commands.PollStatus():
            _poll(draft, number, command)
        case commands.Reconnect():
            _request_create(draft, number, command, after)
        case commands.SaveTicket(ticket):
            draft.clients[number] = replace(client, ticket=ticket)
        case commands.DeleteTicket():
            draft.clients[number] = replace(client, ticket=None)
        case (
            commands.StartSession()  # the game has been started already
            | commands.TerminateSession()  # no player ends the game in this model
            | commands.RefreshSignIn()  # the backend never refuses a sign-in
            | commands.RequestKeyFrame()  # a connection that may send asks by itself
            | commands.ShowConnection()  # the state holds what is shown
            | commands.AttachInput()  # what a module says changes no state
            | commands.SuspendInput()
            | commands.Finish()  # the state holds the end
        ):
            pass
        case _:
            assert_never(command)


def _change_connection(
    draft: Draft, number: int, command: _ConnectionCommand, before: State, after: State
) -> None:
    client, connection = draft.clients[number], command.connection
    match command:
        case commands.MakeOffer():
            draft.clients[number] = replace(client, opened=client.opened | {connection})
            made = events.OfferMade(connection, f"sha-{connection}", f"offer {connection}")
            draft.send(MessageKind.EVENT, number, made)
        case commands.ApplyAnswer(_, answer):
            answered = answer.removeprefix("answer ")
            draft.add(invariants.answer_applied(answered, str(connection), connection))
        case commands.StartChecks():
            draft.clients[number] = replace(client, checking=client.checking | {connection})
        case commands.StopChecks():
            draft.clients[number] = replace(client, checking=client.checking - {connection})
        case commands.Mute():
            draft.clients[number] = replace(client, muted=client.muted | {connection})
        case commands.Unmute():
            draft.clients[number] = replace(client, muted=client.muted - {connection})
        case commands.SayGoodbye():
            _leave(draft, number, connection, closed=False)
            said = events.GoodbyeSaid(connection)
            draft.send(MessageKind.EVENT, number, said, after_s=_GOODBYE_S)
        case commands.CloseConnection():
            plays_or_ended = engine.playing_on(after) or engine.ending_of(after)
            goes_on = engine.has_session(after) and not plays_or_ended
            if goes_on and connection == engine.shown_connection(before):
                draft.add(invariants.closed_early(connection))
            _leave(draft, number, connection, closed=True)
        case _:
            assert_never(command)


def _leave(draft: Draft, number: int, connection: ConnectionNumber, *, closed: bool) -> None:
    """The client says goodbye to the host and sends nothing more on this connection."""
    client = draft.clients[number]
    leaving = client.leaving
    is_new = leaving is None or leaving.connection != connection
    if connected(draft.current()) == connection and is_new:
        leaving = Leaving(connection, goodbye.said(draft.now, promises.RTT_S))
        if draft.up:
            draft.send(MessageKind.GOODBYE, number, connection)
    draft.clients[number] = replace(
        client,
        leaving=None if closed else leaving,
        muted=client.muted | {connection},
        checking=client.checking - {connection},
        opened=client.opened - {connection} if closed else client.opened,
    )


def _poll(draft: Draft, number: int, command: commands.PollStatus) -> None:
    """A newer status request replaces an older one."""
    client = draft.clients[number]
    poll = client.polls + 1
    draft.clients[number] = replace(client, polls=poll)
    draft.messages = [
        message
        for message in draft.messages
        if message.client != number or message.kind not in (MessageKind.POLL, MessageKind.VIEW)
    ]
    data = (poll, command.known, command.wait_s)
    draft.send(MessageKind.POLL, number, *data, after_s=command.after_s)


def _request_create(draft: Draft, number: int, command: commands.Reconnect, after: State) -> None:
    client, now = draft.clients[number], draft.now
    attempt, connection, try_number = command.attempt, command.connection, command.try_number
    draft.add(invariants.calls_apart(now, client.asked_at))
    draft.add(invariants.call_started(now, None if client.call is None else client.call[2]))
    draft.add(invariants.offer_sent(client.sent, attempt, connection))
    draft.add(invariants.create_started(now, engine.last_start_at(after), _EXACT_S))
    draft.clients[number] = replace(
        client,
        call=(attempt, try_number, now + command.budget_s),
        sent=tuple(sorted({*client.sent, (attempt, connection)})),
        asked_at=(now,),
        ask_by_at=None,
    )
    draft.send(MessageKind.CREATE, number, attempt, try_number, connection)
    handle(draft, number, events.RequestWritten(attempt, try_number))


# --- checks ---------------------------------------------------------------------------------------


def _check(draft: Draft, number: int, before: State, after: State) -> None:
    """I2, I5, I8 and HEAL after a step; other checks when the client has ended."""
    ending, now = engine.ending_of(after), draft.now
    if ending is not None:
        _check_end(draft, number, before, ending)
        return
    if engine.has_timer(after):
        wakeup_at = engine.next_wakeup(after)
        draft.add(invariants.timer_set(engine.describe(after), now, wakeup_at))
    if engine.only_confirms(after):
        draft.add(invariants.tries_ended(now, engine.last_start_at(after), _EXACT_S))
    ends_at = lifecycle.window_ends_at(draft.service)
    draft.add(invariants.deadline_shown(engine.shown_deadline_at(after), ends_at))
    healed = engine.healed_connection(before, after)
    if healed is not None:
        under_way = _create_under_way(draft, number)
        draft.add(invariants.healed(healed, create_under_way=under_way))


def _check_hold(draft: Draft, before: State, after: State) -> None:
    """HOLD: packets of a new connection arrive when it connects, and not before."""
    connection = engine.connecting_on(after)
    if connection is not None and connection == engine.connecting_on(before):
        shown_at = engine.shown_deadline_at(before), engine.shown_deadline_at(after)
        draft.add(invariants.deadline_held(*shown_at))


def _check_picture(draft: Draft, before: State, after: State) -> None:
    """PICTURE, second half."""
    playing = engine.playing_on(before)
    if playing is None or not engine.reconnects_frozen(before, after):
        return
    if picture_of(draft.current(), playing) is Picture.NOT_SENT:
        draft.add(invariants.interrupted())


def _check_end(draft: Draft, number: int, before: State, ending: Ending) -> None:
    if ending.kind is EndingKind.GAME_ENDED:
        draft.add(invariants.end_confirmed(service_status.is_terminal(ending.status or "")))
    draft.add(invariants.all_closed(draft.clients[number].opened))
    if ending.kind is EndingKind.UNCONFIRMED:
        draft.add(invariants.tries_ended(draft.now, engine.last_start_at(before), _EXACT_S))


def _create_under_way(draft: Draft, number: int) -> bool:
    """Whether a create request of this client is on its way to the backend or the service."""
    call = draft.call
    waits = call is not None and any(client == number for client, _ in call.waiting)
    return waits or any(
        message.kind is MessageKind.CREATE and message.client == number
        for message in draft.messages
    )
