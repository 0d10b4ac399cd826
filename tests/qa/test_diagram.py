"""The drawing of the states: the page says what the engine does, and names what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from rejoin.qa.diagram import document, put_into, ways

PAGE = Path(__file__).parents[2] / "docs" / "states.md"


def test_the_page_shows_the_engine_as_it_is() -> None:
    text = PAGE.read_text(encoding="utf-8")
    drawn = document(ways())
    assert put_into(text, drawn) == text, "`rejoin qa diagram --write docs/states.md` draws it anew"
    assert "Never entered" not in drawn


def test_a_few_worlds_do_not_take_every_way_and_the_drawing_says_so() -> None:
    few = document(ways(5))
    assert "Never entered in these worlds: " in few
    assert few.count("-->") < document(ways(200)).count("-->")


def test_a_drawing_goes_between_the_marks() -> None:
    page = put_into(PAGE.read_text(encoding="utf-8"), "DRAWN")
    assert "\n\nDRAWN\n\n" in page
    assert page.startswith("# The states of a client")
    with pytest.raises(ValueError, match="no marks"):
        put_into("nothing", "DRAWN")
