"""The engine's states and the transitions between them, read from the engine's own code.

`core/engine/dispatch` names the function of each state, and has one that comes before it in every
state. From every branch of these functions, this follows all calls to the states that they can
enter, whatever the conditions are. So no transition is missing; some may never happen. The tests
compare this with the transitions that they take.
"""

from __future__ import annotations

import ast
import errno
import inspect
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import get_args

from rejoin.core import engine, events
from rejoin.core.phases import Phase
from rejoin.core.trace_names import EVENTS, STATES
from rejoin.errors import BadInputError, RejoinError

BEGIN = "<!-- states: begin, written by `rejoin qa diagram` -->"
END = "<!-- states: end -->"

TransitionTable = Mapping[tuple[str, str], frozenset[str]]
"""(from, to) -> the events that can cause it; by the names that a trace uses."""

_PHASES = {phase.__name__: phase for phase in get_args(Phase)}
_DISPATCH = "dispatch.on_event"
_WHATEVER_THE_PHASE = "dispatch._note_facts"


@cache
def transitions() -> TransitionTable:
    """Every transition from one state to another that the engine's code has."""
    code = _Code()
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for phase, function in code.functions_of_phases():
        here = STATES[_PHASES[phase]]
        for where in (_WHATEVER_THE_PHASE, function):
            for names, branch in _branches(code.functions[where]):
                for reached in code.phases_entered(where, branch):
                    there = STATES[_PHASES[reached]]
                    if here != there:
                        found[here, there].update(names)
    return {transition: frozenset(names) for transition, names in found.items()}


def _source(module: ModuleType) -> str:
    try:
        return inspect.getsource(module)
    except OSError:
        raise RejoinError(
            "A packaged Rejoin has no source code to read. Use one that pip has installed."
        ) from None


class _Code:
    """The engine's modules: syntax trees of their functions, and what their imports refer to."""

    def __init__(self) -> None:
        self.functions: dict[str, ast.FunctionDef] = {}
        self._imported: dict[str, str] = {}
        for info in pkgutil.iter_modules(engine.__path__):
            module = import_module(f"{engine.__name__}.{info.name}")
            for node in ast.parse(_source(module)).body:
                if isinstance(node, ast.FunctionDef):
                    self.functions[f"{info.name}.{node.name}"] = node
                elif isinstance(node, ast.ImportFrom) and node.module:
                    source = node.module.removeprefix(f"{engine.__name__}.")
                    for alias in node.names:
                        self._imported[f"{info.name}.{alias.name}"] = f"{source}.{alias.name}"

    def functions_of_phases(self) -> Iterator[tuple[str, str]]:
        """Each phase's class, and the function that `dispatch` calls for it."""
        for names, branch in _branches(self.functions[_DISPATCH], of="phase"):
            for function in self._called(_DISPATCH, branch):
                yield from ((name, function) for name in names)

    def phases_entered(self, function: str, branch: list[ast.AST]) -> set[str]:
        """The phases that this part of a function creates, directly or in what it calls."""
        made, seen, parts = set(), set(), [(function, branch)]
        while parts:
            where, nodes = parts.pop()
            made |= {name for name in _calls(nodes) if name in _PHASES}
            for called in self._called(where, nodes):
                if called not in seen:
                    seen.add(called)
                    parts.append((called, list(self.functions[called].body)))
        return made

    def _called(self, function: str, nodes: list[ast.AST]) -> Iterator[str]:
        module = function.partition(".")[0]
        for name in _calls(nodes):
            full = name if "." in name else f"{module}.{name}"
            full = self._imported.get(full, full)
            if full in self.functions:
                yield full


def _calls(nodes: list[ast.AST]) -> Iterator[str]:
    """The calls in these nodes: `name`, or `module.name`."""
    for top in nodes:
        for node in ast.walk(top):
            if isinstance(node, ast.Call):
                if isinstance(node.func, ast.Name):
                    yield node.func.id
                elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
                    yield f"{node.func.value.id}.{node.func.attr}"


def _branches(
    function: ast.FunctionDef, of: str = "event"
) -> Iterator[tuple[set[str], list[ast.AST]]]:
    """The cases of the function's `match`: the classes they are for, and their code."""
    for statement in function.body:
        if (
            isinstance(statement, ast.Match)
            and isinstance(statement.subject, ast.Name)
            and statement.subject.id == of
        ):
            for case in statement.cases:
                guard = [case.guard] if case.guard is not None else []
                yield _classes(case.pattern, of), [*guard, *case.body]


def _classes(pattern: ast.pattern, of: str) -> set[str]:
    """The phases of a pattern by class, or its events by the name that a trace uses."""
    names = {
        node.cls.attr if isinstance(node.cls, ast.Attribute) else ast.unparse(node.cls)
        for node in ast.walk(pattern)
        if isinstance(node, ast.MatchClass)
    }
    if of == "phase":
        return names
    bases = tuple(getattr(events, name) for name in names)
    return {name for event, name in EVENTS.items() if issubclass(event, bases)}


def document(found: TransitionTable) -> str:
    """A diagram (Mermaid) of the transitions, and a table of the events that cause each."""
    order = {name: index for index, name in enumerate(STATES.values())}
    sorted_found = sorted(found, key=lambda pair: (order[pair[0]], order[pair[1]]))
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> Idle"]
    lines += [f"    {here} --> {there}" for here, there in sorted_found]
    lines += ["    Ended --> [*]", "```", "", "| From | To | After |", "|---|---|---|"]
    for here, there in sorted_found:
        after = ", ".join(sorted(_words(name) for name in found[here, there]))
        lines.append(f"| {here} | {there} | {after} |")
    return "\n".join(lines)


def _words(name: str) -> str:
    if name == EVENTS[events.WakeupDue]:
        return "its time was up"
    return re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()


def update(page: Path, drawn: str) -> None:
    """Replace the diagram in this file. Raises BadInputError; OSError when the disk is full."""
    try:
        text = page.read_text(encoding="utf-8")
        page.write_text(put_into(text, drawn), encoding="utf-8")
    except UnicodeDecodeError:
        raise BadInputError(f"{page.name} is not text.") from None
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise BadInputError(f"{page.name} cannot be updated: {error.strerror}.") from error


def put_into(text: str, drawn: str) -> str:
    """The page with the diagram between its markers. Raises BadInputError without them."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BadInputError(f"The page has no place for the diagram: the lines {BEGIN} and {END}.")
    return f"{before}{BEGIN}\n\n{drawn}\n\n{END}{after}"
