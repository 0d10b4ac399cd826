"""Compares modelled runs pair by pair: with the same seed, any difference comes from the builds.

A modelled run is the same every time, so no statistics are needed: two folders of traces are
compared file by file, record by record.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rejoin.core.trace import Record, Timeline, timelines, to_line
from rejoin.errors import BadInputError
from rejoin.qa import call_counts, traces

_SUFFIX: Final = ".jsonl"


@dataclass(frozen=True, slots=True)
class RunFigures:
    """Figures of a run. `ended`: the last state and its ending. `frozen_s`: all its drops
    together."""

    ended: str
    drops: int
    frozen_s: float
    tries: int
    lost_answers: int
    refusals: int

    def line(self) -> str:
        """The figures in words."""
        return (
            f"{self.ended}, {self.drops} drops, frozen {self.frozen_s:.2f} s, {self.tries} calls, "
            f"{self.lost_answers} answers lost, {self.refusals} refused"
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """A run that is not the same. `record`: the number of the first one that differs, from 1.
    `record_before`, `record_after`: as lines; empty: the trace ended before it."""

    name: str
    record: int
    record_before: str
    record_after: str
    before: RunFigures
    after: RunFigures


@dataclass(frozen=True, slots=True)
class Pairing:
    """`pairs`: how many runs both have. `only_before`, `only_after`: names of the others."""

    pairs: int
    differences: tuple[Difference, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether each run of one has one of the other."""
        return not self.only_before and not self.only_after


def compare(
    before: Path, after: Path, on_pair: Callable[[int, int], None] = lambda number, of: None
) -> Pairing:
    """Two folders of traces. `on_pair` gets how many pairs are done, and of how many, before each.
    Raises BadInputError if they have no file name in common, or a file is no trace."""
    names_before, names_after = _names(before), _names(after)
    common = sorted(names_before & names_after)
    if not common:
        raise BadInputError(
            f"The folders {before.name} and {after.name} have no trace of the same name."
        )
    differences = []
    for number, name in enumerate(common):
        on_pair(number, len(common))
        difference = _difference(name, before / name, after / name)
        if difference is not None:
            differences.append(difference)
    return Pairing(
        len(common),
        tuple(differences),
        tuple(sorted(names_before - names_after)),
        tuple(sorted(names_after - names_before)),
    )


def _names(folder: Path) -> set[str]:
    try:
        return {file.name for file in folder.iterdir() if file.suffix == _SUFFIX}
    except OSError as error:
        raise BadInputError(
            f"The folder {folder.name} cannot be read: {error.strerror}."
        ) from error


def _difference(name: str, before: Path, after: Path) -> Difference | None:
    records = list(traces.read(before)), list(traces.read(after))
    texts = [[to_line(record) for record in each] for each in records]
    if texts[0] == texts[1]:
        return None
    pairs = itertools.zip_longest(*texts, fillvalue="")
    number, (first, second) = next(
        (number, pair) for number, pair in enumerate(pairs, 1) if pair[0] != pair[1]
    )
    figures = [_figures(each) for each in records]
    return Difference(name.removesuffix(_SUFFIX), number, first, second, *figures)


def _figures(records: Sequence[Record]) -> RunFigures:
    found = timelines(records)
    calls = call_counts.of_episodes(records, found)
    return RunFigures(
        ended=_ended(records),
        drops=len(found),
        frozen_s=round(sum(map(_frozen_s, found)), 3),
        tries=sum(each.tries for each in calls),
        lost_answers=sum(each.lost_answers for each in calls),
        refusals=sum(each.refusals for each in calls),
    )


def _ended(records: Sequence[Record]) -> str:
    last = next((record for record in reversed(records) if record.kind == "state"), None)
    if last is None:
        return "no state"
    ending = last.data.get("ending")
    return f"{last.name} ({ending})" if ending else last.name


def _frozen_s(line: Timeline) -> float:
    began_at, ended_at = line.at("last media"), line.at("first frame")
    if began_at is None:
        began_at = line.began_at
    if line.outcome != "live" or ended_at is None:
        ended_at = line.steps[-1].at
    return max(0.0, ended_at - began_at)


# --- reports --------------------------------------------------------------------------------------


def lines(pairing: Pairing, most: int = 20) -> Iterator[str]:
    """For a terminal; up to `most` differences."""
    for each in pairing.differences[:most]:
        yield f"{each.name}: differs from record {each.record} on"
        yield f"  before: {each.record_before[:160] or 'the trace is over'}"
        yield f"  after:  {each.record_after[:160] or 'the trace is over'}"
        if each.before != each.after:
            yield f"  before: {each.before.line()}"
            yield f"  after:  {each.after.line()}"
    if len(pairing.differences) > most:
        yield f"{len(pairing.differences) - most} more differ."
    for names, which in ((pairing.only_before, "before"), (pairing.only_after, "after")):
        if names:
            yield f"{len(names)} runs are only there {which}, {names[0]} for example."
    yield f"{pairing.pairs} pairs, {len(pairing.differences)} differ."


def document(pairing: Pairing) -> str:
    """Markdown. What comes from traces stands in code."""
    head = "differences" if pairing.differences else "no difference"
    found = [f"## Modelled runs: {head}", ""]
    found.append(f"{pairing.pairs} pairs with the same seed, {len(pairing.differences)} differ.")
    for names, which in ((pairing.only_before, "before"), (pairing.only_after, "after")):
        if names:
            found.append(f"{len(names)} runs are only there {which}.")
    if pairing.differences:
        found += ["", "| Run | From record | Before | After |", "|---|--:|---|---|"]
        found += [
            f"| `{traces.file_name(each.name)}` | {each.record} | {each.before.line()} | "
            f"{each.after.line()} |"
            for each in pairing.differences
        ]
    return "\n".join(found) + "\n"


def as_json(pairing: Pairing) -> str:
    """One JSON object, with the same members as `Pairing`."""
    return json.dumps({"version": 1} | asdict(pairing), indent=1) + "\n"
