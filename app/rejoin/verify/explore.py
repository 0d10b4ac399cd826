"""Every order of events, within bounds: explored state by state, breadth first.

What may happen, and what of it breaks an invariant, is `orders`'s. Here it is tried, all of it, so
that the way to a violation is a shortest one. States that differ only by when the whole thing began
are one.

I7 is judged by letting trouble end: from then on everything arrives in order, and the player must
get back in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from rejoin.core import engine
from rejoin.core.phases import Ended, Live
from rejoin.service_model import lifecycle
from rejoin.service_model import status as service_status
from rejoin.verify.interleavings import Budget, Message, System, flows, last_start_at, live, moves

BUDGETS = {
    "a cut": Budget(cuts=1),
    "a cut and a loss": Budget(cuts=1, losses=1),
    "two cuts": Budget(cuts=2),
    "a close, a loss and a repetition": Budget(closes=1, losses=1, repeats=1),
    "no media and a failed call": Budget(dead_media=1, failures=1),
    "a crash": Budget(closes=1, crashes=1),
    "a second client": Budget(closes=1, seconds=1),
    "everything once": Budget(1, 1, 1, 1, 1, 1, 1, 1),
}
"""What is explored in the gate."""

NEEDED_S = 7.0
"""Left of a window, this is enough for a client that waits its longest before it asks."""
_FAIR_STEPS = 400
_LONG_AGO_S = 60.0


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that breaks, and a shortest way there."""

    rule: str
    what: str
    way: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.rule}: {self.what}\n  " + "\n  ".join(self.way)


@dataclass(frozen=True, slots=True)
class Report:
    """What an exploration saw. `whole`: nothing was left to try within the budget."""

    states: int
    steps: int
    fair_runs: int
    whole: bool
    violations: tuple[Violation, ...] = field(repr=False)


def explore(
    budget: Budget, limit: int, *, fair_every: int = 20, stop_at_first: bool = True
) -> Report:
    """Every state that can be reached within the budget, breadth first, up to `limit` of them.

    Every `fair_every`th one is also run to its end without further trouble (I7).
    """
    first = live(budget)
    seen: dict[int, tuple[int, str]] = {_key(first): (0, "")}
    queue: deque[tuple[int, System]] = deque([(_key(first), first)])
    found: list[Violation] = []
    steps = fair_runs = 0

    def way(key: int, *more: str) -> tuple[str, ...]:
        labels = list(reversed(more))
        while seen[key][1]:
            labels.append(seen[key][1])
            key = seen[key][0]
        return tuple(reversed(labels))

    while queue and len(seen) < limit:
        key, system = queue.popleft()
        for label, after, broken in moves(system):
            steps += 1
            for rule, what in broken:
                found.append(Violation(rule, what, way(key, label)))
            if found and stop_at_first:
                return Report(len(seen), steps, fair_runs, False, tuple(found))
            there = _key(after)
            if there in seen:
                continue
            seen[there] = (key, label)
            queue.append((there, after))
            if len(seen) % fair_every == 0:
                fair_runs += 1
                for rule, what, more in run_fairly(after):
                    found.append(Violation(rule, what, way(there, *more)))
                if found and stop_at_first:
                    return Report(len(seen), steps, fair_runs, False, tuple(found))
    return Report(len(seen), steps, fair_runs, not queue, tuple(found))


# --- states that are alike ---

_PLANS: dict[type[Any], tuple[tuple[str, bool], ...]] = {}


def _shape(value: Any, now: float) -> Any:
    """A value with its times counted from now, so that what is alike later is alike."""
    kind = type(value)
    plan = _PLANS.get(kind)
    if plan is None and is_dataclass(value):
        plan = tuple((each.name, each.name.endswith("_at")) for each in fields(value))
        _PLANS[kind] = plan
    if plan is not None:
        parts: list[Any] = [kind]
        for name, is_time in plan:
            part = getattr(value, name)
            if not is_time or part is None:
                parts.append(_shape(part, now))
            elif isinstance(part, tuple):
                parts.append(tuple(_since(each, now) for each in part))
            else:
                parts.append(_since(part, now))
        return tuple(parts)
    if kind is Message:
        ready_s = round(max(value.ready_at - now, 0.0), 3)
        data = tuple(_shape(part, now) for part in value.data)
        return (value.kind, value.client, ready_s, data)
    if kind is tuple:
        return tuple(_shape(part, now) for part in value)
    if kind is float:
        return round(value, 3)
    return value


def _since(at: float, now: float) -> float:
    return round(max(at - now, -_LONG_AGO_S), 3)


def _key(system: System) -> int:
    """Equal for systems that are alike; of two that are not, equal once in 2 ** 64 times."""
    now = system.now
    messages = sorted((_shape(message, now) for message in system.messages), key=repr)
    rest = replace(system, messages=(), now=0.0)
    return hash((_shape(rest, now), tuple(messages)))


# --- the end of trouble ---------------------------------------------------------------------------

_FIRST = ("arrives", "answers", "comes up", "is gone", "heard again", "hears nothing", "passes")
"""What happens before what when nothing is delayed: messages first, then what takes time."""


def run_fairly(system: System) -> Iterable[tuple[str, str, tuple[str, ...]]]:
    """I7: no more trouble, everything arrives in order; somebody must play in the end."""
    if not _savable(system):
        return
    system = replace(system, budget=Budget(), down=True, up=True)
    labels: list[str] = ["(no more trouble)"]
    for _ in range(_FAIR_STEPS):
        if _somebody_plays(system):
            return
        choices = [move for move in moves(system) if move[0].endswith(_FIRST)]
        if not choices or not service_status.is_live(system.service.status):
            break
        label, system, broken = min(choices, key=lambda move: _rank(move[0]))
        labels.append(label)
        for rule, what in broken:
            yield rule, what, tuple(labels)
            return
    yield "I7", f"nobody gets back into the game ({_standing(system)})", tuple(labels)


def _rank(label: str) -> int:
    return next(index for index, end in enumerate(_FIRST) if label.endswith(end))


def _standing(system: System) -> str:
    phases = [client.state.phase for client in system.clients]
    told = [
        phase.ending.kind.value if isinstance(phase, Ended) else type(phase).__name__
        for phase in phases
    ]
    return f"service {system.service.status}, clients {', '.join(told)}"


def _savable(system: System) -> bool:
    """Whether whoever still tries has time enough, by its own reckoning and in truth."""
    trying = [each for each in system.clients if not isinstance(each.state.phase, Ended)]
    if not trying or not service_status.is_live(system.service.status):
        return False
    ends_at = lifecycle.window_ends_at(system.service)
    for client in trying:
        # Who waits for an answer that was lost learns of it no sooner than this.
        at = system.now
        if not isinstance(client.state.phase, Live):
            at = max(at, engine.next_wakeup(client.state) or at)
        for line_at in (ends_at, last_start_at(client.state)):
            if line_at is not None and line_at - at < NEEDED_S:
                return False
    return True


def _somebody_plays(system: System) -> bool:
    return any(
        isinstance(client.state.phase, Live) and flows(system, client.state.phase.connection)
        for client in system.clients
    )
