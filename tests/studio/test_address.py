"""A studio's address: one line of JSON that is read back as it was written."""

from __future__ import annotations

import pytest

from rejoin.errors import BadInputError
from rejoin.studio.address import Studio


def test_the_line_is_read_back_as_it_was_written() -> None:
    there = Studio("http://a", "http://b", "http://c", "player", "control")
    line = there.to_json()
    assert "\n" not in line
    assert Studio.from_json(line) == there


@pytest.mark.parametrize("line", ["", "[]", "nonsense", '{"backend_url": "x"}', "3"])
def test_another_line_is_refused(line: str) -> None:
    with pytest.raises(BadInputError):
        Studio.from_json(line)
