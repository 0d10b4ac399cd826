"""All that may happen next in a system: every move, the system after it, and what it violates."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from functools import partial
from typing import Final, NamedTuple, assert_never

from rejoin.core import events
from rejoin.core.model import HardEvidence
from rejoin.core.phases import State
from rejoin.core.retry import FailureKind
from rejoin.service_model import lifecycle
from rejoin.verify.environment import Picture
from rejoin.verify.interleavings import backend, client, engine, promises
from rejoin.verify.interleavings.deadlines import next_deadline_at
from rejoin.verify.interleavings.draft import Draft, Effect
from rejoin.verify.interleavings.system import (
    NOTICED_S,
    Message,
    MessageKind,
    System,
    can_arrive,
    can_connect,
    connected,
    flows,
    picture_of,
    unheard,
)
from rejoin.verify.invariants import Violation


class MoveKind(enum.Enum):
    """What happens in a move."""

    ARRIVAL = "a message arrives"
    ANSWER = "the service answers the backend"
    CONNECTED = "a new connection succeeds"
    NOTICED = "the service notices that its client is gone"
    HEARD_AGAIN = "media of a dropped connection arrives again"
    SILENCE = "a client notices that nothing arrives"
    TIME = "time passes, to the next deadline"
    REPAIR = "the path works again"
    TROUBLE = "something goes wrong, at the cost of the budget"


class Move(NamedTuple):
    """One thing that may happen next. `label` describes it to a reader."""

    kind: MoveKind
    label: str
    after: System
    violations: tuple[Violation, ...]


_Possible = tuple[MoveKind, str, Effect]
"""A move before it is carried out."""

_LOSABLE: Final = frozenset(
    {
        MessageKind.CREATE,
        MessageKind.REPLY,
        MessageKind.POLL,
        MessageKind.VIEW,
        MessageKind.GOODBYE,
        MessageKind.EVIDENCE,
    }
)
_REPEATABLE: Final = frozenset(
    {MessageKind.REPLY, MessageKind.VIEW, MessageKind.GOODBYE, MessageKind.EVIDENCE}
)


def moves(system: System) -> Iterator[Move]:
    """Every move that is possible now."""
    for kind, label, effect in _possible(system):
        draft = Draft(system)
        effect(draft)
        yield Move(kind, label, draft.finished(), tuple(draft.violations))


# --- possible moves -------------------------------------------------------------------------------


def _possible(system: System) -> Iterator[_Possible]:
    local = _local_event(system)
    if local is not None:
        yield local
        return
    yield from _message_moves(system)
    yield from _service_moves(system)
    yield from _path_moves(system)
    for number in range(len(system.clients)):
        yield from _client_moves(system, number)
    first = system.clients[0]
    if system.budget.seconds and len(system.clients) == 1 and first.ticket is not None:
        yield MoveKind.TROUBLE, "a second client takes over", client.second_client_starts
    at = next_deadline_at(system)
    if at is not None:
        yield MoveKind.TIME, "time passes", partial(_pass_time, at=at)


def _local_event(system: System) -> _Possible | None:
    """An event from a client's own machine, which arrives before anything else."""
    for index, message in enumerate(system.messages):
        if message.kind is MessageKind.EVENT and can_arrive(system, message):
            return MoveKind.ARRIVAL, f"{_name(message)} arrives", partial(_deliver, index=index)
    return None


def _message_moves(system: System) -> Iterator[_Possible]:
    for index, message in enumerate(system.messages):
        if not can_arrive(system, message):
            continue
        name = _name(message)
        yield MoveKind.ARRIVAL, f"{name} arrives", partial(_deliver, index=index)
        if message.kind is MessageKind.CREATE and _may_queue(system):
            queue = partial(_queue, index=index)
            yield MoveKind.TROUBLE, f"{name} is put into the queue", queue
        if message.kind in _LOSABLE and system.budget.losses:
            yield MoveKind.TROUBLE, f"{name} is lost", partial(_lose, index=index)
        if message.kind in _REPEATABLE and system.budget.repeats:
            yield MoveKind.TROUBLE, f"{name} arrives twice", partial(_repeat, index=index)


def _may_queue(system: System) -> bool:
    return system.budget.queues > 0 and system.place is None


def _service_moves(system: System) -> Iterator[_Possible]:
    if system.call is not None:
        yield MoveKind.ANSWER, "the service answers", backend.service_answers
        if system.budget.failures:
            yield MoveKind.TROUBLE, "the service's call fails", backend.service_fails
    gone = unheard(system)
    if gone is not None:
        label = f"the service notices that {gone} is gone"
        yield MoveKind.NOTICED, label, partial(Draft.client_gone, connection=gone)


def _path_moves(system: System) -> Iterator[_Possible]:
    budget = system.budget
    if not (system.down and system.up):
        yield MoveKind.REPAIR, "the path works again", _repair
        return
    if budget.cuts:
        trouble = MoveKind.TROUBLE
        yield trouble, "the path is cut", partial(_cut, down=False, up=False)
        yield trouble, "the downlink is cut", partial(_cut, down=False, up=True)
        yield trouble, "the uplink is cut", partial(_cut, down=True, up=False)
    if budget.routes:
        yield MoveKind.TROUBLE, "the system refuses to send", _refuse
    connection = connected(system)
    if connection is not None and budget.dead_media and connection not in system.silent:
        stop = partial(_stop_media, connection=connection)
        yield MoveKind.TROUBLE, "the host sends no media", stop
    if connection is not None and budget.closes:
        close = partial(_close_at_host, connection=connection)
        yield MoveKind.TROUBLE, "the host closes the connection", close
    if connection is not None:
        yield from _picture_moves(system, connection)


def _picture_moves(system: System, connection: int) -> Iterator[_Possible]:
    if picture_of(system, connection) is not Picture.ARRIVES:
        arrives = partial(_change_picture, connection=connection, picture=Picture.ARRIVES)
        yield MoveKind.REPAIR, "the picture arrives again", arrives
    elif system.budget.pictures:
        for picture, label in ((Picture.LOST, "is lost"), (Picture.NOT_SENT, "is not sent")):
            change = partial(_change_picture, connection=connection, picture=picture)
            yield MoveKind.TROUBLE, f"the picture of {connection} {label}", change


def _client_moves(system: System, number: int) -> Iterator[_Possible]:
    state = system.clients[number].state
    if not engine.has_timer(state):
        return
    playing, connecting = engine.playing_on(state), engine.connecting_on(state)
    old = engine.old_connection(state)
    if playing is not None and not flows(system, playing):
        effect = partial(client.hears_nothing, number=number, connection=playing)
        yield MoveKind.SILENCE, f"client {number} hears nothing", effect
    elif connecting is not None and can_connect(system, connecting):
        effect = partial(client.connects, number=number, connection=connecting)
        yield MoveKind.CONNECTED, f"{connecting} connects", effect
    elif old is not None and flows(system, old) and _is_news(system, state):
        effect = partial(client.hears_again, number=number, connection=old)
        yield MoveKind.HEARD_AGAIN, f"{old} is heard again", effect
    if playing is not None and system.budget.pictures and _is_lost(system, playing):
        effect = partial(client.shows_one_frame, number=number, connection=playing)
        yield MoveKind.TROUBLE, f"client {number} shows one frame", effect
    if system.budget.crashes and system.clients[number].ticket is not None:
        label = f"client {number} crashes and starts again"
        yield MoveKind.TROUBLE, label, partial(client.crashes, number=number)


def _is_lost(system: System, connection: int) -> bool:
    """Whether media of this connection arrives, but not its picture."""
    return flows(system, connection) and picture_of(system, connection) is Picture.LOST


def _is_news(system: System, state: State) -> bool:
    """Whether what arrives on the dropped connection can make a difference."""
    return system.up or not engine.waits_for_answers(state)


def _name(message: Message) -> str:
    data = " ".join(str(part) for part in message.data if isinstance(part, int | str | FailureKind))
    return f"{message.kind} of client {message.client} ({data})"


# --- what happens to messages, the path and the host, and time ------------------------------------


def _lose(draft: Draft, index: int) -> None:
    """A message is lost. A client that waits for an answer waits until its own timer is due."""
    draft.spend(losses=1)
    draft.messages.pop(index)


def _queue(draft: Draft, index: int) -> None:
    """A create request arrives, and its turn has not come."""
    backend.joins_queue(draft)
    _deliver(draft, index)


def _repeat(draft: Draft, index: int) -> None:
    draft.spend(repeats=1)
    draft.messages.append(draft.messages[index])
    _deliver(draft, index)


def _deliver(draft: Draft, index: int) -> None:
    kind, number, _, data = draft.messages.pop(index)
    match kind:
        case MessageKind.EVENT:
            client.handle(draft, number, data[0])
        case MessageKind.CREATE:
            backend.create_arrived(draft, number, *data)
        case MessageKind.REPLY:
            client.reply_arrived(draft, number, data[0])
        case MessageKind.POLL:
            backend.poll_arrived(draft, number, data[0])
        case MessageKind.VIEW:
            poll, event = data
            if poll == draft.clients[number].polls:
                client.handle(draft, number, event)
        case MessageKind.GOODBYE:
            draft.client_gone(data[0])
        case MessageKind.EVIDENCE:
            if data[0] in draft.clients[number].opened:
                seen = events.HardEvidenceSeen(data[0], HardEvidence.DTLS_CLOSED)
                client.handle(draft, number, seen)
        case _:
            assert_never(kind)


def _cut(draft: Draft, *, down: bool, up: bool) -> None:
    draft.spend(cuts=1)
    draft.down, draft.up = down, up


def _refuse(draft: Draft) -> None:
    draft.spend(routes=1)
    draft.up, draft.refused = False, True


def _repair(draft: Draft) -> None:
    draft.down = draft.up = True
    draft.refused = False


def _change_picture(draft: Draft, connection: int, picture: Picture) -> None:
    if picture is not Picture.ARRIVES:
        draft.spend(pictures=1)
    others = tuple(each for each in draft.pictures if each[0] != connection)
    own = () if picture is Picture.ARRIVES else ((connection, picture),)
    draft.pictures = others + own


def _stop_media(draft: Draft, connection: int) -> None:
    draft.spend(dead_media=1)
    draft.silent |= {connection}


def _close_at_host(draft: Draft, connection: int) -> None:
    draft.spend(closes=1)
    draft.client_gone(connection)


def _pass_time(draft: Draft, at: float) -> None:
    """Time jumps to the next deadline, and its owner is woken. A client that plays gets a sample,
    since media has arrived until then."""
    draft.now = at
    system = draft.current()
    for number, each in enumerate(system.clients):
        playing = engine.playing_on(each.state)
        if playing is not None and flows(system, playing):
            client.plays_on(draft, number, playing)
        client.repeats_goodbye(draft, number)
    draft.step_service(lifecycle.TimerDue())
    gone, since_at = unheard(draft.current()), draft.unheard_at
    if gone is not None and since_at is not None and since_at + NOTICED_S <= draft.now:
        draft.client_gone(gone)
    for number, each in enumerate(tuple(draft.clients)):
        due_at = engine.next_wakeup(each.state)
        if engine.playing_on(each.state) is None and due_at is not None and due_at <= draft.now:
            client.handle(draft, number, events.WakeupDue())
    for violation in promises.broken(draft.current()):
        draft.add(violation)
