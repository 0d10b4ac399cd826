"""Reading TOML: each kind of value, and one sentence for every error."""

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


def test_a_key_can_be_taken_once() -> None:
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


def test_a_missing_key_has_its_default() -> None:
    assert top().table("none") is None
    assert top().tables("none") == []
    assert top().number_or_none("none", 0, 1) is None
    assert top().word("none", ["a"], "a") == "a"


@pytest.mark.parametrize(
    ("take", "sentence"),
    [
        (lambda t: t.number("word", 0, 1), "word must be a number"),
        (lambda t: t.number("none", 0, 1), "none is missing"),
        (lambda t: t.number("number", 3, 4), "number must be 3 to 4"),
        (lambda t: t.text("number"), "number must be a text that is not empty"),
        (lambda t: t.word("word", ["a", "b"], "a"), "word must be one of a, b"),
        (lambda t: t.table("word"), "word must be a table"),
        (lambda t: t.tables("word"), "word must be a list of tables"),
        (lambda t: t.end(), "'word' is not known"),
        (lambda t: t.table("table").end(), r"table\.'inner' is not known"),
    ],
)
def test_an_error_names_file_and_key(take, sentence: str) -> None:  # type: ignore[no-untyped-def]
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
def test_a_file_that_is_not_toml_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(BadInputError, match=sentence):
        parse("The file", text)


@pytest.mark.parametrize(
    "text", ["old = 1", "[table]\nold = 1", "[[tables]]\n[[tables.more]]\nold = 1"]
)
def test_a_file_with_a_renamed_key_is_refused_with_the_new_name(text: str) -> None:
    with pytest.raises(BadInputError) as caught:
        parse("The file", text, {"old": "new"})
    assert str(caught.value) == "The file is of an older version: old is called new now."
    assert parse("The file", text).take("old") in (1, None)
