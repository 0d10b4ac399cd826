"""What was put into a build; a checkout has nothing of it and asks nobody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers.signed_feeds import Signer
from rejoin import assets
from rejoin.errors import BadInputError, RejoinError
from rejoin.runtime.updates.build_info import NAME, UpdateSource, read_source, update_source

URL = "https://rejoin.example/updates/feed.json"
SIGNER = Signer()


def text(**changes: object) -> str:
    return json.dumps({"updates_url": URL, "updates_key": SIGNER.line, **changes})


def test_a_checkout_asks_nobody() -> None:
    assert update_source() is None


def test_a_build_has_an_address_and_a_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(assets, "_PLACES", (tmp_path,))
    (tmp_path / NAME).write_text(text())
    assert update_source() == UpdateSource(URL, SIGNER.key)


def test_a_build_may_have_neither() -> None:
    assert read_source("{}") is None


@pytest.mark.parametrize(
    "content",
    [
        text(updates_url=None),
        text(updates_key=None),
        text(updates_key="RWT"),
        text(updates_url="http://rejoin.example/feed.json"),
        text(updates_url="https://rejoin.example/feed.json?user=1"),
        text(updates_url=5),
        "[]",
        "",
    ],
)
def test_what_cannot_be_used_is_refused(content: str) -> None:
    with pytest.raises(RejoinError):
        read_source(content)


def test_a_broken_one_is_said_once_in_the_log_and_asks_nobody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(assets, "_PLACES", (tmp_path,))
    (tmp_path / NAME).write_text("[]")
    assert update_source() is None
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_half_of_it_is_a_sentence() -> None:
    with pytest.raises(BadInputError, match="without a key"):
        read_source(text(updates_key=None))
