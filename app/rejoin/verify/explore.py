"""Every order of events, within bounds: explored state by state, breadth first.

`interleavings` lists what may happen next and which invariants it violates. This module tries all
of it, breadth first, so the path to a violation is a shortest one. States that are the same but for
a shift in time count as one.

To check I7, all trouble ends: from then on everything arrives in order, and the player must get
back into the game.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Final

from rejoin.service_model import lifecycle
from rejoin.service_model import status as service_status
from rejoin.verify.interleavings import engine
from rejoin.verify.interleavings.moves import Move, MoveKind, moves
from rejoin.verify.interleavings.system import Budget, Message, System, flows, live
from rejoin.verify.invariants import Invariant, Violation, enough_time, not_saved

BUDGETS = {
    "a cut": Budget(cuts=1),
    "a cut and a loss": Budget(cuts=1, losses=1),
    "two cuts": Budget(cuts=2),
    "a close, a loss and a repetition": Budget(closes=1, losses=1, repeats=1),
    "no media and a failed call": Budget(dead_media=1, failures=1),
    "a crash": Budget(closes=1, crashes=1),
    "a second client": Budget(closes=1, seconds=1),
    "no route": Budget(routes=1),
    "a picture that does not arrive": Budget(pictures=3),
    "a queue": Budget(closes=1, queues=1),
    "everything once": Budget(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1),
}
"""The budgets that the gate explores."""

_FAIR_STEPS: Final = 400
_ASK_S: Final = engine.POLICY.turn_ask_s + engine.POLICY.turn_spread_s
"""How long a client takes at most to come one place nearer in the backend's queue."""
_LONG_AGO_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A violation, and a shortest path to it: the labels of its moves."""

    violation: Violation
    path: tuple[str, ...]

    @property
    def invariant(self) -> Invariant:
        return self.violation.invariant

    def __str__(self) -> str:
        title = f"{self.invariant.name}: {self.violation.detail}"
        return "\n  ".join((title, *self.path))


@dataclass(frozen=True, slots=True)
class Report:
    """What an exploration found. `steps`: moves that were tried; `fair_runs`: states from which I7
    was checked; `whole`: nothing was left to try within the budget."""

    states: int
    steps: int
    fair_runs: int
    whole: bool
    violations: tuple[Counterexample, ...] = field(repr=False)


def explore(
    budget: Budget,
    limit: int,
    *,
    fair_every: int = 20,
    stop_at_first: bool = True,
    on_states: Callable[[int], None] = lambda states: None,
) -> Report:
    """Every state that can be reached within the budget, breadth first, up to `limit` of them.

    From every `fair_every`th state the game is also continued without further trouble (I7).
    `on_states` gets now and then how many states were reached.
    """
    search = _Search(live(budget))
    while search.queue and len(search.seen) < limit:
        key, system = search.queue.popleft()
        on_states(len(search.seen))
        for move in moves(system):
            search.steps += 1
            for violation in move.violations:
                search.add(violation, key, (move.label,))
            new = search.visit(key, move)
            if new is not None and len(search.seen) % fair_every == 0:
                search.fair_runs += 1
                for found in run_fairly(move.after):
                    search.add(found.violation, new, found.path)
            if search.found and stop_at_first:
                return search.report(whole=False)
    return search.report(whole=not search.queue)


class _Search:
    """The states reached so far, the path to each, and those whose moves were not tried yet."""

    def __init__(self, first: System) -> None:
        key = _key(first)
        self.seen: dict[int, tuple[int, str]] = {key: (0, "")}
        """Key of a state -> key of the state before it, and the label of the move between them."""
        self.queue: deque[tuple[int, System]] = deque([(key, first)])
        self.found: list[Counterexample] = []
        self.steps = self.fair_runs = 0

    def visit(self, key: int, move: Move) -> int | None:
        """The key of the state after this move if it was not reached before."""
        new = _key(move.after)
        if new in self.seen:
            return None
        self.seen[new] = (key, move.label)
        self.queue.append((new, move.after))
        return new

    def add(self, violation: Violation, key: int, more: tuple[str, ...]) -> None:
        """Add a violation that is found `more` moves after the state with this key."""
        labels = list(reversed(more))
        while self.seen[key][1]:
            key, label = self.seen[key]
            labels.append(label)
        self.found.append(Counterexample(violation, tuple(reversed(labels))))

    def report(self, *, whole: bool) -> Report:
        return Report(len(self.seen), self.steps, self.fair_runs, whole, tuple(self.found))


# --- states that are alike ---

_PLAIN: Final[set[type[Any]]] = {int, str, bool, type(None)}
"""Types whose values count as they are; more are found on the way."""
_PLANS: Final[dict[type[Any], tuple[tuple[str, bool], ...]]] = {}
"""Of a dataclass: the name of each field, and whether it is a time."""


def _shape(value: Any, now: float) -> Any:
    """A value with its times relative to now: states that differ only in time compare equal. Most
    of an exploration's time is spent here."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    plan = _PLANS.get(kind)
    if plan is not None:
        parts: list[Any] = [kind]
        for name, is_time in plan:
            part = getattr(value, name)
            if part is None or (not is_time and type(part) in _PLAIN):
                parts.append(part)
            elif not is_time:
                parts.append(_shape(part, now))
            elif isinstance(part, tuple):
                parts.append(tuple([_since(each, now) for each in part]))
            else:
                parts.append(_since(part, now))
        return tuple(parts)
    if kind is tuple:
        return tuple([_shape(part, now) for part in value])
    if kind is float:
        return round(value, 3)
    if kind is Message:
        ready_s = round(max(value.ready_at - now, 0.0), 3)
        return (value.kind, value.client, ready_s, _shape(value.data, now))
    if not is_dataclass(value):
        _PLAIN.add(kind)
        return value
    _PLANS[kind] = tuple((each.name, each.name.endswith("_at")) for each in fields(value))
    return _shape(value, now)


def _since(at: float, now: float) -> float:
    return round(max(at - now, -_LONG_AGO_S), 3)


def _key(system: System) -> int:
    """Equal for systems that count as one; for two others equal by chance, once in 2 ** 64."""
    now = system.now
    messages = sorted((_shape(message, now) for message in system.messages), key=repr)
    rest = replace(system, messages=(), now=0.0)
    return hash((_shape(rest, now), tuple(messages)))


# --- the end of trouble ---------------------------------------------------------------------------

_FAIR_ORDER: Final = (
    MoveKind.ARRIVAL,
    MoveKind.ANSWER,
    MoveKind.CONNECTED,
    MoveKind.NOTICED,
    MoveKind.HEARD_AGAIN,
    MoveKind.SILENCE,
    MoveKind.TIME,
)
"""The order of moves when nothing is delayed: messages first, then what takes time. The other kinds
of move are trouble, or its end."""


def run_fairly(system: System) -> Iterator[Counterexample]:
    """I7: without more trouble, with everything in order, a client must be live in the end."""
    if not _savable(system):
        return
    system = replace(system, budget=Budget(), down=True, up=True, refused=False, pictures=())
    path = ["(no more trouble)"]
    for _ in range(_FAIR_STEPS):
        if _a_client_plays(system):
            return
        choices = [move for move in moves(system) if move.kind in _FAIR_ORDER]
        if not choices or not service_status.is_live(system.service.status):
            break
        move = min(choices, key=lambda choice: _FAIR_ORDER.index(choice.kind))
        system = move.after
        path.append(move.label)
        if move.violations:
            yield Counterexample(move.violations[0], tuple(path))
            return
    violation = not_saved(f"no client gets back into the game ({_summary(system)})")
    yield Counterexample(violation, tuple(path))


def _summary(system: System) -> str:
    clients = ", ".join(engine.describe(client.state) for client in system.clients)
    return f"service {system.service.status}, clients {clients}"


def _savable(system: System) -> bool:
    """Whether every client that still tries has enough time, by its own estimate and really."""
    trying = [each for each in system.clients if engine.ending_of(each.state) is None]
    if not trying or not service_status.is_live(system.service.status):
        return False
    ends_at = lifecycle.window_ends_at(system.service)
    for client in trying:
        # A client whose answer was lost notices that at its next wake-up and no sooner.
        at = system.now
        if engine.playing_on(client.state) is None:
            at = max(at, engine.next_wakeup(client.state) or at)
        if system.place is not None:
            at += (system.place.number + 1) * _ASK_S
        if not enough_time(at, (ends_at, engine.last_start_at(client.state))):
            return False
    return True


def _a_client_plays(system: System) -> bool:
    playing = (engine.playing_on(client.state) for client in system.clients)
    return any(each is not None and flows(system, each) for each in playing)
