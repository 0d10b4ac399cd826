"""Tests for the counts of events and bytes."""

from __future__ import annotations

from rejoin.input_module.counts import MAX_MISSING, Counts
from rejoin.input_module.outbox import Answer, Sent, Status
from rejoin.input_module.port import Channel, ModuleFacts


def test_events_are_counted_with_and_without_bytes() -> None:
    counts = Counts()
    for said in (
        (),
        (Sent(1, Channel.MESSAGES, b"x"),),
        (Sent(1, Channel.INPUT, b""),),
        (Sent(1, Channel.INPUT, b"x"), Sent(1, Channel.INPUT, b"x")),
        (),
    ):
        counts.event()
        counts.answer_to_event(Answer(Status.OK, 0, said))
    assert counts.facts() == ModuleFacts(
        events=5, events_answered=5, events_with_bytes=1, events_without_bytes_in_a_row=1
    )


def test_names_that_are_missing_are_kept_once_and_not_without_end() -> None:
    counts = Counts()
    for number in range(1000):
        counts.asked_for(f"name{number}")
        counts.asked_for("name0")
    assert len(counts.facts().missing) == MAX_MISSING
    assert counts.facts().missing[:2] == ("name0", "name1")
