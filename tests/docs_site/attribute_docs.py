"""Finds what the source says about fields of a class: the text below each of them."""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise


def attribute_docs(cls: type) -> dict[str, str]:
    """By the name of the field or of the member of an enum, in the order of the source."""
    [definition] = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(definition, ast.ClassDef)
    found = {}
    for statement, below in pairwise([*definition.body, ast.Pass()]):
        name = _assigned(statement)
        if name is not None:
            found[name] = _text(below)
    return found


def _assigned(statement: ast.stmt) -> str | None:
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name)):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name
        case _:
            return None


def _text(statement: ast.stmt) -> str:
    match statement:
        case ast.Expr(value=ast.Constant(value=str(found))):
            return inspect.cleandoc(found)
        case _:
            return ""
