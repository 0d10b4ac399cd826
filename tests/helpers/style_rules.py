"""The rules of the filled style sheet: which colours a widget has in which state."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_COLOUR = re.compile(r"#[0-9a-f]{6}|\btransparent\b")


@dataclass(frozen=True)
class Rule:
    """`selector` without its state; `states` as ":hover". `colours`: by property; of a border that
    names its width and style too, the colour."""

    selector: str
    states: frozenset[str]
    colours: Mapping[str, str]


def rules(sheet: str) -> list[Rule]:
    """In the order of the sheet; one for each selector."""
    without_comments = re.sub(r"/\*.*?\*/", "", sheet, flags=re.S)
    return list(_rules(without_comments))


def _rules(sheet: str) -> Iterator[Rule]:
    for selectors, body in re.findall(r"([^{}]+)\{([^}]*)\}", sheet):
        colours = {}
        for declaration in body.split(";"):
            name, _, value = declaration.partition(":")
            found = _COLOUR.search(value)
            if found:
                short = "border-color" if name.strip() == "border" else name.strip()
                colours[short] = found[0]
        for selector in selectors.split(","):
            base, *states = re.split(r"(?<!:):(?!:)", selector.strip())
            yield Rule(base.strip(), frozenset(states), colours)


def colour(found: list[Rule], selector: str, name: str, *states: str) -> str | None:
    """As Qt cascades: the last rule whose states are all there, and the widget's own kind before
    its class. None: no rule names it."""
    plain = selector.partition("[")[0]
    for wanted in dict.fromkeys((selector, plain)):
        hits = [
            rule.colours[name]
            for rule in found
            if rule.selector == wanted and name in rule.colours and rule.states <= set(states)
        ]
        if hits:
            return hits[-1]
    return None
