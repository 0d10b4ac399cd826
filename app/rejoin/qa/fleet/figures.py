"""Figures of a fleet: the players' times as percentiles and as a plot of their distribution."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rejoin.qa.figures import percentile
from rejoin.qa.results import CaseRecord, EpisodeResult
from rejoin.qa.verdicts import Verdict

_BLOCKS: Final = " ▁▂▃▄▅▆▇█"
COLUMNS: Final = 40


@dataclass(frozen=True, slots=True)
class Figure:
    """One time of each player, in seconds; `values` are sorted."""

    name: str
    values: tuple[float, ...]

    def percentile(self, percent: int) -> float:
        """As `qa.figures.percentile`, of at least one value."""
        return percentile(self.values, percent)


def figures(records: Iterable[CaseRecord]) -> tuple[Figure, ...]:
    """The figures that any player has; drops count from the start of the faults. A drop that healed
    on the old connection counts only for the time to LOST."""
    played = [record.played for record in records if record.played is not None]
    episodes = [each for record in played for each in record.episodes if each.began_at_s >= 0]
    rejoined = [each for each in episodes if each.outcome == "live"]
    found = (
        Figure("start to live", tuple(sorted(each.live_after_s for each in played))),
        _of_steps("drop to lost", episodes, lambda steps: steps.get("lost")),
        _of_steps("drop to answer", rejoined, lambda steps: steps.get("answer received")),
        _of_steps("drop to live again", rejoined, lambda steps: steps.get("live again")),
        Figure("picture frozen", tuple(sorted(s for each in played for s in each.freezes_s))),
    )
    return tuple(each for each in found if each.values)


def _of_steps(
    name: str,
    episodes: Sequence[EpisodeResult],
    value: Callable[[dict[str, float]], float | None],
) -> Figure:
    found = (value({step.name: step.at_s for step in each.steps}) for each in episodes)
    return Figure(name, tuple(sorted(each for each in found if each is not None)))


def lines(records: Sequence[CaseRecord]) -> Iterator[str]:
    """For a terminal: how many players passed, and each figure with its plot."""
    verdicts = Counter(record.verdict for record in records)
    shown = ", ".join(f"{verdicts[each]} {each.value}" for each in Verdict if verdicts[each])
    yield f"{len(records)} players: {shown}"
    lost = Counter(
        f"{record.verdict.value} ({record.why.value}): {'; '.join(record.sentences)}"
        for record in records
        if record.verdict is not Verdict.PASSED
    )
    for sentence, times in lost.most_common(5):
        yield f"  {times} x {sentence}"
    early = sum(
        episode.began_at_s < 0
        for record in records
        if record.played is not None
        for episode in record.played.episodes
    )
    if early:
        yield f"  {early} drops before the faults began: this machine may be too slow for so many"
    found = figures(records)
    if found:
        yield f"{'seconds':<20} {'n':>5} {'p50':>7} {'p90':>7} {'p99':>7} {'most':>7}"
    for figure in found:
        numbers = [figure.percentile(each) for each in (50, 90, 99)] + [figure.values[-1]]
        texts = " ".join(f"{number:7.2f}" for number in numbers)
        yield f"{figure.name:<20} {len(figure.values):5} {texts}  {plot(figure)}"


def plot(figure: Figure) -> str:
    """A plot of the distribution from the least to the highest value: one character for each of
    equal parts, the higher the more values are in it."""
    least, most = figure.values[0], figure.values[-1]
    if most == least:
        return f"|{_BLOCKS[-1]}| {least:.2f}"
    counts = [0] * COLUMNS
    for value in figure.values:
        counts[min(COLUMNS - 1, int((value - least) / (most - least) * COLUMNS))] += 1
    top = max(counts)
    drawn = "".join(_BLOCKS[-(-count * (len(_BLOCKS) - 1) // top)] for count in counts)
    return f"|{drawn}| {least:.2f} to {most:.2f}"
