"""Results: lines that can be read again, a schema, and what a run says as a whole."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from helpers.hostile import hostile_json
from helpers.qa_results import RECORD
from rejoin.errors import BadInputError
from rejoin.qa import results
from rejoin.qa.results import CaseRecord
from rejoin.qa.verdicts import Verdict

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "result.schema.json"


def of(case: str, verdict: Verdict, repetition: int = 1) -> CaseRecord:
    return replace(RECORD, case=case, verdict=verdict, repetition=repetition)


def test_a_line_is_read_as_what_it_was() -> None:
    for record in (RECORD, replace(RECORD, played=None, verdict=Verdict.INCONCLUSIVE)):
        assert results.from_line(results.to_line(record)) == record


def test_region_application_and_build_stand_in_every_result() -> None:
    line = json.loads(results.to_line(RECORD))
    where = line["surroundings"]
    assert (where["region"], where["application"], where["build"]) == (
        "eu-west-1",
        "a-123",
        "build 7",
    )


def test_a_file_is_read_line_by_line_and_the_bad_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / results.FILE
    file.write_text(results.to_line(RECORD) + "\n\n" + results.to_line(RECORD) + "\n")
    assert results.read(file) == (RECORD, RECORD)
    file.write_text(results.to_line(RECORD) + "\n{}\n")
    with pytest.raises(BadInputError, match="Line 2"):
        results.read(file)
    file.write_text("x" * (results.MAX_LINE + 2))
    with pytest.raises(BadInputError, match="too long"):
        results.read(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(BadInputError, match="not text"):
        results.read(file)
    with pytest.raises(BadInputError, match="cannot be read"):
        results.read(tmp_path / "missing")


def test_a_last_line_that_was_cut_off_is_left_out_where_that_is_said(tmp_path: Path) -> None:
    file = tmp_path / results.FILE
    line = results.to_line(RECORD)
    said: list[str] = []
    for tail in (line[:-1], line[:10], "\0\0\0", "{"):
        file.write_text(f"{line}\n{tail}")
        assert results.read(file, said.append) == (RECORD,)
        assert "results.jsonl is cut off" in said.pop()
        with pytest.raises(BadInputError, match="Line 2"):
            results.read(file)
    for text in (f"{line}\n{line[:10]}\n{line}\n", f"{line}\n{{}}\n", line[1:10], "no results"):
        file.write_text(text)
        with pytest.raises(BadInputError, match="Line"):
            results.read(file, said.append)
    assert not said


def test_what_the_schema_does_not_know_is_refused() -> None:
    line = json.loads(results.to_line(RECORD))
    for change in (
        {"more": 1},
        {"verdict": "fine"},
        {"took_s": "long"},
        {"took_s": float("nan")},
        {"took_s": float("inf")},
        {"version": 2},
    ):
        with pytest.raises(BadInputError):
            results.from_line(json.dumps(line | change))


def test_only_a_result_may_be_one_of_another_version() -> None:
    line = json.loads(results.to_line(RECORD))
    with pytest.raises(BadInputError, match="another version"):
        results.from_line(json.dumps(line | {"version": 2}))
    others: tuple[object, ...] = ({"v": 4, "kind": "event"}, [], "text", None, 1)
    for other in others:
        with pytest.raises(BadInputError, match="not a result"):
            results.from_line(json.dumps(other))


@given(hostile_json(json.loads(results.to_line(RECORD))))
def test_any_text_is_a_result_or_bad_input(text: str) -> None:
    with contextlib.suppress(BadInputError):
        assert isinstance(results.from_line(text), CaseRecord)


def test_the_schema_in_the_documents_is_that_of_the_code() -> None:
    """To make it again, write `results.document()` into it."""
    assert SCHEMA_FILE.read_text(encoding="utf-8") == results.document()


def test_names_of_repetitions_are_unique() -> None:
    assert [of("a", Verdict.PASSED, number).name for number in (1, 2)] == ["a", "a (2)"]


def test_a_line_for_a_terminal_says_what_happened() -> None:
    assert RECORD.line().split() == [
        *("passed", "a", "cut", "live,", "1", "reconnects,", "frozen", "1.25", "s")
    ]
    failed = replace(RECORD, verdict=Verdict.FAILED, played=None)
    assert failed.line().split() == ["FAILED", "a", "cut"]


P, F, N, S = Verdict.PASSED, Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.SKIPPED


@pytest.mark.parametrize(
    ("plays", "kind", "whole"),
    [
        ([P], "passed", P),
        ([F], "failed", F),
        ([F, P], "flaky", P),
        ([N], "inconclusive", N),
        ([N, P], "passed", P),
        ([N, F], "failed", F),
        ([S], "skipped", N),
    ],
)
def test_the_verdict_about_a_case_is_made_of_all_its_plays(
    plays: list[Verdict], kind: str, whole: Verdict
) -> None:
    summary = results.summarize(of("a", play, n) for n, play in enumerate(plays, 1))
    found = {
        name: getattr(summary, name)
        for name in ("failed", "flaky", "inconclusive", "skipped", "passed")
    }
    assert found == {name: (("a",) if name == kind else ()) for name in found}
    assert summary.verdict is whole


def test_a_failure_outweighs_what_is_inconclusive_and_that_what_passed() -> None:
    assert results.summarize([of("a", P), of("b", N), of("c", F)]).verdict is F
    assert results.summarize([of("a", P), of("b", N)]).verdict is N
    assert results.summarize([of("a", P), of("b", S)]).verdict is P
    assert results.summarize([]).verdict is N


def test_another_build_or_scenario_is_another_case() -> None:
    other = replace(RECORD.surroundings, build="8")
    records = [
        of("a", P),
        replace(of("a", F), surroundings=other),
        replace(of("a", N), scenario="x"),
    ]
    groups = results.grouped(records)
    assert [group.records for group in groups] == [(record,) for record in records]
    assert [group.summary.flaky for group in groups] == [()] * 3


def test_the_verdict_of_all_groups_is_that_of_one_run() -> None:
    def verdict(*records: CaseRecord, fail_on_flaky: bool = False) -> Verdict:
        return results.verdict_of(results.grouped(records), fail_on_flaky=fail_on_flaky)

    elsewhere = replace(of("a", S), scenario="x")
    assert verdict(of("a", P), elsewhere) is P
    assert verdict(elsewhere) is N
    assert verdict() is N
    assert verdict(of("a", P), replace(elsewhere, verdict=N)) is N
    assert verdict(of("a", N), replace(elsewhere, verdict=F)) is F
    flaky = (of("a", P), of("a", F, 2))
    assert verdict(*flaky) is P
    assert verdict(*flaky, fail_on_flaky=True) is F


@pytest.mark.parametrize("build", ["b\udcff", "\ud800 and \udc00\ud800"])
def test_half_a_pair_of_surrogates_makes_no_result_unreadable(build: str) -> None:
    """An argument that is not UTF-8 has some."""
    record = replace(RECORD, surroundings=replace(RECORD.surroundings, build=build))
    read = results.from_line(results.to_line(record))
    assert read.surroundings.build.encode()
    assert read == replace(RECORD, surroundings=read.surroundings)
    whole = replace(RECORD, case="\U0001f600 \u202e \x00 é")
    assert results.from_line(results.to_line(whole)) == whole
