"""A TOML file that a person may edit (what its two users share is tested with them)."""

from __future__ import annotations

from pathlib import Path

import pytest

from rejoin.errors import BadInputError
from rejoin.runtime.toml_file import edit_file, read_tables


def test_no_file_is_no_tables(tmp_path: Path) -> None:
    assert read_tables(tmp_path / "a.toml") is None


def test_a_new_file_begins_with_its_heading(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    edit_file(path, lambda document: document.update({"a": 1}), heading="# It\n", name="file")
    assert path.read_text().startswith("# It\n")
    assert read_tables(path) == {"a": 1}


def test_an_edit_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("a = 1 # mine\n")

    def edit(document: dict[str, int]) -> None:
        document["a"] = 2
        raise BadInputError("No.")

    with pytest.raises(BadInputError, match="No"):
        edit_file(path, edit, heading="", name="file")
    assert path.read_text() == "a = 1 # mine\n"
