"""The engine's states and what leads from one to the next, found by running it.

Nothing here knows the states: thousands of modelled worlds are played, and what the engine did is
drawn. A way from state to state that no world takes is not in the picture.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from rejoin.core import events
from rejoin.core.phases import Phase, State
from rejoin.qa.simulation import case_of
from rejoin.verify.environment import Change
from rejoin.verify.simulate import simulate

SEEDS = 1500
BEGIN = "<!-- states: begin, written by `rejoin qa diagram` -->"
END = "<!-- states: end -->"

Ways = Mapping[tuple[str, str], frozenset[str]]
"""(from, to) -> the events that led there."""

_PLAYER = (Change.PLAYER_TRIES, Change.PLAYER_LEAVES, Change.PLAYER_ENDS)


def ways(seeds: int = SEEDS) -> Ways:
    """Every way from one state to another in so many worlds, with a player who does things."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)

    def observe(before: State, event: events.Event, after: State) -> None:
        here, there = type(before.phase).__name__, type(after.phase).__name__
        if here != there:
            found[here, there].add(type(event).__name__)

    for seed in range(seeds):
        case = case_of(seed)
        chance = random.Random(f"{seed} player")
        world = case.world
        if chance.random() < 0.5:
            at_s = chance.choice([-1.0, 0.0, 5.0, 10.0]) + chance.random() * 5.0
            act = (max(0.0, at_s), chance.choice(_PLAYER))
            acts = sorted((*world.faults, act), key=lambda change: change[0])
            world = replace(world, faults=tuple(acts))
        if chance.random() < 0.2:
            begins_s = chance.choice([0.0, 0.4 * chance.random()])
            lasts_s = 6.0 * chance.random()
            trouble = chance.choice([Change.BACKEND_DOWN, *_PLAYER])
            begin, end = (begins_s, trouble), (begins_s + lasts_s, Change.BACKEND_UP)
            world = replace(world, at_start=(begin, end))
        draw = random.Random(f"{seed} engine").random
        simulate(world, draw=draw, for_s=case.for_s, policy=case.policy, observer=observe)
    return {way: frozenset(names) for way, names in found.items()}


def document(found: Ways) -> str:
    """A diagram (Mermaid) of the ways, and the table of what leads along each."""
    names = [phase.__name__ for phase in Phase.__args__]
    order = {name: index for index, name in enumerate(names)}
    sorted_ways = sorted(found, key=lambda way: (order[way[0]], order[way[1]]))
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> Idle"]
    lines += [f"    {here} --> {there}" for here, there in sorted_ways]
    lines += ["    Ended --> [*]", "```", "", "| From | To | After |", "|---|---|---|"]
    for here, there in sorted_ways:
        after = ", ".join(sorted(_words(name) for name in found[here, there]))
        lines.append(f"| {here} | {there} | {after} |")
    seen = {name for way in found for name in way}
    unseen = [name for name in names if name not in seen]
    if unseen:
        lines += ["", f"Never entered in these worlds: {', '.join(unseen)}."]
    return "\n".join(lines)


def _words(name: str) -> str:
    if name == events.WakeupDue.__name__:
        return "its time was up"
    return re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()


def put_into(text: str, drawn: str) -> str:
    """The page with the drawing between its marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no marks for the states")
    return f"{before}{BEGIN}\n\n{drawn}\n\n{END}{after}"
