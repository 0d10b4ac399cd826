"""Nothing that leads to the player stays in a text that they give away."""

from __future__ import annotations

import pytest

from rejoin.gui.shared_text import shared_text

HOME = "/home/anna"
COMPUTER = "anna-laptop"


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", HOME)
    monkeypatch.setenv("USERPROFILE", HOME)


def shared(text: str) -> str:
    return shared_text(text, computer=COMPUTER)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The file /home/anna/studio/ca.pem is gone.", "The file ~/studio/ca.pem is gone."),
        ("The file /home/bert/ca.pem is gone.", "The file ~/ca.pem is gone."),
        ("file:///home/anna/ca.pem", "file://~/ca.pem"),
        (r"C:\Users\Anna\AppData\rejoin.toml", r"~\AppData\rejoin.toml"),
        ("/Users/anna/Library/ca.pem", "~/Library/ca.pem"),
        (r"C:\\Users\\Anna\\x", r"~\\x"),
        ("anna-laptop.local did not answer", "[this computer] did not answer"),
        ("ANNA-LAPTOP: refused", "[this computer]: refused"),
        (
            "https://anna:hunter2@play.example/x?session=abc&token=t",
            "https://[secret]@play.example/x?session=[secret]&token=[secret]",
        ),
        ("Bearer abcdefgh", "Bearer [secret]"),
        ("http://192.0.2.77/ and [2001:db8::1]:443", "http://192.x.x.x/ and [[ipv6]]:443"),
        (
            "arn:aws:gameliftstreams:us-west-2:123456789012:streamsession/sg-1AB2C3De4/ABC12def",
            "arn:aws:gameliftstreams:us-west-2:[account]:streamsession/[session]",
        ),
        ("sg-1AB2C3De4/ABC123def was not found", "[session] was not found"),
        ("0f9e8d7c-1234-4abc-9def-001122334455 is gone", "[session] is gone"),
        ("session_id=abc123, status=ACTIVE", "session_id=[session], status=ACTIVE"),
        ("'session-id': 'abc123'", "'session-id': '[session]'"),
        ("0f9e8d7c12344abc9def0011", "[session]"),
    ],
)
def test_what_leads_to_somebody_is_taken_out(text: str, shown: str) -> None:
    assert shared(text) == shown
    assert shared(shown) == shown, "nothing more is lost by sharing it twice"


@pytest.mark.parametrize(
    "text",
    [
        "Code: RJ-GAME-ENDED / reconnectionTimeout",
        "The backend at play.studio.example could not be reached.",
        "System: Linux 6.1.0-28-amd64 x86_64",
        "Written: 2026-11-30T12:00:00+00:00",
        "picture    1920x1080, 60 fps, H.264 in software",
        "at home or with users",
    ],
)
def test_what_a_studio_needs_stays(text: str) -> None:
    """The name of its own server as well."""
    assert shared(text) == text


@pytest.mark.parametrize("computer", ["", "pc", "localhost"])
def test_names_that_could_be_anything_change_nothing(computer: str) -> None:
    text = "The game on this pc at localhost has ended."
    assert shared_text(text, computer=computer) == text


def test_this_machines_own_names_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.node", lambda: "gaming-tower.example")
    monkeypatch.setenv("HOME", "/srv/people/anna")
    monkeypatch.setenv("USERPROFILE", "/srv/people/anna")
    assert shared_text("/srv/people/anna/x on gaming-tower") == "~/x on [this computer]"
