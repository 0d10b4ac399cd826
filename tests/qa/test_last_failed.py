"""What did not pass last time is remembered by scenario, backend and shard."""

from __future__ import annotations

from pathlib import Path

from rejoin.qa.last_failed import WHOLE, LastFailed


def test_what_did_not_pass_is_remembered_by_scenario_and_backend(tmp_path: Path) -> None:
    here = LastFailed(tmp_path, "s", "http://a")
    assert here.cases(WHOLE) is None
    here.keep(WHOLE, ["x", "y", "z"], ["x", "y"])
    assert here.cases(WHOLE) == frozenset({"x", "y"})
    assert LastFailed(tmp_path, "s", "http://b").cases(WHOLE) is None
    assert LastFailed(tmp_path, "t", "http://a").cases(WHOLE) is None
    [file] = tmp_path.iterdir()
    file.write_text('{"cases": [1]}')
    assert here.cases(WHOLE) is None
    (tmp_path / "file").write_text("")
    LastFailed(tmp_path / "file", "s", "http://a").keep(WHOLE, [], [])  # no folder: no error


def test_cases_that_were_not_played_stay_as_they_were(tmp_path: Path) -> None:
    here = LastFailed(tmp_path, "s", "http://a")
    here.keep(WHOLE, ["x", "y"], ["x", "y"])
    here.keep(WHOLE, ["x"], [])
    assert here.cases(WHOLE) == frozenset({"y"})


def test_a_shard_does_not_forget_the_others(tmp_path: Path) -> None:
    here = LastFailed(tmp_path, "s", "http://a")
    here.keep((1, 2), ["a", "b"], ["a"])
    assert here.cases((2, 2)) is None
    here.keep((2, 2), ["a", "c"], ["c"])
    assert here.cases((1, 2)) == frozenset({"a"}), "another play of it passed in the other shard"
    assert here.cases((2, 2)) == frozenset({"c"})
    assert here.cases(WHOLE) == frozenset({"a", "c"})
    here.keep(WHOLE, ["a", "b", "c"], ["b"])
    assert here.cases(WHOLE) == frozenset({"b"}), "shards of an earlier run say nothing any more"
    assert here.cases((1, 2)) == frozenset()
    here.keep((3, 5), ["b"], [])
    assert here.cases(WHOLE) == frozenset()
