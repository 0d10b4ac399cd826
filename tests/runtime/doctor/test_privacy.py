"""What a report shows: no secrets, whole addresses, user names or control characters."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath

import pytest

from rejoin.language import Message
from rejoin.runtime.doctor.privacy import shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/canary/.config/rejoin", "~/.config/rejoin"),
        ("/Users/canary/Library", "~/Library"),
        (r"C:\Users\canary\AppData", r"~\AppData"),
        ("from 203.0.113.9", "from 203.x.x.x"),
        ("Bearer CANARY-token", "Bearer [secret]"),
        ("https://canary:canary@studio.example/x", "https://[secret]@studio.example/x"),
        ("plain", "plain"),
    ],
)
def test_what_is_removed(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_a_message_can_still_be_translated() -> None:
    found = shown(Message("The file {file} at {host}.", file="/home/canary/x", host="203.0.113.9"))
    assert found == "The file ~/x at 203.x.x.x."
    assert isinstance(found, Message)
    assert found.text == "The file {file} at {host}."
    inner = Message("The {what}.", what=Message("certificate of {host}", host="203.0.113.9"))
    assert isinstance(shown(inner), Message)
    whole = shown(Message("password: {value}", value="hush"))
    assert "hush" not in whole
    assert not isinstance(whole, Message)


def test_nothing_controls_a_terminal() -> None:
    assert "\x1b" not in shown("\x1b[2J")


def test_an_odd_home_folder_is_shortened_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/srv/people/canary"))
    assert shown("/srv/people/canary/.local") == "~/.local"
    assert shown("/srv/people/canary2/.local") == "/srv/people/canary2/.local"
    monkeypatch.setattr(Path, "home", lambda: Path("/"))
    assert shown("/etc/rejoin") == "/etc/rejoin"


@pytest.mark.parametrize("separator", ["\\", "\\\\", "/"])
def test_a_home_folder_of_windows_is_known_in_each_spelling(
    separator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: PureWindowsPath(r"C:\Users\Canary Bird"))
    path = separator.join(("c:", "Users", "Canary Bird", "ca.pem"))
    assert shown(f"No {path} here") == f"No ~{separator}ca.pem here"


def test_without_a_home_folder_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", missing)
    assert shown("x") == "x"
