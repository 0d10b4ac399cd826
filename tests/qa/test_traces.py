"""Trace files: written and read again; anything else is refused, naming the line."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rejoin.core.trace import Record, of_fault, to_line
from rejoin.errors import BadInputError
from rejoin.qa import traces

RECORDS = [of_fault("cut", 1.0, outage_s=None), Record(2.5, "state", "Live", {"episode": 0})]


def test_a_trace_is_the_same_after_writing_and_reading(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    traces.write(file, RECORDS)
    assert list(traces.read(file)) == RECORDS
    assert file.read_text().count("\n") == 2


def test_empty_lines_are_ignored(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("\n\n")
    assert list(traces.read(file)) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"v":4,"at":1,"kind":"fault","name":"x"}\n{}\n', "Line 2 of a.jsonl is not a record"),
        ("[" * 5000 + "\n", "Line 1 of a.jsonl is not a record"),
        ("x" * 70_000, "Line 1 of a.jsonl is too long"),
    ],
)
def test_a_file_that_is_not_a_trace_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(text)
    with pytest.raises(BadInputError, match=sentence):
        list(traces.read(file))


@settings(max_examples=50)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused_with_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    file = tmp_path_factory.mktemp("traces") / "a.jsonl"
    file.write_bytes(data)
    if not data.strip(b" \t\r\n"):
        assert list(traces.read(file)) == []
        return
    with pytest.raises(BadInputError, match=r"a\.jsonl"):
        list(traces.read(file))


def test_the_error_names_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"none\.jsonl cannot be read"):
        list(traces.read(tmp_path / "none.jsonl"))
    with pytest.raises(BadInputError, match="cannot be written"):
        traces.write(tmp_path, RECORDS)


def test_a_session_that_is_a_secret_can_be_left_out() -> None:
    view = {"session_id": "the-session", "status": "ACTIVE"}
    record = Record(1.0, "event", "StatusArrived", {"view": view, "all": [view], "at": 2.0})
    hidden = traces.without_session(record)
    assert "the-session" not in to_line(hidden)
    assert hidden.data["view"] == {"session_id": "secret", "status": "ACTIVE"}
    assert (hidden.at, hidden.data["at"]) == (1.0, 2.0)
    assert traces.without_session(RECORDS[1]) == RECORDS[1]


def test_names_of_files_have_no_odd_characters() -> None:
    assert traces.file_name("cut_until_window+1: a/b") == "cut_until_window+1--a-b"


def test_a_trace_is_written_while_it_happens(tmp_path: Path) -> None:
    file = tmp_path / "trace.jsonl"
    writer = traces.TraceWriter(file)
    record = of_fault("cut_3s", 1.0)
    writer.write(record)
    assert list(traces.read(file)) == [record], "before it is closed"
    writer.close()
    writer.close()
    writer.write(record)
    assert list(traces.read(file)) == [record]
    assert writer.is_whole


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full")
def test_a_full_disk_ends_the_trace_and_nothing_else() -> None:
    writer = traces.TraceWriter(Path("/dev/full"))
    for _ in range(2):
        writer.write(of_fault("cut_3s", 1.0))
    assert not writer.is_whole
    writer.close()


def test_a_trace_that_cannot_be_written_is_said_before_the_game(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"no\.jsonl cannot be written"):
        traces.TraceWriter(tmp_path / "missing" / "no.jsonl")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full")
def test_a_full_disk_is_a_sentence() -> None:
    with pytest.raises(BadInputError, match="full cannot be written: No space left"):
        traces.write(Path("/dev/full"), RECORDS)


def test_a_trace_that_is_not_whole_does_not_stay(tmp_path: Path) -> None:
    def lines() -> Iterator[str]:
        yield "first"
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(BadInputError, match="cannot be written: No space left"):
        traces.write_lines(tmp_path / "trace.jsonl", lines())
    assert list(tmp_path.iterdir()) == []
