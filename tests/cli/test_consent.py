"""Consent: at the terminal, in a dialog, beforehand with --yes, or not at all."""

from __future__ import annotations

from types import SimpleNamespace

import click
import pytest

from rejoin.cli import consent
from rejoin.errors import BadInputError
from rejoin.gui import confirmation, displays
from rejoin.runtime.studio_profile import StudioProfile
from rejoin.signaling.dialects import AWS_BUNDLE

PROFILE = StudioProfile("https://1.1.1.1/rejoin", "CANARY-token", public_only=True)
LOCAL = StudioProfile("https://127.0.0.1/rejoin", "CANARY-token", public_only=True)


@pytest.fixture
def dialog(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The questions of dialogs, on a screen where the player agrees to everything."""
    asked: list[str] = []

    def confirmed(question: str) -> bool:
        asked.append(question)
        return True

    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    monkeypatch.setattr(displays, "can_be_seen", lambda: True)
    monkeypatch.setattr(confirmation, "confirmed", confirmed)
    return asked


def test_without_a_terminal_a_dialog_asks(dialog: list[str]) -> None:
    agreed = consent.agree_to_link(PROFILE, yes=False)
    assert agreed == PROFILE
    assert dialog == ["Send your sign-in token to https://1.1.1.1:443?"]


def test_a_link_into_this_network_is_another_question(dialog: list[str]) -> None:
    agreed = consent.agree_to_link(LOCAL, yes=False)
    assert not agreed.public_only
    assert [question.rpartition(". ")[2] for question in dialog] == [
        "Connect to it?",
        "Send your sign-in token to https://127.0.0.1:443?",
    ]


def test_a_player_who_does_not_agree_ends_it(
    dialog: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirmation, "confirmed", lambda question: False)
    with pytest.raises(click.exceptions.Abort):
        consent.agree_to_link(PROFILE, yes=False)


@pytest.mark.parametrize("stdin", [None, SimpleNamespace(isatty=lambda: False)])
def test_where_nobody_can_be_asked_nothing_is_agreed_to(
    monkeypatch: pytest.MonkeyPatch, stdin: object
) -> None:
    monkeypatch.setattr("sys.stdin", stdin)
    with pytest.raises(BadInputError, match="Add --yes to send it"):
        consent.agree_to_link(PROFILE, yes=False)
    with pytest.raises(BadInputError, match="Add --yes to connect to it"):
        consent.agree_to_link(LOCAL, yes=False)


def test_yes_asks_nothing(dialog: list[str]) -> None:
    consent.agree_to_link(LOCAL, yes=True)
    consent.agree_to_token(PROFILE, "A ticket.", yes=True)
    assert dialog == []


def test_without_a_token_there_is_no_question_about_it(dialog: list[str]) -> None:
    without = StudioProfile(PROFILE.backend_url, "CANARY-token", dialect=AWS_BUNDLE)
    assert without.token is None
    consent.agree_to_link(without, yes=False)
    consent.agree_to_token(without, "A ticket.", yes=False)
    assert dialog == []
