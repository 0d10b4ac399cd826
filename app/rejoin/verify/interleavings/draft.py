"""The next system while a move is being carried out; all parties change it through this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rejoin.service_model import lifecycle
from rejoin.verify.environment import Picture
from rejoin.verify.interleavings import engine, promises
from rejoin.verify.interleavings.system import (
    PLACES,
    RULES,
    Client,
    Message,
    MessageKind,
    Place,
    System,
    answers,
    connected,
    flows,
    picture_of,
    unheard,
)
from rejoin.verify.invariants import Violation


class Draft:
    """A system under change, and the violations so far. Lives for one move."""

    def __init__(self, system: System) -> None:
        self.now = system.now
        self.clients = list(system.clients)
        self.service = system.service
        self.newest = system.newest
        self.answered = system.answered
        self.offered = system.offered
        self.call = system.call
        self.place = system.place
        self.held = system.held
        self.accepted = system.accepted
        self.connected_seen_at = system.connected_seen_at
        self.unheard_at = system.unheard_at
        self.messages = list(system.messages)
        self.down, self.up = system.down, system.up
        self.silent = system.silent
        self.refused = system.refused
        self.pictures = system.pictures
        self.budget = system.budget
        self.violations: list[Violation] = []

    def current(self) -> System:
        """The system as it is in the middle of the move."""
        return System(
            now=self.now,
            clients=tuple(self.clients),
            service=self.service,
            newest=self.newest,
            answered=self.answered,
            offered=self.offered,
            call=self.call,
            place=self.place,
            held=self.held,
            accepted=self.accepted,
            connected_seen_at=self.connected_seen_at,
            unheard_at=self.unheard_at,
            messages=tuple(self.messages),
            down=self.down,
            up=self.up,
            silent=self.silent,
            refused=self.refused,
            pictures=self.pictures,
            budget=self.budget,
        )

    def finished(self) -> System:
        """The system after the move; media that flows has arrived until now."""
        system = self.current()
        for number, client in enumerate(self.clients):
            arrived = _arrived(system, client)
            self.clients[number] = promises.noted(system, arrived)
        place = self.place
        if place is not None and (place.kept_until_at or 0.0) < self.now:
            place = Place(PLACES, None)
        unheard_at = self.unheard_at
        if unheard(system) is None:
            unheard_at = None
        elif unheard_at is None:
            unheard_at = self.now
        return replace(system, clients=tuple(self.clients), unheard_at=unheard_at, place=place)

    def add(self, violation: Violation | None) -> None:
        """Note the result of a check."""
        if violation is not None:
            self.violations.append(violation)

    def spend(self, **spent: int) -> None:
        """Subtract trouble from the budget."""
        left = {name: getattr(self.budget, name) - count for name, count in spent.items()}
        self.budget = replace(self.budget, **left)

    def send(self, kind: MessageKind, client: int, *data: Any, after_s: float = 0.0) -> None:
        """Put a message under way, from or to this client."""
        self.messages.append(Message(kind, client, self.now + after_s, data))

    def step_service(self, event: lifecycle.Event) -> lifecycle.Outcome:
        """One step of the service."""
        self.service, outcome = lifecycle.step(self.service, event, self.now, RULES)
        return outcome

    def client_gone(self, connection: int) -> None:
        """The service notices that this client is gone; its host closes the connection."""
        before = self.service
        self.step_service(lifecycle.ClientGone(connection))
        if self.service is before:
            return
        for number, client in enumerate(self.clients):
            if connection in client.opened:
                self.send(MessageKind.EVIDENCE, number, connection)


def _arrived(system: System, client: Client) -> Client:
    """The client with what has arrived until now on the connection that is shown."""
    now, shown = system.now, engine.shown_connection(client.state)
    if shown is None or connected(system) != shown or not system.down:
        return client
    client = replace(client, heard_at=now)
    if answers(system, shown):
        client = replace(client, answered_at=now)
    if flows(system, shown):
        client = replace(client, rtp_at=now)
        if picture_of(system, shown) is Picture.ARRIVES:
            client = replace(client, frame_at=now)
    return client


Effect = Callable[[Draft], None]
"""The effect of a move."""
