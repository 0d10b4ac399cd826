"""When something happens by itself: the deadlines of all parties."""

from __future__ import annotations

from rejoin.service_model import lifecycle
from rejoin.verify.interleavings import engine, promises
from rejoin.verify.interleavings.system import (
    NOTICED_S,
    RULES,
    MessageKind,
    System,
    can_arrive,
)


def next_deadline_at(system: System) -> float | None:
    """The earliest deadline of all parties. While a client plays, its own does not count: every
    sample moves it."""
    found: list[float] = []
    due_at = lifecycle.next_wakeup(system.service, RULES)
    if due_at is not None and due_at < system.now + 1e5:
        found.append(due_at)
    if system.unheard_at is not None:
        found.append(system.unheard_at + NOTICED_S)
    found += promises.times(system)
    for client in system.clients:
        wakeup_at = engine.next_wakeup(client.state)
        if wakeup_at is not None and engine.playing_on(client.state) is None:
            found.append(wakeup_at)
    for message in system.messages:
        if can_arrive(system, message) or message.kind in (
            MessageKind.GOODBYE,
            MessageKind.EVIDENCE,
        ):
            continue
        wait_s = message.data[2] if message.kind is MessageKind.POLL else 0.0
        found.append(message.ready_at + wait_s)
    return max(system.now, min(found)) if found else None
