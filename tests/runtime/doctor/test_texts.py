"""A report as lines and as JSON."""

from __future__ import annotations

import json

import pytest

from rejoin.rtc.candidates import NetworkRules
from rejoin.runtime.doctor import selftest, texts
from rejoin.runtime.doctor.connection import ConnectionChecks
from rejoin.runtime.doctor.findings import Report, failed, not_known, ok, warning
from rejoin.runtime.doctor.machine import MachineOptions, machine_checks, network_check
from rejoin.runtime.doctor.play import PlayChecks
from rejoin.runtime.doctor.rating import Moments, PlayNumbers
from rejoin.runtime.studio_profile import StudioProfile

DEAD = failed("dns", "There is no host x.", "Check the address.")
REPORT = Report((ok("proxy", "No proxy is used."), DEAD, not_known("tls", "Not tried.")))


def test_every_check_has_a_name_for_people() -> None:
    way = ConnectionChecks(StudioProfile("http://127.0.0.1:9", None, NetworkRules()))
    checks = (
        *machine_checks(MachineOptions()),
        network_check(),
        *selftest.selftest_checks(),
        *way.checks(),
        *PlayChecks(way.profile_to_play, str).checks(),
    )
    assert {check.name for check in checks} == set(texts.NAMES)
    assert max(map(len, texts.NAMES.values())) < 14


def test_a_finding_is_a_line_with_its_advice_under_it() -> None:
    assert texts.lines_of(DEAD).splitlines() == [
        "Name (DNS)     FAILED   There is no host x.",
        "                        To do: Check the address.",
    ]
    assert texts.lines_of(ok("proxy", "No.")) == "Proxy          ok       No."
    long = texts.lines_of(ok("proxy", "word " * 40)).splitlines()
    assert len(long) > 1
    assert max(map(len, long)) <= 96


def test_advice_that_the_sentence_has_is_not_repeated() -> None:
    finding = failed("display", "It is missing. Install it.", "Install it.")
    assert "To do" not in texts.lines_of(finding)


@pytest.mark.parametrize(
    ("report", "summary"),
    [
        (Report(()), "All is well."),
        (
            Report((warning("clock", "Off.", "Set it."),)),
            "You can play, but something could be better. Set it.",
        ),
        (REPORT, "Something does not work. Check the address."),
        (
            Report((failed("quality", "Poor.", "Use a cable."),)),
            "The game can be played, and not well. Use a cable.",
        ),
        (Report((), cancelled=True), "The check was cancelled."),
    ],
)
def test_the_summary_is_a_verdict_and_one_piece_of_advice(report: Report, summary: str) -> None:
    assert texts.summary_of(report) == summary


def test_the_text_has_all_of_it() -> None:
    text = texts.text_of(REPORT)
    assert text.count("\n") == 5
    assert text.endswith("Something does not work. Check the address.")


def test_json() -> None:
    found = json.loads(texts.json_of(REPORT))
    assert found["version"] == 1
    assert (found["outcome"], found["advice"]) == ("failed", "Check the address.")
    assert found["checks"][1] == {
        "check": "dns",
        "outcome": "failed",
        "found": "There is no host x.",
        "advice": "Check the address.",
    }
    assert "play" not in found
    played = Report((), PlayNumbers(Moments(1.0), loss=0.5))
    numbers = json.loads(texts.json_of(played))["play"]
    assert (numbers["moments"]["answered"], numbers["loss"]) == (1.0, 0.5)
