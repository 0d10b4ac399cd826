"""Makes the references of data from the code: the contract, traces, results and reports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from docs_site.markdown import code, paragraphs, table, text
from docs_site.schema_tables import definition, definitions, members, type_of
from rejoin.backend import openapi
from rejoin.qa import report_json, results, trace_schema

_CONTRACT = """\
# HTTP contract

Made from the routes of the backend in this version. A client calls a studio's backend by it;
how a backend is to behave is in [Your own backend: the
contract](../docs/backend.md#your-own-backend-the-contract). The same as
[OpenAPI](../docs/openapi/rejoin-backend.json).

"""
_TRACE = """\
# Trace schema

Made from the code of this version. A trace is a file of JSON lines;
[Traces](../docs/testing.md#traces) says how to write and read one. The same as [JSON
Schema](../docs/trace.schema.json).

Each line has `v` (the version of the schema), `at` (boot time in seconds), `kind`, `name` and,
unless it is empty, `data`.

"""
_RESULTS = """\
# Results and reports

Made from the code of this version. `rejoin qa run` writes a line of JSON for each play of a
case (`results.jsonl`), and one report of the run ([Reports](../docs/testing.md#reports)). The
same as JSON Schema: [results](../docs/result.schema.json),
[report](../docs/report.schema.json).

"""
_KINDS = {
    "service": "What the emulated service did",
    "fault": "Faults that were caused",
    "event": "What happened to the client",
    "command": "Commands of the engine",
    "state": "States",
    "tester": "What a tester did",
}


def contract_page() -> str:
    document = openapi.document()
    parts = [_CONTRACT + paragraphs(document["info"]["description"]) + "\n"]
    for path, methods in document["paths"].items():
        for method, call in methods.items():
            parts.append("\n".join(_call(method.upper(), path, call)))
    parts.append("## Bodies\n")
    parts.append(definitions(document["components"]["schemas"]))
    return "\n".join(parts)


def _call(method: str, path: str, call: dict[str, Any]) -> Iterator[str]:
    yield f"## {method} {path}\n"
    yield paragraphs(call["summary"].rstrip(".?") + ("?" if "?" in call["summary"] else ".")) + "\n"
    if "description" in call:
        yield paragraphs(call["description"]) + "\n"
    yield "Needs a bearer token.\n" if call.get("security") else "Needs no sign-in.\n"
    parameters = call.get("parameters", ())
    if parameters:
        rows = [
            [
                code(each["name"]),
                each["in"],
                type_of(each["schema"]),
                "yes" if each.get("required") else "no",
            ]
            for each in parameters
        ]
        yield table(["Parameter", "In", "Type", "Needed"], rows)
    rows = []
    if "requestBody" in call:
        rows.append(["Request", "", _content(call["requestBody"])])
    for status, answer in call["responses"].items():
        rows.append([f"Answer {code(status)}", text(answer["description"]), _content(answer)])
    yield table(["Message", "Meaning", "Body"], rows)


def _content(part: dict[str, Any]) -> str:
    return "; ".join(
        f"{type_of(each.get('schema', {}))} ({code(kind)})"
        for kind, each in part.get("content", {}).items()
    )


def trace_page() -> str:
    document = json.loads(trace_schema.document())
    schemas = document["$defs"]
    parts = [_TRACE]
    lines = [line["properties"] for line in document["oneOf"]]
    for kind, found in groupby(lines, key=lambda line: str(line["kind"]["const"])):
        parts.append(f"## {_KINDS[kind]}: `{kind}`\n")
        names = [line["name"].get("const", "") for line in found]
        if kind == "state":
            listed = ", ".join(code(name) for name in names)
            parts.append(f"{listed}. The data of each:\n\n{members(schemas['state'])}")
            continue
        for name in names:
            schema = schemas[f"{kind}.{name or 'any'}"]
            parts.append(definition(name, schema) if name else f"Any name.\n\n{members(schema)}")
    parts.append("## Values\n")
    parts.append(definitions(schemas, lambda name: "." not in name and name != "state"))
    return "\n".join(parts)


def results_page() -> str:
    parts = [_RESULTS]
    shared: dict[str, Any] = {}
    for title, made in (("A result", results.document()), ("A report", report_json.schema())):
        document = json.loads(made)
        shared |= document.pop("$defs")
        parts.append(definition(title, document, level=2))
    parts.append("## Parts\n")
    parts.append(definitions(dict(sorted(shared.items()))))
    return "\n".join(parts)
