"""A report as lines for a person, and as JSON for programs. Pure."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from rejoin.language import Message
from rejoin.runtime.doctor.findings import Finding, Outcome, Report

JSON_VERSION: Final = 1
_WIDTH: Final = 96
_NAME: Final = 14

MARKS: Final = {
    Outcome.OK: "ok",
    Outcome.WARNING: "warning",
    Outcome.FAILED: "FAILED",
    Outcome.NOT_KNOWN: "-",
}
SUMMARIES: Final = {
    Outcome.OK: Message("All is well."),
    Outcome.WARNING: Message("You can play, but something could be better."),
    Outcome.FAILED: Message("Something does not work."),
}
NAMES: Final = {
    "address": Message("Address"),
    "backend": Message("Backend"),
    "clock": Message("Clock"),
    "codecs": Message("Codecs"),
    "contract": Message("Contract"),
    "decoder": Message("Decoder"),
    "display": Message("Display"),
    "dns": Message("Name (DNS)"),
    "files": Message("Files"),
    "folders": Message("Folders"),
    "game": Message("Game"),
    "gamepads": Message("Gamepads"),
    "graphics card": Message("Graphics card"),
    "imports": Message("Imports"),
    "input": Message("Input"),
    "input sandbox": Message("Input sandbox"),
    "keyring": Message("Keyring"),
    "link scheme": Message("Links"),
    "network": Message("Network"),
    "parts": Message("Parts"),
    "proxy": Message("Proxy"),
    "quality": Message("Quality"),
    "settings": Message("Settings"),
    "sign-in": Message("Sign-in"),
    "sound": Message("Sound"),
    "tls": Message("TLS"),
    "versions": Message("Versions"),
    "webrtc": Message("WebRTC"),
}
"""The title of each check, for a person."""


POOR: Final = Message("The game can be played, and not well.")


def lines_of(finding: Finding) -> str:
    """A finding as a line of a table, wrapped, with its advice under it."""
    begin = f"{NAMES[finding.check]:<{_NAME}} {MARKS[finding.outcome]:<8} "
    found = _wrapped(finding.found, begin)
    if not finding.advice or finding.found.endswith(finding.advice):
        return found
    return f"{found}\n{_wrapped(f'To do: {finding.advice}', ' ' * len(begin))}"


def _wrapped(text: str, begin: str) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=begin,
        subsequent_indent=" " * len(begin),
        break_long_words=False,
        break_on_hyphens=False,
    )


def summary_of(report: Report) -> str:
    """The verdict in a sentence, and the one piece of advice."""
    if report.cancelled:
        return "The check was cancelled."
    found = POOR if is_poor(report) else SUMMARIES[report.outcome]
    return f"{found} {report.advice}".rstrip()


def is_poor(report: Report) -> bool:
    """Whether nothing failed but the quality of the game."""
    cause = report.cause
    return cause is not None and cause.outcome is Outcome.FAILED and cause.check == "quality"


def text_of(report: Report) -> str:
    """All of it, to be copied and sent."""
    return "\n".join([*(lines_of(each) for each in report.findings), "", summary_of(report)])


def json_of(report: Report) -> str:
    """The report for programs; its form only grows while `version` stays."""
    content: dict[str, Any] = {
        "version": JSON_VERSION,
        "outcome": report.outcome.value,
        "advice": report.advice,
        "cancelled": report.cancelled,
        "checks": list(_checks(report)),
    }
    if report.play is not None:
        content["play"] = asdict(report.play)
    return json.dumps(content, indent=2)


def _checks(report: Report) -> Iterator[dict[str, str]]:
    for finding in report.findings:
        yield {
            "check": finding.check,
            "outcome": finding.outcome.value,
            "found": finding.found,
            "advice": finding.advice,
        }
