"""A problem is said once."""

from __future__ import annotations

from rejoin.runtime.said_once import SaidOnce


def test_each_line_is_new_once() -> None:
    said = SaidOnce()
    assert said.new(None) == ()
    assert said.new("a.\nb.") == ("a.", "b.")
    assert said.new("a.\nb.") == ()
    assert said.new("") == ()
    assert said.new("b.\nc.") == ("c.",)
