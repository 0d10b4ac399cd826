"""The table of names in a trace: complete, unambiguous, and changed only with a new version."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest

import rejoin
from rejoin.core import commands, events, phases
from rejoin.core.trace import SCHEMA
from rejoin.core.trace_names import COMMANDS, EVENTS, STATES

OF_VERSION = {2: "ef07b27cda494d4e", 3: "479fc6bc99dc30a5", 4: "d9cf6ed595d05247"}
"""The digest of all names of a version. A change of any name needs a new version."""


def test_every_event_command_and_state_has_a_name() -> None:
    assert set(EVENTS) == set(typing.get_args(events.Event))
    assert set(COMMANDS) == set(typing.get_args(commands.Command))
    assert set(STATES) == set(typing.get_args(phases.Phase))


def test_no_two_have_the_same_name() -> None:
    for table in (EVENTS, COMMANDS, STATES):
        names = list(table.values())
        assert len(set(names)) == len(names)
        assert all(name.isidentifier() for name in names)


def test_the_names_are_those_of_the_version() -> None:
    names = [sorted(table.values()) for table in (EVENTS, COMMANDS, STATES)]
    digest = hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16]
    assert OF_VERSION[SCHEMA] == digest, "another name needs another trace.SCHEMA"


# --- names that are compared ----------------------------------------------------------------------

APP = Path(rejoin.__file__).parent
TESTS = Path(__file__).parent.parent
NAMES = {name for table in (EVENTS, COMMANDS, STATES) for name in table.values()}


def literals_compared(tree: ast.AST) -> Iterator[ast.Constant]:
    """Every literal that code compares with something, or that is a case of a `match`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare | ast.MatchValue):
            yield from (each for each in ast.walk(node) if isinstance(each, ast.Constant))


def names_compared(tree: ast.AST) -> Iterator[str]:
    """Every literal that looks like a record's name and is compared with a `name` or `names`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and re.search(r"(\.name|\bnames?)\b", ast.unparse(node)):
            sides = (node.left, *node.comparators)
            for literal in sides:
                value = literal.value if isinstance(literal, ast.Constant) else None
                if isinstance(value, str) and re.fullmatch(r"([A-Z][a-z]+)+", value):
                    yield value


def test_code_takes_the_names_that_it_compares_from_the_table() -> None:
    """A literal would silently equal nothing once the table calls it something else."""
    literal = [
        f"{path.relative_to(APP)}:{each.lineno} {each.value}"
        for path in sorted(APP.rglob("*.py"))
        for each in literals_compared(ast.parse(path.read_text(encoding="utf-8")))
        if each.value in NAMES
    ]
    assert not literal


def test_the_names_that_tests_compare_are_in_the_table() -> None:
    """`assert "OfferMade" not in names` would hold for ever with a name that does not exist."""
    compared = {
        (name, path.relative_to(TESTS).as_posix())
        for path in sorted(TESTS.rglob("*.py"))
        for name in names_compared(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert len(compared) > 10
    assert not {(name, path) for name, path in compared if name not in NAMES}


@pytest.mark.parametrize(
    "code",
    [
        'record.name == "OfferMade"',
        '"OfferMade" not in names',
        'record.kind == "event" and record.name in ("OfferMade", "Sampled")',
        'match name:\n    case "OfferMade" | "Sampled":\n        pass',
    ],
)
def test_a_literal_that_is_compared_is_noticed(code: str) -> None:
    assert "OfferMade" in [each.value for each in literals_compared(ast.parse(code))]


def test_an_old_name_that_a_test_compares_is_noticed() -> None:
    tree = ast.parse('assert not [each for each in records if each.name == "AskedAgain"]')
    assert list(names_compared(tree)) == ["AskedAgain"]
    assert list(names_compared(ast.parse('thread.name == "work"'))) == []
