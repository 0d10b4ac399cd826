"""TOML taken apart: each kind of value, and one sentence for whatever is wrong."""

from __future__ import annotations

import pytest

from rejoin.errors import BadInputError
from rejoin.netem.toml_tables import MAX_TEXT, Table, parse

TEXT = """
word = "one"
number = 2
[table]
inner = "x"
[[tables]]
[[tables]]
"""


def top() -> Table:
    return parse("The file", TEXT)


def test_what_is_taken_is_gone() -> None:
    table = top()
    assert table.text("word") == "one"
    assert table.number("number", 0, 5) == 2.0
    assert table.take("word") is None
    inner = table.table("table")
    assert inner is not None
    assert inner.word("inner", ["x"], "y") == "x"
    assert len(table.tables("tables")) == 2
    table.end()
    inner.end()


def test_what_is_not_there_is_nothing() -> None:
    assert top().table("none") is None
    assert top().tables("none") == []
    assert top().number_or_none("none", 0, 1) is None
    assert top().word("none", ["a"], "a") == "a"


@pytest.mark.parametrize(
    ("take", "sentence"),
    [
        (lambda t: t.number("word", 0, 1), "word is a number"),
        (lambda t: t.number("none", 0, 1), "none is missing"),
        (lambda t: t.number("number", 3, 4), "number is 3 to 4"),
        (lambda t: t.text("number"), "number is a text and is not empty"),
        (lambda t: t.word("word", ["a", "b"], "a"), "word is one of a, b"),
        (lambda t: t.table("word"), "word is a table"),
        (lambda t: t.tables("word"), "word is a list of tables"),
        (lambda t: t.end(), "'word' is not known"),
        (lambda t: t.table("table").end(), r"table\.'inner' is not known"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_key(take, sentence: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BadInputError, match=f"The file cannot be used: {sentence}"):
        take(top())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("=", "The file is not TOML"),
        ("x = " + "[" * 5000, "The file is not TOML"),
        (" " * (MAX_TEXT + 1), "The file is too long"),
    ],
)
def test_what_is_no_toml_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(BadInputError, match=sentence):
        parse("The file", text)
