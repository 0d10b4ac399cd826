"""Tests for what a new process is told."""

from __future__ import annotations

import json

from rejoin.input_events.events import PadState, View
from rejoin.input_module.port import ModuleOptions
from rejoin.input_module.standing import Connection, Standing


def test_the_window_and_the_pads_that_are_there_are_told() -> None:
    standing = Standing(view=View(width=5.0), size=(1920, 1080))
    standing.keep_pad(PadState(0, True, "gone"))
    standing.keep_pad(PadState(1, True, "there"))
    standing.keep_pad(PadState(0, False))
    standing.keep_pad(PadState(7, True, "nowhere"))
    told = [json.loads(command) for command in standing.of_the_window()]
    assert [command[0] for command in told] == ["v", "s", "g"]
    assert (told[0][1]["width"], told[1][1:], told[2][3]) == (5.0, [1920, 1080], "there")


def test_an_instance_is_made_where_there_are_a_script_and_a_connection() -> None:
    standing = Standing()
    assert standing.of_the_instance() is None
    standing.connection = Connection(3, ModuleOptions("{}"))
    assert standing.of_the_instance() is None
    standing.script = ""
    assert json.loads(standing.of_the_instance() or "")[:2] == ["n", 3]
    assert not standing.is_attached
