"""The schema of a trace's lines, made from the engine's own events and commands."""

from __future__ import annotations

import json
from dataclasses import fields
from functools import cache
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from rejoin.core.trace import SCHEMA, Record
from rejoin.core.trace_names import (
    COMMANDS,
    EVENTS,
    FAULT_LIFTED,
    GAME_COMPARED,
    MARKER_SET,
    STATES,
)
from rejoin.errors import BadInputError

_STRICT = ConfigDict(extra="forbid")


class _State(BaseModel):
    """A state of the client (docs/states.md); recorded when the state or its deadline changes."""

    model_config = _STRICT
    episode: int
    health: str | None = None
    last_rtp_at: float | None = None
    shown_deadline_at: float | None = None
    deadline_checking: bool = False
    until_at: float | None = None
    last_start_at: float | None = None
    fallback: str | None = None
    ending: str | None = None
    verdict: str | None = None


class _Service(BaseModel):
    """A status of the emulated service; the name is the status."""

    model_config = _STRICT
    window_ends_at: float | None


class _Fault(BaseModel):
    """A fault that was caused on purpose. `outage_s`: how long nothing reaches the client; null:
    without end; absent: the fault is not an outage."""

    model_config = ConfigDict(extra="allow")
    outage_s: float | None = None


class _FaultLifted(BaseModel):
    """A fault that was caused on purpose is over, or was lifted."""

    model_config = _STRICT
    fault: str


class _MarkerSet(BaseModel):
    """A tester's marker. `picture`: the name of a file; empty: none was kept."""

    model_config = _STRICT
    note: str
    picture: str


class _GameCompared(BaseModel):
    """Whether it is the same game after a drop: what that rests on, and what it says."""

    model_config = _STRICT
    rests_on: str
    says: str
    similarity: float | None


@cache
def _models() -> dict[tuple[str, str], type[BaseModel]]:
    """What `data` holds, by kind and name; "" stands for every name of the kind."""
    found: dict[tuple[str, str], type[BaseModel]] = {
        ("service", ""): _Service,
        ("fault", ""): _Fault,
    }
    found |= {("event", name): _model(event) for event, name in EVENTS.items()}
    found |= {("command", name): _model(command) for command, name in COMMANDS.items()}
    found |= {("state", name): _State for name in STATES.values()}
    found |= {
        ("tester", FAULT_LIFTED): _FaultLifted,
        ("tester", MARKER_SET): _MarkerSet,
        ("tester", GAME_COMPARED): _GameCompared,
    }
    return found


def _model(source: type[Any]) -> type[BaseModel]:
    """A model of a dataclass, without the fields that may hold a secret: no trace has them."""
    hints = get_type_hints(source)
    kept: dict[str, Any] = {}
    for entry in fields(source):
        if entry.repr:
            hint = hints[entry.name]
            nested = isinstance(hint, type) and hasattr(hint, "__dataclass_fields__")
            kept[entry.name] = (_model(hint) if nested else hint, ...)
    return create_model(source.__name__, __config__=_STRICT, **kept)


def check(record: Record) -> None:
    """Raises BadInputError if a record does not conform to the schema.

    A record that conforms can be checked against the invariants (`verify.invariants`) and shown as
    a timeline (`core.trace.timelines`), whatever wrote it. Types are strict: a number in quotes is
    not a number.
    """
    models = _models()
    model = models.get((record.kind, record.name)) or models.get((record.kind, ""))
    if model is None:
        raise BadInputError(f"There is no {record.kind} {_quoted(record.name)} in a trace.")
    try:
        model.model_validate_json(json.dumps(record.data), strict=True)
    except ValidationError as error:
        where = ".".join(_quoted(str(part)) for part in error.errors()[0]["loc"]) or "its text"
        raise BadInputError(
            f"The {record.kind} {_quoted(record.name)} does not conform to the schema: {where}."
        ) from None


def _quoted(name: str) -> str:
    """A name from a trace for an error message; in an untrusted file it may hold any character."""
    known = name.isascii() and name.isidentifier() and len(name) <= 40
    return name if known else f"{name!a:.40}"


def document() -> str:
    """The JSON Schema (2020-12) of one line."""
    lines: list[dict[str, Any]] = []
    definitions: dict[str, Any] = {}
    for (kind, name), model in _models().items():
        key = f"{kind}.{name or 'any'}" if model is not _State else "state"
        data = model.model_json_schema(ref_template="#/$defs/{model}")
        definitions |= data.pop("$defs", {})
        definitions[key] = data
        properties: dict[str, Any] = {
            "v": {"const": SCHEMA},
            "at": {"type": "number", "description": "Boot time in seconds."},
            "kind": {"const": kind},
            "name": {"const": name} if name else {"type": "string"},
            "data": {"$ref": f"#/$defs/{key}"},
        }
        required = ["v", "at", "kind", "name"]
        lines.append({"type": "object", "properties": properties, "required": required})
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "One line of a Rejoin trace; empty data may be left out",
        "oneOf": lines,
        "$defs": definitions,
    }
    return json.dumps(schema, indent=1, sort_keys=True) + "\n"
