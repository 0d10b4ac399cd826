"""Invalid JSON for fuzzing: turns a valid document into one that an attacker might send.

Up to three places are changed: another type, null, a huge number, deep nesting, a duplicate key,
NaN, or a missing value.
"""

from __future__ import annotations

import json
from typing import Any, Final

from hypothesis import strategies as st

_DEEP: Final = "[" * 20_000 + "]" * 20_000
_LONG: Final = "x" * (300 * 1024)

ODD_TOKENS: Final = (
    "null", "true", "false", "0", "-1", "-0.0", "1e308", "-1e308", "1e400", "NaN", "Infinity",
    "-Infinity", "9007199254740993", "1" + "0" * 400, "9" * 5000, '""', '" "', '"\\u0000"',
    '"\\ud800"', '"\\udfff\\ud800"', '"\u202e\u2066"', '"%s%n{0}"', '"ACTIVE\\n"', "[]", "[[]]",
    "{}", '{"": {}}', "[null]", '"' + "y" * 5000 + '"', "12345678901234567890", "00", "1.", "'a'",
    "undefined", "",
)  # fmt: skip
"""Replacements for a value: valid JSON and text that is almost JSON."""


def _replaced(value: Any, path: tuple[Any, ...], odd: str) -> str:
    """The document as text, with the raw text `odd` in place of the value at `path`."""
    if not path:
        return odd
    if isinstance(value, dict):
        return (
            "{"
            + ",".join(
                json.dumps(key)
                + ":"
                + (_replaced(each, path[1:], odd) if key == path[0] else json.dumps(each))
                for key, each in value.items()
            )
            + "}"
        )
    return (
        "["
        + ",".join(
            _replaced(each, path[1:], odd) if index == path[0] else json.dumps(each)
            for index, each in enumerate(value)
        )
        + "]"
    )


def paths(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values of a document, starting with the whole document."""
    found = [before]
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, each in items:
        found += paths(each, (*before, key))
    return found


@st.composite
def hostile_json(draw: st.DrawFn, *documents: Any) -> str:
    """One of these documents as text, mostly with something wrong in it."""
    document = json.loads(json.dumps(draw(st.sampled_from(documents))))
    for _ in range(draw(st.integers(0, 2))):
        _spoil(draw, document)
    kind = draw(st.sampled_from(["as it is", "odd", "odd", "odd", "twice", "deep", "long"]))
    where = draw(st.sampled_from(paths(document)))
    match kind:
        case "odd":
            return _replaced(document, where, draw(st.sampled_from(ODD_TOKENS)))
        case "deep":
            return _replaced(document, where, _DEEP)
        case "long":
            return _replaced(document, where, f'"{_LONG}"')
        case "twice" if isinstance(document, dict) and document:
            key = draw(st.sampled_from(sorted(document)))
            return json.dumps(document)[:-1] + f",{json.dumps(key)}:null}}"
        case _:
            return json.dumps(document)


def _spoil(draw: st.DrawFn, document: Any) -> None:
    """Remove a value, replace it with another type, or add an unknown one."""
    where = draw(st.sampled_from(paths(document)))
    if not where:
        return
    holder = document
    for key in where[:-1]:
        holder = holder[key]
    match draw(st.sampled_from(["gone", "other", "more"])):
        case "gone":
            del holder[where[-1]]
        case "other":
            holder[where[-1]] = draw(
                st.one_of(
                    st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.floats(0, 9),
                    st.lists(st.integers(), max_size=2),
                    st.dictionaries(st.text(max_size=3), st.none(), max_size=2),
                )
            )  # fmt: skip
        case _ if isinstance(holder, dict):
            holder[draw(st.text(max_size=5))] = 1
        case _:
            holder.append(None)
