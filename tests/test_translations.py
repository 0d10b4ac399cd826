"""The catalogues are up to date, complete and usable; `python3 dev.py texts` brings them there."""

from __future__ import annotations

import re
import string

import pytest
from babel.messages.catalog import Catalog, Message

import texts_tool

LANGUAGES = texts_tool.languages()


@pytest.fixture(scope="module")
def texts() -> Catalog:
    return texts_tool.template()


def placeholders(text: str) -> list[str]:
    """The names of its placeholders, sorted. Raises ValueError for braces that do not fit."""
    return sorted({name for _, name, _, _ in string.Formatter().parse(text) if name is not None})


def pairs(message: Message) -> list[tuple[str, str]]:
    """Each translation with the English that has its placeholders."""
    if isinstance(message.id, str):
        return [(message.id, str(message.string))]
    one, many = message.id
    forms = message.string or ()
    return [
        (one if form == 0 and len(forms) > 1 else many, each) for form, each in enumerate(forms)
    ]


def translated(language: str) -> list[tuple[str, str]]:
    return [
        pair
        for message in texts_tool.catalogue(language)
        if message.id
        for pair in pairs(message)
        if pair[1]
    ]


def test_there_are_catalogues() -> None:
    assert LANGUAGES == ["de", "ja"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_has_exactly_the_texts_of_the_sources(language: str, texts: Catalog) -> None:
    wanted = {message.id for message in texts if message.id}
    there = {message.id for message in texts_tool.catalogue(language) if message.id}
    assert (wanted - there, there - wanted) == (set(), set()), "run `python3 dev.py texts`"
    content = (texts_tool.CATALOGUES / f"{language}.po").read_text(encoding="utf-8")
    assert texts_tool.updated(language, texts) == content, "run `python3 dev.py texts`"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    assert texts_tool.missing(language) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_placeholders_of_its_text(language: str) -> None:
    wrong = [
        (text, translation)
        for text, translation in translated(language)
        if placeholders(text) and placeholders(text) != placeholders(translation)
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_plural_has_every_form_of_its_language(language: str) -> None:
    catalogue = texts_tool.catalogue(language)
    plurals = [message for message in catalogue if message.id and not isinstance(message.id, str)]
    assert plurals
    for message in plurals:
        assert len(message.string or ()) == catalogue.num_plurals, message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_stays_a_sentence(language: str) -> None:
    """A text ends as its translation does: with a full stop, dots, a question, or nothing."""
    ends = {".": ".。", "...": "...…", "?": "?？", "!": "!！"}

    def end_of(text: str) -> str:
        marks = () if text.endswith("://play?") else ("...", "?", "!", ".")
        return next((mark for mark in marks if text.endswith(mark)), "")

    wrong = []
    for text, translation in translated(language):
        end = end_of(text) if re.search(r"[a-z}]", text) else ""
        allowed = ends.get(end, "")
        if end and not any(translation.endswith(each) for each in (*allowed, end)):
            wrong.append((text, translation))
        if not end and translation.endswith(("。", "？")):
            wrong.append((text, translation))
    assert wrong == []


def test_the_japanese_catalogue_says_that_no_native_speaker_has_read_it() -> None:
    head = (texts_tool.CATALOGUES / "ja.po").read_text(encoding="utf-8")[:400]
    assert "none has read these translations yet" in head
