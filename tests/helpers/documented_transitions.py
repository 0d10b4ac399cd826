"""Fails a test that takes a transition which docs/states.md does not have.

`Playbook`, the Hypothesis state machine and the simulator's tests call `assert_documented` after
each step. docs/states.md is made from the transitions that `qa.diagram` finds.
"""

from __future__ import annotations

from rejoin.core import events
from rejoin.core.phases import State
from rejoin.core.trace_names import EVENTS, STATES
from rejoin.qa import diagram


def assert_documented(before: State, event: events.Event, after: State) -> None:
    here, there = STATES[type(before.phase)], STATES[type(after.phase)]
    if here == there:
        return
    documented = diagram.transitions().get((here, there), frozenset())
    assert EVENTS[type(event)] in documented, (
        f"{here} -> {there} after {event} is not in docs/states.md"
    )
