"""Texts in reports: no secret, no control character, nothing that Markdown or HTML interprets."""

from __future__ import annotations

import base64
import math
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.qa_results import RECORD
from rejoin.qa.report_text import MAX_TEXT, code, markdown, plain, redacted
from rejoin.qa.results import CallResult, Support

SIGNAL = Path(__file__).parents[1] / "data" / "signal-request-websdk-1.2.0-chromium-156.json"


@pytest.mark.parametrize("encoded", [False, True])
def test_signal_strings_never_appear(encoded: bool) -> None:
    signal = SIGNAL.read_text(encoding="utf-8").strip()
    if encoded:
        signal = base64.b64encode(signal.encode()).decode()
    shown = plain(f"the backend answered {signal}")
    assert shown.startswith("the backend answered ")
    assert len(shown) < 200
    assert not any(part in shown for part in ("ice-ufrag:fl8X", "gBZKrXT75W", signal[40:80]))


@pytest.mark.parametrize(
    "secret", ["Authorization: Bearer abc.def", "token=s3cr3t", "https://u:pw@studio.example"]
)
def test_secrets_never_appear(secret: str) -> None:
    assert not {"abc.def", "s3cr3t", "pw"} & set(re.split(r"[ =:@/]", plain(f"it said {secret}")))


def test_addresses_are_hints_and_a_build_stays_what_the_tester_gave() -> None:
    assert plain("10.1.2.3") == "10.x.x.x"
    assert plain("1.4.2.0", given=True) == markdown("1.4.2.0", given=True) == "1.4.2.0"


@given(st.text())
def test_any_text_is_one_line_that_xml_takes(text: str) -> None:
    shown = plain(text)
    assert len(shown.splitlines()) <= 1
    element = ET.Element("a", b=shown)
    element.text = shown
    again = ET.fromstring(ET.tostring(element))
    assert (again.get("b"), again.text or "") == (shown, shown)


@pytest.mark.parametrize(
    "character", ["\0", "\x1b", "\n", "\r", "\x85", "\u202e", "\ufffe", "\ud800"]
)
def test_what_controls_or_no_xml_allows_is_an_escape(character: str) -> None:
    assert plain(f"a{character}b").isascii()


def test_a_long_text_is_cut() -> None:
    assert len(plain("a b " * 1000)) == MAX_TEXT


@given(st.text())
def test_any_text_keeps_its_cell_and_makes_no_tag(text: str) -> None:
    shown = markdown(text).replace("<!-- -->", "")
    assert not set(shown) & set("|`<>*[]\\\n~$@")
    assert re.fullmatch(r"(?:[^&#]|&#\d+;)*", shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b`c", "a&#124;b&#96;c"),
        ("<img src=x>", "&#60;img src=x&#62;"),
        ("[a](b)", "&#91;a&#93;(b)"),
        ("&amp;", "&#38;amp;"),
        ("@octocat #1", "&#64;<!-- -->octocat &#35;<!-- -->1"),
        ("https://a.example", "https&#58;//a.example"),
        ("www.a.example", "www&#46;a.example"),
        ("_a_ cut_3s", "&#95;a&#95; cut_3s"),
        ("\x1b[2J", "&#92;x1b&#91;2J"),
        ("reached 3 times, of 5.", "reached 3 times, of 5."),
    ],
)
def test_markdown_shows_characters_and_nothing_else(text: str, shown: str) -> None:
    assert markdown(text) == shown
    assert code(text) == f"<code>{shown}</code>"


def test_a_result_is_shown_without_secrets_and_ids_of_sessions() -> None:
    support = Support("10.1.2.3", (CallResult(1.5, "POST", 201, {"x-request-id": "1.2.3.4"}),))
    record = replace(
        RECORD,
        sentences=("from 10.1.2.3",),
        surroundings=replace(RECORD.surroundings, backend="10.1.2.3:80", build="1.2.3.4"),
        attachments={"trace": "10.1.2.3.jsonl"},
        support=support,
    )
    shown = redacted(record, for_support=False)
    assert shown.sentences == ("from 10.x.x.x",)
    assert (shown.surroundings.backend, shown.surroundings.build) == ("10.x.x.x:80", "1.2.3.4")
    assert shown.support is None
    assert shown.attachments == record.attachments, "they lead where they led"
    assert redacted(record, for_support=True).support == support
    assert shown == redacted(shown, for_support=False)
    assert redacted(RECORD, for_support=True) == RECORD


def test_numbers_that_are_none_are_shown_as_zero() -> None:
    record = replace(RECORD, took_s=math.nan)
    assert redacted(record, for_support=False).took_s == 0.0
