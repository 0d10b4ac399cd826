"""The exception tree: every error has its code, and the README lists the exit codes."""

from __future__ import annotations

import re
from pathlib import Path

from rejoin.errors import RejoinError

README = Path(__file__).parent.parent / "README.md"


def family(of: type[RejoinError] = RejoinError) -> set[type[RejoinError]]:
    """The part of the tree that rejoin.errors defines."""
    children = {child for child in of.__subclasses__() if child.__module__ == "rejoin.errors"}
    return {of}.union(*(family(child) for child in children))


def test_every_error_has_its_own_code() -> None:
    codes = [error.code for error in family()]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z][a-z_]*", code) for code in codes)


def test_exit_codes_avoid_those_of_the_shell() -> None:
    assert all(1 <= error.exit_code < 64 for error in family())


def test_the_readme_lists_every_exit_code() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", README.read_text(encoding="utf-8"), re.MULTILINE)
    listed = {(int(exit_code), code) for exit_code, code in rows}
    assert listed == {(error.exit_code, error.code) for error in family()}


def test_the_text_of_an_error_is_its_sentence() -> None:
    for error in family():
        assert str(error("The port is taken.")) == "The port is taken."
