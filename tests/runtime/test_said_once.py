"""A problem is said once."""

from __future__ import annotations

from rejoin.language import Message
from rejoin.runtime.said_once import SaidOnce


def test_each_one_is_new_once() -> None:
    said = SaidOnce()
    assert said.new(()) == ()
    assert said.new(("a.", "b.")) == ("a.", "b.")
    assert said.new(("a.", "b.")) == ()
    assert said.new(("b.", "c.")) == ("c.",)


def test_what_is_new_can_still_be_translated() -> None:
    (found,) = SaidOnce().new((Message("No way back: {why}.", why="a"),))
    assert isinstance(found, Message)
    assert found.values == {"why": "a"}
