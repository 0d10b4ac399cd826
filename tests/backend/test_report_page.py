"""The page: well formed, escaped, without script and without anything from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from helpers.reports import stored_report
from rejoin.backend.report_page import page
from rejoin.backend.report_summary import Summary, summary_of
from rejoin.backend.store.reports import Games

DAY = 20_786
VOID = {"meta", "rect", "line"}
FOREIGN = '<script>alert("x")</script>&\'"'


class Reader(HTMLParser):
    """Notes tags, attributes and text, and that what is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.heights: list[float] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        given = dict(attrs)
        if tag == "rect":
            self.heights.append(float(given["height"] or "nan"))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def read(summary: Summary) -> tuple[str, Reader]:
    text = page(summary)
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return text, reader


SUMMARY = summary_of(
    DAY - 6,
    DAY,
    [
        *(stored_report(DAY - each % 7, lost_s=float(each)) for each in range(40)),
        stored_report(DAY, cause=FOREIGN, verdict=FOREIGN, client_version=FOREIGN),
        stored_report(DAY, outcome="ended", ending=FOREIGN),
    ],
    [Games(DAY, "let_in", False, 2)],
)


def test_what_a_client_says_is_text_and_nothing_else() -> None:
    text, reader = read(SUMMARY)
    assert "<script" not in text
    assert reader.words.count(FOREIGN) == 4
    assert not {name for name in reader.attributes if name.startswith("on")}


def test_it_asks_nobody_for_anything() -> None:
    text, reader = read(SUMMARY)
    assert "default-src 'none'" in text
    assert not {"script", "img", "link", "iframe", "a", "form"} & set(reader.tags)
    assert not {"src", "href", "xlink:href", "style"} & reader.attributes
    assert "://" not in text
    assert "url(" not in text
    assert "@import" not in text
    assert re.search(r"prefers-color-scheme: dark", text)


def test_it_shows_the_figures_and_two_charts() -> None:
    text, reader = read(SUMMARY)
    assert "41 of 42" in reader.words
    assert "97.6 %" in reader.words
    assert text.count('role="img"') == 2
    assert max(reader.heights) <= 200
    assert min(reader.heights) >= 0


@pytest.mark.parametrize("days", [1, 7, 30])
def test_without_reports_it_says_so(days: int) -> None:
    text, reader = read(summary_of(DAY - days + 1, DAY, [], []))
    assert "No client has reported a drop in this time." in reader.words
    assert 'role="img"' not in text
    read(summary_of(DAY - days + 1, DAY, [stored_report(DAY)], []))
