"""Dialects are values that exist once."""

from __future__ import annotations

import copy
import pickle

import pytest

from rejoin.signaling.dialects import DIALECTS, Dialect


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_a_dialect_is_the_same_value_in_another_process(dialect: Dialect) -> None:
    assert pickle.loads(pickle.dumps(dialect)) is dialect
    assert copy.deepcopy(dialect) is dialect
