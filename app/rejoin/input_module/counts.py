"""Counts what went into the module and what came out of it, for reports. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from rejoin.input_module import outbox
from rejoin.input_module.outbox import Answer
from rejoin.input_module.port import Channel, ModuleFacts

MAX_MISSING: Final = 256
"""Names; a module can ask for any number."""


@dataclass(slots=True)
class Counts:
    """Counts up in place: it is used for each event."""

    starts: int = 0
    events: int = 0
    events_answered: int = 0
    events_with_bytes: int = 0
    without_bytes_in_a_row: int = 0
    bytes_sent: int = 0
    errors: int = 0
    missing: dict[str, None] = field(default_factory=dict)

    def event(self) -> None:
        """An event of the player went to an attached module."""
        self.events += 1
        self.without_bytes_in_a_row += 1

    def answer_to_event(self, answer: Answer) -> None:
        """The answer to one event came: whether it was bytes for the host."""
        self.events_answered += 1
        for said in answer.said:
            if isinstance(said, outbox.Sent) and said.channel is Channel.INPUT and said.data:
                self.events_with_bytes += 1
                self.without_bytes_in_a_row = 0
                return

    def asked_for(self, name: str) -> None:
        """The module asked for something that is missing."""
        if len(self.missing) < MAX_MISSING:
            self.missing[name] = None

    def facts(self) -> ModuleFacts:
        return ModuleFacts(
            starts=self.starts,
            missing=tuple(self.missing),
            events=self.events,
            events_answered=self.events_answered,
            events_with_bytes=self.events_with_bytes,
            events_without_bytes_in_a_row=self.without_bytes_in_a_row,
            bytes_sent=self.bytes_sent,
            errors=self.errors,
        )
