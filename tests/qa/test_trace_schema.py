"""The schema of traces: made from the code, and the code's own traces conform to it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rejoin.core.trace import Record, from_line, of_fault, to_line
from rejoin.errors import BadInputError
from rejoin.qa import simulation
from rejoin.qa.trace_schema import check, document

FILE = Path(__file__).parents[2] / "docs" / "trace.schema.json"


def test_the_shipped_schema_is_that_of_the_code() -> None:
    assert FILE.read_text(encoding="utf-8") == document(), "write what `document()` returns"


def test_nothing_in_it_could_hold_a_secret() -> None:
    for word in ("signal_request", "signal_response", "token"):
        assert f'"{word}"' not in document()


@pytest.mark.parametrize("seed", range(60))
def test_every_line_of_a_simulated_trace_conforms_to_the_schema(seed: int) -> None:
    _, outcome = simulation.run(seed)
    for record in outcome.records:
        check(from_line(to_line(record)))


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (Record(1.0, "event", "OfferMade", {"connection": "x", "sha256": "y"}), "connection"),
        (Record(1.0, "event", "OfferMade", {"connection": 1}), "sha256"),
        (Record(1.0, "event", "Nothing", {}), "no event Nothing"),
        (Record(1.0, "state", "Live", {"episode": 1, "more": 2}), "more"),
        (Record(1.0, "service", "ACTIVE", {}), "window_ends_at"),
        (of_fault("cut", 1.0, outage_s="long"), "outage_s"),
    ],
)
def test_a_record_that_does_not_conform_is_named(record: Record, sentence: str) -> None:
    with pytest.raises(BadInputError, match=sentence):
        check(record)


def test_it_is_json_schema_with_a_place_for_every_kind() -> None:
    schema = json.loads(document())
    kinds = {line["properties"]["kind"]["const"] for line in schema["oneOf"]}
    assert kinds == {"event", "command", "state", "fault", "service", "tester"}
    for line in schema["oneOf"]:
        name = line["properties"]["data"]["$ref"].removeprefix("#/$defs/")
        assert name in schema["$defs"]
