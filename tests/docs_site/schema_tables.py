"""Shows a JSON Schema as tables: one for each kind of object, with links between them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from docs_site.markdown import code, paragraphs, table, text, words

Schema = Mapping[str, Any]

_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "null",
    "object": "object",
    "array": "list",
}
_BOUNDS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "above",
    "exclusiveMaximum": "below",
    "minLength": "characters: at least",
    "maxLength": "characters: at most",
    "minItems": "entries: at least",
    "maxItems": "entries: at most",
    "pattern": "pattern",
    "format": "format",
}


def definition(name: str, schema: Schema, *, level: int = 3) -> str:
    """A heading, what the schema says about itself, and its members."""
    parts = [f"{'#' * level} {name}\n"]
    if "description" in schema:
        parts.append(paragraphs(schema["description"]) + "\n")
    parts.append(members(schema))
    return "\n".join(parts) + "\n"


def members(schema: Schema) -> str:
    """The members of an object as a table; the values of an enumeration; else its type."""
    if "enum" in schema:
        return f"One of {words(schema['enum'])}.\n"
    found: Schema = schema.get("properties", {})
    if not found:
        return "No members.\n" if schema.get("type") == "object" else f"{type_of(schema)}.\n"
    needed = schema.get("required", ())
    described = any("description" in each for each in found.values())
    rows = [_member(name, each, name in needed, described) for name, each in found.items()]
    return table(["Member", "Type", "Needed", *(["Meaning"] if described else [])], rows)


def _member(name: str, schema: Schema, needed: bool, described: bool) -> list[str]:
    if needed:
        says = "yes"
    else:
        default = schema.get("default")
        says = f"no: {code(_json(default))}" if "default" in schema else "no"
    row = [code(name), type_of(schema), says]
    return [*row, text(schema.get("description", ""))] if described else row


def _json(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case "":
            return '""'
        case _:
            return str(value)


def type_of(schema: Schema) -> str:
    """The type of a value as Markdown: a link where another table shows it."""
    match schema:
        case {"$ref": str(reference)}:
            name = reference.rpartition("/")[2]
            return f"[{name}](#{anchor(name)})"
        case {"const": value}:
            return code(_json(value))
        case {"enum": list(values)}:
            return words(values)
        case {"anyOf": list(others)} | {"oneOf": list(others)} | {"allOf": list(others)}:
            return " or ".join(dict.fromkeys(type_of(each) for each in others))
        case {"type": "array", "items": dict(items)}:
            return f"list of {type_of(items)}{_bounds(schema)}"
        case {"type": "array", "prefixItems": list(items)}:
            return "list: " + ", ".join(type_of(each) for each in items)
        case {"type": "object", "additionalProperties": dict(values)}:
            return f"object of {type_of(values)}"
        case {"type": str(kind)}:
            return _TYPES[kind] + _bounds(schema)
        case _:
            return "anything"


def _bounds(schema: Schema) -> str:
    found = [f"{told} {code(schema[key])}" for key, told in _BOUNDS.items() if key in schema]
    return f" ({', '.join(found)})" if found else ""


def anchor(heading: str) -> str:
    """The anchor that a heading gets."""
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip())


def definitions(schemas: Schema, wanted: Callable[[str], bool] = lambda name: True) -> str:
    return "\n".join(definition(name, schemas[name]) for name in schemas if wanted(name))
