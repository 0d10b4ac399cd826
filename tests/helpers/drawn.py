"""Every transition that happens in a test must be in docs/states.md.

`Playbook`, the Hypothesis state machine and the simulator's tests call `assert_drawn` after each
step, so a transition that `qa.diagram` does not find fails the test in which it happens.
"""

from __future__ import annotations

from rejoin.core import events
from rejoin.core.phases import State
from rejoin.core.trace_names import EVENTS, STATES
from rejoin.qa import diagram


def assert_drawn(before: State, event: events.Event, after: State) -> None:
    here, there = STATES[type(before.phase)], STATES[type(after.phase)]
    if here == there:
        return
    drawn = diagram.transitions().get((here, there), frozenset())
    assert EVENTS[type(event)] in drawn, f"{here} -> {there} after {event} is not drawn"
