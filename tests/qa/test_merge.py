"""Merging: shards in one file, results that are there twice, cut lines and other versions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.qa_results import RECORD
from rejoin.errors import BadInputError
from rejoin.qa import results
from rejoin.qa.merge import merge
from rejoin.qa.results import CaseRecord
from rejoin.qa.verdicts import Verdict


def shard(folder: Path, name: str, *records: CaseRecord) -> Path:
    file = folder / name / results.FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{results.to_line(record)}\n" for record in records))
    return file


def play(index: int, run: str = "one") -> CaseRecord:
    return replace(RECORD, index=index, case=f"case {index}", run=run)


class Said(list[str]):
    def __call__(self, sentence: str) -> None:
        self.append(sentence)


def test_shards_become_one_file_in_the_order_of_the_plays(tmp_path: Path) -> None:
    said = Said()
    first = shard(tmp_path, "1", play(0), play(2))
    second = shard(tmp_path, "2", play(1, "two"), play(3, "two"))
    out = tmp_path / "whole" / "results.jsonl"
    begun: list[int] = []
    records = merge(out, [second, first], said, begun.append)
    assert begun == [0, 1]
    assert [record.index for record in records] == [0, 1, 2, 3]
    assert results.read(out) == records
    assert not said
    assert [each.name for each in out.parent.iterdir()] == ["results.jsonl"]


def test_attachments_are_found_from_the_new_file(tmp_path: Path) -> None:
    first = shard(tmp_path, "1", RECORD)
    trace = tmp_path / "1" / RECORD.attachments["trace"]
    trace.parent.mkdir()
    trace.write_text("trace")
    (record,) = merge(tmp_path / "a" / "b" / "out.jsonl", [first], Said())
    assert record.attachments == {"trace": "../../1/traces/0000-a-cut.jsonl"}
    assert (tmp_path / "a" / "b" / record.attachments["trace"]).read_text() == "trace"


def test_what_is_there_twice_is_written_once(tmp_path: Path) -> None:
    said = Said()
    first = shard(tmp_path, "1", play(0), play(1))
    again = shard(tmp_path, "again", play(1), play(2))
    out = tmp_path / "out.jsonl"
    assert [record.index for record in merge(out, [first, again], said)] == [0, 1, 2]
    assert said == [f"{again}: 1 results were there already and were left out."]
    assert merge(out, [out, first], said) == results.read(out)  # into one of them


def test_two_results_of_one_play_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    first = shard(tmp_path, "1", play(0))
    other = shard(tmp_path, "2", replace(play(0), verdict=Verdict.FAILED))
    out = tmp_path / "out.jsonl"
    out.write_text("as it was")
    with pytest.raises(BadInputError, match="another result of a play"):
        merge(out, [first, other], Said())
    assert out.read_text() == "as it was"


def test_the_same_shard_played_again_is_another_run(tmp_path: Path) -> None:
    first = shard(tmp_path, "1", play(0))
    again = shard(tmp_path, "2", replace(play(0, "two"), verdict=Verdict.FAILED))
    records = merge(tmp_path / "out.jsonl", [first, again], Said())
    assert results.grouped(records)[0].summary.flaky == ("case 0",)


def test_a_last_line_that_is_cut_off_is_left_out_and_said(tmp_path: Path) -> None:
    said = Said()
    cut = shard(tmp_path, "1", play(0), play(1))
    cut.write_text(cut.read_text()[:-40])
    assert [each.index for each in merge(tmp_path / "out.jsonl", [cut], said)] == [0]
    assert said == [
        "The last line of results.jsonl is cut off and was left out: its play is missing."
    ]


def test_a_damaged_line_before_the_last_is_refused(tmp_path: Path) -> None:
    file = shard(tmp_path, "1", play(0))
    file.write_text("{cut\n" + file.read_text())
    with pytest.raises(BadInputError, match=r"Line 1 of results\.jsonl"):
        merge(tmp_path / "out.jsonl", [file], Said())


def test_another_version_is_refused_with_a_sentence(tmp_path: Path) -> None:
    newer = {**json.loads(results.to_line(play(1))), "version": 99}
    file = shard(tmp_path, "1", play(0))
    file.write_text(file.read_text() + json.dumps(newer) + "\n")
    with pytest.raises(BadInputError, match=r"Line 2 .* another version of Rejoin"):
        merge(tmp_path / "out.jsonl", [file], Said())
    assert not (tmp_path / "out.jsonl").exists()


def test_a_shard_without_a_result_is_said(tmp_path: Path) -> None:
    """It was killed before its first result, or has just begun."""
    said = Said()
    empty, cut = shard(tmp_path, "1"), shard(tmp_path, "2", play(1))
    cut.write_text(cut.read_text()[:40])
    merged = merge(tmp_path / "out.jsonl", [empty, cut, shard(tmp_path, "3", play(0))], said)
    assert [each.index for each in merged] == [0]
    assert said == [
        f"{empty} has no result: the plays of its run are missing.",
        "The last line of results.jsonl is cut off and was left out: its play is missing.",
        f"{cut} has no result: the plays of its run are missing.",
    ]


def test_a_mark_of_the_byte_order_is_no_damage(tmp_path: Path) -> None:
    file = shard(tmp_path, "1", play(0))
    file.write_text(file.read_text(), encoding="utf-8-sig")
    assert len(merge(tmp_path / "out.jsonl", [file], Said())) == 1
