"""Sentences that may be seen by others name no studio and no whole address."""

from __future__ import annotations

import pytest

from rejoin.gui.hidden_hosts import without_host

URL = "https://play.studio.example:8443/v2"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The backend at play.studio.example:8443 is away.", "The backend at [hidden] is away."),
        (f"Open {URL} there.", "Open [hidden] there."),
        ("There is no host play.studio.example.", "There is no host [hidden]."),
        ("https://play.studio.example:8443/v1/about", "[hidden]/v1/about"),
        ("Nothing is wrong.", "Nothing is wrong."),
    ],
)
def test_the_host_is_not_there_however_it_is_written(text: str, shown: str) -> None:
    assert without_host(text, URL) == shown


def test_addresses_are_shortened() -> None:
    shown = without_host("play.studio.example has one address: 203.0.113.77.", URL)
    assert "203.0.113.77" not in shown
    assert shown.startswith("[hidden] has one address")


def test_what_is_no_url_is_taken_as_it_is() -> None:
    assert without_host("Not at http://[x here.", "http://[x") == "Not at [hidden] here."
