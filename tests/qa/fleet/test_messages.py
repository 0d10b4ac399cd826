"""What a batch says survives the way, and a line of a fleet names the kind of media."""

from __future__ import annotations

import json

import pytest

from helpers.qa_results import RECORD
from rejoin.qa.fleet.messages import (
    AllLive,
    Cost,
    FromBatch,
    Placed,
    Result,
    from_text,
    to_line,
    to_text,
)


@pytest.mark.parametrize(
    "message",
    [Placed(3), AllLive(1, 20), Result(0, 7, RECORD), Cost(2, 25, 30.5, 12.25, None)],
    ids=lambda message: type(message).__name__,
)
def test_what_is_said_is_read_back(message: FromBatch) -> None:
    text = to_text(message)
    assert "\n" not in text
    assert from_text(text) == message


def test_a_line_says_that_media_were_modelled() -> None:
    line = json.loads(to_line(Result(1, 7, RECORD), "modelled"))
    assert (line["media"], line["player"], line["batch"], line["version"]) == ("modelled", 7, 1, 1)
    assert line["result"]["case"] == RECORD.case
