"""Error rates of `media.video.scene` on the footage of `footage.py`, for docs/scene.md.

A program by itself: `python tests/bench/scene_rates.py FOLDER [SAME DIFFERENT]`. As a client
does it: one picture before, those of two seconds after, the best one counts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rejoin.media.video import scene
from rejoin.media.video.scene import AFTER_S, Grey, compare

GAPS_S = (1.0, 2.0, 5.0, 10.0)
_EACH_S = 1.0
"""Between two beginnings in the same scene."""
_OTHERS = 4
"""Pictures of each scene that are compared with every other scene."""


@dataclass(frozen=True, slots=True)
class Footage:
    """One scene of one game."""

    game: str
    name: str
    pictures: npt.NDArray[np.uint8]
    times: npt.NDArray[np.float64]

    def after(self, at: float) -> list[Grey]:
        """What a client sees in the first two seconds from then."""
        chosen = (self.times >= at) & (self.times <= at + AFTER_S + 0.5)
        return list(self.pictures[chosen])


def read(folder: Path) -> list[Footage]:
    found = []
    for file in sorted(folder.glob("*.npz")):
        data = np.load(file)
        for key in data.files:
            if key.endswith(".pictures"):
                name = key.removesuffix(".pictures")
                found.append(Footage(file.stem, name, data[key], data[f"{name}.times"]))
    return found


def same(footage: Footage, gap_s: float) -> Iterator[tuple[Grey, list[Grey]]]:
    """Pairs of the same scene, this long apart."""
    at = 0.0
    while at + gap_s + AFTER_S <= footage.times[-1]:
        before = footage.pictures[footage.times <= at + 0.01]
        if len(before):
            yield before[-1], footage.after(at + gap_s)
        at += _EACH_S


def different(one: Footage, other: Footage) -> Iterator[tuple[Grey, list[Grey]]]:
    """Pairs of two scenes, from all over both."""
    ends = max(0.0, other.times[-1] - AFTER_S)
    befores = one.pictures[np.linspace(0, len(one.pictures) - 1, _OTHERS).astype(int)]
    for before, at in product(befores, np.linspace(0.0, ends, _OTHERS)):
        yield before, other.after(float(at))


def _line(name: str, pairs: list[tuple[Grey, list[Grey]]]) -> str:
    found = [compare(before, after) for before, after in pairs]
    known = sorted(each.similarity for each in found if each.similarity is not None)
    words = {word: sum(each.word is word for each in found) for word in scene.SceneWord}
    if not found:
        return f"| {name} | 0 |"
    cells = [f"{count} ({count / len(found):.1%})" for count in words.values()]
    spread = "-"
    if known:
        spread = " / ".join(f"{np.percentile(known, at):.2f}" for at in (0, 5, 50, 95, 100))
    return f"| {name} | {len(found)} | {' | '.join(cells)} | {spread} |"


def main(arguments: list[str]) -> int:
    if len(arguments) == 3:
        scene.SAME_FROM, scene.DIFFERENT_UP_TO = map(float, arguments[1:])  # type: ignore[misc]
    footages = read(Path(arguments[0]))
    for each in footages:
        print(f"{each.game} {each.name}: {len(each.pictures)} pictures, {each.times[-1]:.0f} s")
    heads = " | ".join(word.value for word in scene.SceneWord)
    print(f"| Pairs | Number | {heads} | similarity, 0/5/50/95/100 % |")
    print("|---|--:|" + "--:|" * (len(scene.SceneWord) + 1))
    for gap_s in GAPS_S:
        pairs = [pair for each in footages for pair in same(each, gap_s)]
        print(_line(f"the same scene, {gap_s:g} s apart", pairs))
    for each in footages:
        pairs = [pair for gap_s in GAPS_S for pair in same(each, gap_s)]
        print(_line(f"the same scene: {each.game}, {each.name}", pairs))
    others = [
        (one, other)
        for one, other in product(footages, repeat=2)
        if (one.game, one.name) != (other.game, other.name)
    ]
    levels = [(a, b) for a, b in others if a.name == b.name == "level"]
    of_game = [(a, b) for a, b in others if a.game.split("-")[0] == b.game.split("-")[0]]
    rest = [(a, b) for a, b in others if a.game.split("-")[0] != b.game.split("-")[0]]
    print(_line("another scene of the same game", [p for a, b in of_game for p in different(a, b)]))
    print(_line("another level of SuperTux", [p for a, b in levels for p in different(a, b)]))
    print(_line("another game", [p for a, b in rest for p in different(a, b)]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
