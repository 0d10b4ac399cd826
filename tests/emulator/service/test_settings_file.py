"""Settings of the emulator in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from rejoin.emulator.service import settings_file
from rejoin.emulator.service.settings import EmulatorSettings
from rejoin.errors import BadInputError


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    values: dict[str, object] = {
        "notice_silent_client_s": 4.5,
        "follows_new_address": False,
        "wrong_status_error": "validation",
        "application_ids": ("a-1", 'a "2"\\'),
        "hosts": 3,
    }
    file = tmp_path / "learned.toml"
    comments = {"hosts": "two lines\nof it"}
    file.write_text(settings_file.to_text(values, comments, "Learned.\n\nToday."), "utf-8")
    assert file.read_text("utf-8").startswith("# Learned.\n#\n# Today.\n\nnotice_silent_client_s")
    assert "# two lines\n# of it\nhosts = 3\n" in file.read_text("utf-8")
    found = settings_file.read(file)
    changed = EmulatorSettings().changed(found)
    assert {name: getattr(changed, name) for name in values} == values


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("hosts = 1\nwhat", r"is not TOML: .*(at line 2|at end of document)"),
        ("nothing = 1", "no setting named nothing"),
        ("hosts = 'many'", "hosts must be a whole number"),
        ("hosts = -1", "hosts is 0 or more"),
        ("hosts = " + "1" * 70_000, "is not a TOML file of at most 64 KiB"),
        ("# a line\n" * 8_000 + "hosts = 3", "is not a TOML file of at most 64 KiB"),
    ],
)
def test_a_file_that_does_not_fit_is_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(BadInputError, match=sentence) as caught:
        settings_file.read(file)
    assert str(caught.value).startswith("mine.toml ")


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"^mine\.toml cannot be read: "):
        settings_file.read(tmp_path / "mine.toml")
