"""JUnit XML of results, as Jenkins, GitLab and others read it.

Elements and attributes are those of the schema of Jenkins' xUnit plugin (junit-10.xsd), which is
also pytest's. Only a play that makes the run fail is a `<failure>`: one that says nothing, could
not be tried, or failed in a case that is flaky is `<skipped>`, with the reason.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from rejoin.qa.ci import Attachments
from rejoin.qa.report_text import plain
from rejoin.qa.results import CaseRecord, Group, grouped
from rejoin.qa.verdicts import Verdict

_CLASS: Final = "rejoin"
_FLAKY: Final = "flaky: it failed in one play and passed in another"

_GIVEN: Final = frozenset({"region", "build", "client"})


def document(
    records: Sequence[CaseRecord], attached: Attachments, *, fail_on_flaky: bool = False
) -> str:
    """The whole file. `fail_on_flaky`: failures of flaky cases are failures."""
    root = ET.Element("testsuites", name="rejoin qa")
    names = _Names()
    for group in grouped(records):
        root.append(_suite(group, names, attached, fail_on_flaky=fail_on_flaky))
    _count(root, root.iter("testcase"), records)
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


class _Names:
    """GitLab keeps only the first of two cases with the same name."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, str]] = set()

    def take(self, of_class: str, name: str) -> str:
        found, number = name, 1
        while (of_class, found) in self._taken:
            number += 1
            found = f"{name} [{number}]"
        self._taken.add((of_class, found))
        return found


def _count(element: ET.Element, cases: Iterable[ET.Element], records: Iterable[CaseRecord]) -> None:
    listed = list(cases)
    element.set("tests", str(len(listed)))
    element.set("failures", str(sum(case.find("failure") is not None for case in listed)))
    element.set("errors", "0")
    if element.tag == "testsuite":
        element.set("skipped", str(sum(case.find("skipped") is not None for case in listed)))
    element.set("time", _seconds(math.fsum(max(0.0, _finite(each.took_s)) for each in records)))


def _suite(
    group: Group, names: _Names, attached: Attachments, *, fail_on_flaky: bool
) -> ET.Element:
    name = _text(group.scenario) or "scenario"
    suite = ET.Element("testsuite", name=name)
    timestamp = _timestamp(group.records)
    if timestamp:
        suite.set("timestamp", timestamp)
    properties = ET.SubElement(suite, "properties")
    for key, value in _properties(group):
        ET.SubElement(properties, "property", name=key, value=value)
    flaky = frozenset(group.summary.flaky)
    of_class = f"{_CLASS}.{name.replace('.', '_')}"
    for record in group.records:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=of_class,
            name=names.take(of_class, _text(record.name)),
            time=_seconds(record.took_s),
        )
        _verdict(case, record, excused=record.case in flaky and not fail_on_flaky)
        lines = [*_facts(record, flaky=record.case in flaky)]
        lines += [f"[[ATTACHMENT|{path}]]" for path in attached.paths(record)]
        ET.SubElement(case, "system-out").text = "\n" + "\n".join(lines) + "\n"
    _count(suite, suite.iter("testcase"), group.records)
    return suite


def _properties(group: Group) -> Iterator[tuple[str, str]]:
    around = group.surroundings
    for key in ("backend", "dialect", "region", "application", "build", "client", "system"):
        value = _text(getattr(around, key), given=key in _GIVEN)
        if value:
            yield key, value
    yield "run", _text(", ".join(sorted({record.run for record in group.records})))
    for case in group.summary.flaky:
        yield "flaky", _text(case)
    proofs = {_text(record.played.proof) for record in group.records if record.played is not None}
    if proofs:
        yield "proof", ", ".join(sorted(proofs))


def _verdict(case: ET.Element, record: CaseRecord, *, excused: bool) -> None:
    reason = _text("; ".join(record.sentences)) or record.why.value
    match record.verdict:
        case Verdict.PASSED:
            return
        case Verdict.FAILED if not excused:
            failure = ET.SubElement(case, "failure", type=record.why.value, message=reason)
            failure.text = "\n".join(map(_text, record.sentences)) or reason
            return
        case Verdict.FAILED:
            message = f"{_FLAKY}. Here: {reason}"
        case Verdict.INCONCLUSIVE | Verdict.SKIPPED:
            message = f"{record.verdict.value} ({record.why.value}): {reason}"
    ET.SubElement(case, "skipped", type=record.why.value, message=message)


def _facts(record: CaseRecord, *, flaky: bool) -> Iterator[str]:
    yield f"verdict: {record.verdict.value} ({record.why.value}), seed {record.seed}"
    yield from (f"  {_text(sentence)}" for sentence in record.sentences)
    if flaky:
        yield _FLAKY
    played = record.played
    if played is None:
        return
    yield f"ended: {_text(played.ended)}, reconnects: {played.reconnects}"
    yield f"proof that it is the same game: {_text(played.proof)}"
    for fault in played.faults:
        at = "not begun" if fault.at_s is None else f"at {fault.at_s:.3f} s"
        yield f"fault {_text(fault.profile)} {at}, seed {fault.seed}: {_text(fault.how)}"
    for episode in played.episodes:
        yield f"drop {episode.number} at {episode.began_at_s:.3f} s: {_text(episode.outcome)}"
        if (proof := episode.proof) is not None:
            alike = "" if proof.similarity is None else f", similarity {proof.similarity:.2f}"
            detail = f", {_text(proof.detail)}" if proof.detail else ""
            yield f"  same game, by {proof.rests_on.value}: {proof.says.value}{alike}{detail}"
        yield from (f"  {step.at_s:9.3f} s  {_text(step.name)}" for step in episode.steps)


def _timestamp(records: Sequence[CaseRecord]) -> str:
    """When the first play began: UTC, without an offset, as the schema of Ant wants it."""
    found = []
    for record in records:
        try:
            began = datetime.fromisoformat(record.started_at)
            found.append((began if began.tzinfo else began.replace(tzinfo=UTC)).astimezone(UTC))
        except (ValueError, OverflowError):
            continue
    return min(found).strftime("%Y-%m-%dT%H:%M:%S") if found else ""


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _seconds(value: float) -> str:
    return f"{max(0.0, _finite(value)):.3f}"


def _text(text: str, *, given: bool = False) -> str:
    """`plain`, in which nothing names an attachment."""
    return plain(text, given=given).replace("ATTACHMENT|", "ATTACHMENT: ")
