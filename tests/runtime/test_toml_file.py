"""A TOML file that a person may edit (what its two users share is tested with them)."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from rejoin.errors import BadInputError
from rejoin.runtime import toml_file
from rejoin.runtime.file_lock import turn_at
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


def set_a(document: Any) -> None:
    document["a"] = 1


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such pipes")
def test_a_pipe_is_refused_at_once_unless_a_person_names_it(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    os.mkfifo(path)
    with pytest.raises(OSError, match="not a regular file"):
        read_tables(path)
    with pytest.raises(BadInputError, match="cannot be changed: not a regular file"):
        edit_file(path, set_a, heading="", name="file")
    writer = threading.Thread(target=lambda: path.write_text("b = 2\n"))
    writer.start()
    assert read_tables(path, named=True) == {"b": 2}
    writer.join()
    assert path.is_fifo()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such devices")
@pytest.mark.parametrize("device", ["null", "zero"])
def test_a_link_to_a_device_is_neither_read_nor_followed_by_a_change(
    tmp_path: Path, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []
    monkeypatch.setattr(toml_file, "keep_file", lambda path, text: written.append(path))
    path = tmp_path / "a.toml"
    path.symlink_to(f"/dev/{device}")
    with pytest.raises(OSError, match="not a regular file"):
        read_tables(path)
    with pytest.raises(BadInputError, match="not a regular file"):
        edit_file(path, set_a, heading="", name="file")
    assert written == [], "root could replace the device"


def test_a_damaged_file_that_is_too_large_to_set_aside_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    with path.open("wb") as file:
        file.truncate(2**40)  # takes no room
    with pytest.raises(BadInputError, match="cannot be changed"):
        edit_file(path, set_a, heading="", name="file")
    assert path.stat().st_size == 2**40
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "text", [f"b = {'[' * 150}{']' * 150}\n", f"b{'.b' * 400} = 1\n"], ids=["value", "key"]
)
def test_what_can_be_read_and_not_edited_is_a_sentence_and_stays(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text(text)
    assert read_tables(path) is not None
    with pytest.raises(BadInputError, match="can read and not change"):
        edit_file(path, set_a, heading="", name="file")
    assert path.read_text() == text


def test_an_edit_that_would_leave_no_toml_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("b = [{c = 1}]\n")

    def edit(document: Any) -> None:
        table = tomlkit.table()
        table["c"] = 2
        document["b"].append(table)

    with pytest.raises(BadInputError, match="can read and not change"):
        edit_file(path, edit, heading="", name="file")
    assert path.read_text() == "b = [{c = 1}]\n"


def test_of_many_changes_at_once_none_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toml_file, "_TURN_WITHIN_S", 60.0)
    path = tmp_path / "new" / "a.toml"
    failed: list[BaseException] = []

    def change(number: int) -> None:
        try:
            edit_file(path, lambda d: d.update({f"k{number}": number}), heading="", name="file")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert read_tables(path) == {f"k{number}": number for number in range(12)}
    assert list(path.parent.iterdir()) == [path]


def test_a_change_that_waits_in_vain_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toml_file, "_TURN_WITHIN_S", 0.05)
    path = tmp_path / "a.toml"
    with turn_at(path, 0.0), pytest.raises(BadInputError, match="another Rejoin is changing it"):
        edit_file(path, set_a, heading="", name="file")
    assert not path.exists()
