"""One JSON document of results: it has a schema, and no secret."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import jsonschema

from helpers.qa_results import PLAYED, RECORD
from rejoin.qa.report_json import document, schema
from rejoin.qa.results import CallResult, Support
from rejoin.qa.verdicts import Verdict

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "report.schema.json"
SUPPORT = Support("session-1", (CallResult(1.5, "POST", 201, {"x-amzn-requestid": "aws-id"}),))


def test_the_schema_in_the_documents_is_that_of_the_code() -> None:
    """To make it again, write `report_json.schema()` into it."""
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema()


def test_a_document_conforms_and_says_what_came_of_each_group() -> None:
    failed = replace(RECORD, case="b", index=1, verdict=Verdict.FAILED, sentences=("it froze",))
    other = replace(RECORD, surroundings=replace(RECORD.surroundings, build="8"), played=None)
    text = document([RECORD, failed, other])
    found = json.loads(text)
    jsonschema.validate(found, json.loads(schema()))
    assert found["verdict"] == "failed"
    assert [each["surroundings"]["build"] for each in found["groups"]] == ["build 7", "8"]
    assert found["groups"][0]["summary"]["failed"] == ["b"]
    assert found["groups"][0]["plays"][1]["sentences"] == ["it froze"]
    empty = json.loads(document([]))
    jsonschema.validate(empty, json.loads(schema()))
    assert empty["verdict"] == "inconclusive"


def test_ids_of_sessions_and_requests_are_only_there_for_support() -> None:
    record = replace(RECORD, support=SUPPORT)
    assert not {"session-1", "aws-id"} & set(document([record]).split('"'))
    kept = document([record], for_support=True)
    assert {"session-1", "aws-id"} <= set(kept.split('"'))
    assert json.loads(kept)["for_support"] is True
    jsonschema.validate(json.loads(kept), json.loads(schema()))


def test_secrets_and_addresses_are_removed() -> None:
    record = replace(
        RECORD,
        sentences=("from 203.0.113.7 with token=s3cr3t",),
        attachments={"trace": "token=s3cr3t/a.jsonl"},
        played=replace(PLAYED, live_after_s=math.inf, reason="Bearer abc.def"),
    )
    text = document([record])
    assert not any(each in text for each in ("s3cr3t", "113.7", "abc.def", "Infinity"))
    assert json.loads(text)["groups"][0]["plays"][0]["played"]["live_after_s"] == 0.0
