"""Writes results as one JSON document with the content of the other reports, for programs.

`docs/report.schema.json` is made from the code.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import ClassVar, Final

from pydantic import ConfigDict, TypeAdapter

from rejoin.qa.report_text import plain, redacted
from rejoin.qa.results import CaseRecord, Summary, Surroundings, grouped, verdict_of
from rejoin.qa.verdicts import Verdict
from rejoin.version import VERSION

SCHEMA: Final = 1
_STRICT: Final = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class GroupReport:
    """The plays of one scenario, build and backend. `summary`: the names of cases, by what became
    of them; `flaky`: failed in one play and passed in another."""

    __pydantic_config__: ClassVar = _STRICT
    scenario: str
    surroundings: Surroundings
    summary: Summary
    plays: tuple[CaseRecord, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """`verdict`: of all plays together. `made_by`: the version of Rejoin that wrote this.
    `for_support`: whether ids of sessions and requests are in it."""

    __pydantic_config__: ClassVar = _STRICT
    verdict: Verdict
    made_by: str
    for_support: bool
    groups: tuple[GroupReport, ...]
    version: int = SCHEMA


def document(
    records: Sequence[CaseRecord], *, fail_on_flaky: bool = False, for_support: bool = False
) -> str:
    """The whole text, redacted."""
    shown = [_shown(record, for_support=for_support) for record in records]
    groups = grouped(shown)
    report = Report(
        verdict_of(groups, fail_on_flaky=fail_on_flaky),
        VERSION,
        for_support,
        tuple(
            GroupReport(each.scenario, each.surroundings, each.summary, each.records)
            for each in groups
        ),
    )
    return json.dumps(asdict(report), indent=1, allow_nan=False) + "\n"


def _shown(record: CaseRecord, *, for_support: bool) -> CaseRecord:
    found = redacted(record, for_support=for_support)
    paths = {plain(kind): plain(path) for kind, path in found.attachments.items()}
    return replace(found, attachments=paths)


def schema() -> str:
    """The JSON Schema (2020-12) of the document."""
    made = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **TypeAdapter(Report).json_schema(),
        "title": "A report of `rejoin qa run` or `rejoin qa report --json`",
    }
    return json.dumps(made, indent=1, sort_keys=True) + "\n"
