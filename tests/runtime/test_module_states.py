"""What an instance may do; no state shows what an answer says."""

from __future__ import annotations

from rejoin.core.model import ConnectionNumber
from rejoin.runtime.module_states import Loading


def test_an_answer_is_not_in_the_repr_of_a_state() -> None:
    assert "CANARY" not in repr(Loading(ConnectionNumber(1), "CANARY"))
