"""The lines of a report about the input module."""

from __future__ import annotations

from rejoin.input_module.port import ModuleFacts
from rejoin.runtime.module_report import report_lines


def test_without_a_process_there_is_nothing_to_say() -> None:
    assert report_lines(ModuleFacts()) == {}


def test_ten_events_in_a_row_without_bytes_are_worth_a_line() -> None:
    facts = ModuleFacts(starts=1, events=30, events_with_bytes=20, bytes_sent=900)
    for silent in (0, 9):
        quiet = ModuleFacts(starts=1, events_without_bytes_in_a_row=silent)
        assert "Input without effect" not in report_lines(quiet)
    silent_facts = ModuleFacts(starts=1, events_without_bytes_in_a_row=10)
    assert report_lines(silent_facts)["Input without effect"].startswith("the last 10 events")
    assert "30 events, 20 of them with bytes, 900 bytes sent" in report_lines(facts)["Input module"]


def test_what_is_missing_is_named_if_it_is_a_name() -> None:
    facts = ModuleFacts(starts=2, missing=("WebHID", "navigator.usb", "a\x1b[2J", "x" * 99, "<b>"))
    assert report_lines(facts)["Asked for and missing"] == "WebHID, navigator.usb"
    many = ModuleFacts(starts=1, missing=tuple(f"name{number:03}" for number in range(50)))
    assert report_lines(many)["Asked for and missing"].endswith("name039 and 10 more")
