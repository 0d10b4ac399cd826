"""The table of names in a trace: complete, unambiguous, and changed only with a new version."""

from __future__ import annotations

import hashlib
import json
import typing

from rejoin.core import commands, events, phases
from rejoin.core.trace import SCHEMA
from rejoin.core.trace_names import COMMANDS, EVENTS, STATES

OF_VERSION = {2: "a0b0bce3cf6d69a0"}
"""The digest of all names of a version. A change of any name needs a new version."""


def test_every_event_command_and_state_has_a_name() -> None:
    assert set(EVENTS) == set(typing.get_args(events.Event))
    assert set(COMMANDS) == set(typing.get_args(commands.Command))
    assert set(STATES) == set(typing.get_args(phases.Phase))


def test_no_two_have_the_same_name() -> None:
    for table in (EVENTS, COMMANDS, STATES):
        names = list(table.values())
        assert len(set(names)) == len(names)
        assert all(name.isidentifier() for name in names)


def test_the_names_are_those_of_the_version() -> None:
    names = [sorted(table.values()) for table in (EVENTS, COMMANDS, STATES)]
    digest = hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16]
    assert OF_VERSION[SCHEMA] == digest, "another name needs another trace.SCHEMA"
