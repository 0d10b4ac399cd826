"""Modelled runs of two builds, pair by pair."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from rejoin.core.model import Policy
from rejoin.errors import BadInputError
from rejoin.qa import paired, simulation, traces
from rejoin.verify.environment import Change, World
from rejoin.verify.simulate import simulate

GAMES = 40


def a_folder(folder: Path, *, lost: float = 0.0, slower_s: float = 0.0) -> Path:
    """Games that lose their path once. `lost`: the share of them that loses an answer."""
    folder.mkdir()
    policy = replace(Policy(), lost_min_s=Policy().lost_min_s + slower_s)
    for seed in range(GAMES):
        world = World(faults=((1.0, Change.FLOW_DIES),))
        if random.Random(f"lost {seed}").random() < lost:
            world = replace(world, faults=((1.0, Change.CREATE_RESET), *world.faults))
        draw = random.Random(seed).random
        records = simulate(world, draw=draw, for_s=20.0, policy=policy).records
        traces.write(folder / f"seed-{seed:08}.jsonl", records)
    return folder


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_folder(tmp_path_factory.mktemp("paired") / "before")


def test_an_unchanged_build_has_no_difference_at_all(before: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    after = a_folder(tmp_path / "after")
    pairing = paired.compare(before, after, lambda *so_far: seen.append(so_far))
    assert seen == [(number, GAMES) for number in range(GAMES)]
    assert (pairing.pairs, pairing.differences, pairing.is_whole) == (GAMES, (), True)
    assert list(paired.lines(pairing)) == [f"{GAMES} pairs, 0 differ."]
    assert "no difference" in paired.document(pairing)


def test_each_lost_answer_is_found_with_its_seed_and_its_first_record(
    before: Path, tmp_path: Path
) -> None:
    pairing = paired.compare(before, a_folder(tmp_path / "after", lost=0.05))
    expected = {
        f"seed-{seed:08}" for seed in range(GAMES) if random.Random(f"lost {seed}").random() < 0.05
    }
    assert expected
    assert {each.name for each in pairing.differences} == expected
    for each in pairing.differences:
        assert (each.before.lost_answers, each.after.lost_answers) == (0, 1)
        assert each.after.frozen_s > each.before.frozen_s
        assert each.record_before != each.record_after
        assert each.record > 1
    text = "\n".join(paired.lines(pairing))
    assert "1 answers lost" in text
    assert json.loads(paired.as_json(pairing))["pairs"] == GAMES


def test_a_slower_detector_is_found_in_every_pair(before: Path, tmp_path: Path) -> None:
    pairing = paired.compare(before, a_folder(tmp_path / "after", slower_s=1.0))
    assert len(pairing.differences) == GAMES
    lines = list(paired.lines(pairing, most=5))
    assert f"{GAMES - 5} more differ." in lines
    assert paired.document(pairing).count("| `seed-") == GAMES


def test_what_one_folder_alone_has_is_said(before: Path, tmp_path: Path) -> None:
    after = tmp_path / "after"
    after.mkdir()
    for name in ("seed-00000000.jsonl", "seed-00000099.jsonl"):
        (after / name).write_bytes((before / "seed-00000000.jsonl").read_bytes())
    pairing = paired.compare(before, after)
    assert (pairing.pairs, pairing.is_whole) == (1, False)
    assert len(pairing.only_before) == GAMES - 1
    assert pairing.only_after == ("seed-00000099.jsonl",)
    text = "\n".join(paired.lines(pairing))
    assert "1 runs are only there after, seed-00000099.jsonl for example." in text


def test_a_trace_that_ends_earlier_differs_at_its_end(before: Path, tmp_path: Path) -> None:
    after = tmp_path / "after"
    after.mkdir()
    text = (before / "seed-00000000.jsonl").read_text().splitlines(keepends=True)
    (after / "seed-00000000.jsonl").write_text("".join(text[:-1]))
    (difference,) = paired.compare(before, after).differences
    assert (difference.record, difference.record_after) == (len(text), "")
    (after / "seed-00000000.jsonl").write_text("")
    (difference,) = paired.compare(before, after).differences
    assert difference.after.ended == "no state"


def test_folders_that_cannot_be_compared_are_refused(before: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no trace of the same name"):
        paired.compare(before, tmp_path)
    with pytest.raises(BadInputError, match="cannot be read"):
        paired.compare(before, tmp_path / "missing")
    (tmp_path / "seed-00000000.jsonl").write_text("no trace\n")
    with pytest.raises(BadInputError, match="Line 1"):
        paired.compare(before, tmp_path)


def test_random_worlds_have_traces_by_seed(tmp_path: Path) -> None:
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
        simulation.tally(0, 12, folder=tmp_path / name)
    pairing = paired.compare(tmp_path / "before", tmp_path / "after")
    assert (pairing.pairs, pairing.differences) == (12, ())
