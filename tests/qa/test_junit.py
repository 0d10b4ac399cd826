"""JUnit XML: its form, what is a failure and what is not, and what cannot break out of it."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.qa_results import PLAYED, RECORD
from rejoin.qa import junit
from rejoin.qa.ci import Attachments
from rejoin.qa.game_proof import DropProof, Rests, Says
from rejoin.qa.results import CaseRecord
from rejoin.qa.verdicts import Verdict, Why

NOWHERE = Attachments(None, Path())
COUNT, TIME, ANY = r"\d+", r"\d+\.\d{3}", r"(?s).*"

# By junit-10.xsd of Jenkins' xUnit plugin, and what GitLab documents that it reads: for each
# element its attributes, and its children in the order that the strictest reader (Ant's) wants.
ATTRIBUTES = {
    "testsuites": {"name": ANY, "tests": COUNT, "failures": COUNT, "errors": "0", "time": TIME},
    "testsuite": {
        "name": ANY,
        "timestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
        "tests": COUNT,
        "failures": COUNT,
        "errors": "0",
        "skipped": COUNT,
        "time": TIME,
    },
    "properties": {},
    "property": {"name": ANY, "value": ANY},
    "testcase": {"classname": r"[^.]+\.[^.]+", "name": ANY, "time": TIME},
    "failure": {"type": "[a-z_]+", "message": "(?s).+"},
    "skipped": {"type": "[a-z_]+", "message": "(?s).+"},
    "system-out": {},
}
CHILDREN = {
    "testsuites": "(testsuite )*",
    "testsuite": "properties (testcase )*",
    "properties": "(property )+",
    "testcase": "(failure |skipped )?system-out ",
}


def check(element: ET.Element) -> None:
    """Raises AssertionError where an element is not as the tables say."""
    wanted = ATTRIBUTES[element.tag]
    optional = {"timestamp"} if element.tag == "testsuite" else set()
    assert wanted.keys() - optional <= set(element.keys()) <= wanted.keys(), element.tag
    for name, value in element.items():
        assert re.fullmatch(wanted[name], value), (element.tag, name, value)
    children = "".join(f"{child.tag} " for child in element)
    assert re.fullmatch(CHILDREN.get(element.tag, ""), children), (element.tag, children)
    for child in element:
        check(child)


def parsed(*records: CaseRecord, fail_on_flaky: bool = False) -> ET.Element:
    root = ET.fromstring(
        junit.document(records, NOWHERE, fail_on_flaky=fail_on_flaky).encode("utf-8")
    )
    check(root)
    return root


def of(
    verdict: Verdict, why: Why, sentence: str = "it was trying", repetition: int = 1
) -> CaseRecord:
    return replace(RECORD, verdict=verdict, why=why, sentences=(sentence,), repetition=repetition)


FAILED = of(Verdict.FAILED, Why.EXPECTATION)


def test_the_tables_refuse_what_is_wrong() -> None:
    root = parsed(FAILED)
    suite = root[0]
    suite.append(suite[0])
    with pytest.raises(AssertionError):
        check(root)
    suite.remove(suite[0])
    suite.set("more", "1")
    with pytest.raises(AssertionError):
        check(root)


def test_properties_say_where_and_come_before_the_cases() -> None:
    suite = parsed(RECORD)[0]
    assert suite[0].tag == "properties"
    found = {each.get("name"): each.get("value") for each in suite[0]}
    assert found == {
        "backend": "backend.example",
        "dialect": "ours",
        "region": "eu-west-1",
        "application": "a-123",
        "build": "build 7",
        "client": "0.1.0",
        "system": "linux",
        "run": "run",
        "proof": "session",
    }


def test_names_are_unique() -> None:
    records = [
        RECORD,
        replace(RECORD, repetition=2),
        replace(RECORD, case="a cut (2)"),
        replace(RECORD, run="another"),
        replace(RECORD, run="another", surroundings=replace(RECORD.surroundings, build="8")),
    ]
    cases = parsed(*records).iter("testcase")
    names = [(case.get("classname"), case.get("name")) for case in cases]
    assert len(names) == len(set(names)) == len(records)
    assert names[:2] == [("rejoin.every-profile", "a cut"), ("rejoin.every-profile", "a cut (2)")]


@pytest.mark.parametrize(
    ("verdict", "why"),
    [(Verdict.INCONCLUSIVE, Why.CAPACITY), (Verdict.SKIPPED, Why.HOST_FAULT)],
)
def test_what_says_nothing_is_skipped_with_the_reason(verdict: Verdict, why: Why) -> None:
    root = parsed(of(verdict, why, "the game was not placed in time"))
    case = root[0][1]
    assert case.find("failure") is None
    skipped = case.find("skipped")
    assert skipped is not None
    assert skipped.get("message") == f"{verdict} ({why}): the game was not placed in time"
    assert (root.get("failures"), root[0].get("failures"), root[0].get("skipped")) == (
        "0",
        "0",
        "1",
    )


def test_a_failure_has_the_verdicts_sentence() -> None:
    root = parsed(FAILED, replace(RECORD, case="b"))
    failure = root[0][1].find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == ("expectation", "it was trying")
    assert failure.text == "it was trying"
    assert (root.get("tests"), root.get("failures"), root[0].get("skipped")) == ("2", "1", "0")
    assert root[0][2].find("failure") is None
    assert root[0].get("time") == "50.000"


def test_flaky_cases_are_listed_and_fail_only_where_they_fail_the_run() -> None:
    records = (RECORD, of(Verdict.FAILED, Why.EXPECTATION, repetition=2))
    root = parsed(*records)
    found = [each.get("value") for each in root[0][0] if each.get("name") == "flaky"]
    assert found == ["a cut"]
    skipped = root[0][2].find("skipped")
    assert skipped is not None
    assert (skipped.get("message") or "").startswith("flaky: ")
    assert (skipped.get("message") or "").endswith("it was trying")
    assert all("flaky: " in (case.findtext("system-out") or "") for case in root[0][1:])
    assert root.get("failures") == "0"
    assert parsed(*records, fail_on_flaky=True).get("failures") == "1"


def test_attachments_stand_on_lines_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / RECORD.attachments["trace"]
    file.parent.mkdir()
    file.touch()
    text = junit.document([RECORD], Attachments(tmp_path, tmp_path))
    out = ET.fromstring(text.encode())[0][1].findtext("system-out") or ""
    assert f"[[ATTACHMENT|{file.resolve().as_posix()}]]" in out.splitlines()


def test_no_text_of_a_result_names_an_attachment() -> None:
    evil = "[[ATTACHMENT|/etc/passwd]]"
    fault = replace(PLAYED.faults[0], how=evil, profile=evil)
    played = replace(PLAYED, ended=evil, proof=evil, faults=(fault,))
    records = [
        replace(RECORD, case=evil, scenario=evil, run=evil, played=played),
        of(Verdict.FAILED, Why.CLIENT, f"[{evil}"),
    ]
    for record in records:
        assert "[[ATTACHMENT|" not in junit.document([record], NOWHERE)


@given(st.text(), st.floats(allow_nan=True), st.text())
def test_whatever_is_in_a_result_the_file_has_its_form(text: str, number: float, at: str) -> None:
    around = replace(RECORD.surroundings, build=text, backend=text)
    record = replace(FAILED, case=text, scenario=text, sentences=(text,), surroundings=around)
    parsed(replace(record, took_s=number, started_at=at), RECORD)


def test_times_that_are_none_are_zero() -> None:
    root = parsed(replace(RECORD, took_s=math.nan), replace(RECORD, took_s=-1.0, repetition=2))
    assert root.get("time") == "0.000"


def test_what_a_drop_rests_on_is_in_the_output_and_in_a_property() -> None:
    proof = DropProof(Rests.PICTURE, Says.SAME_SCENE, 0.831)
    episode = replace(PLAYED.episodes[0], proof=proof)
    played = replace(PLAYED, proof="picture", episodes=(episode,))
    root = parsed(replace(RECORD, played=played), replace(RECORD, repetition=2))
    found = [each.get("value") for each in root[0][0] if each.get("name") == "proof"]
    assert found == ["picture, session"]
    out = root[0][1].findtext("system-out") or ""
    assert "same game, by picture: same scene, similarity 0.83" in out


def test_steps_of_a_drop_are_in_the_output() -> None:
    out = parsed(RECORD)[0][1].findtext("system-out") or ""
    assert "0.900 s  lost" in out
    assert "fault cut_3s at 3.000 s, seed 1: a cut" in out


def test_no_results_are_an_empty_file() -> None:
    assert parsed().get("tests") == "0"
