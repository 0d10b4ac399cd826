"""Files and folders of reports: whole or not at all, and an error is a sentence."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from rejoin.errors import BadInputError
from rejoin.qa import files
from rejoin.qa.files import make_folder, prepare_file, prepare_folder, read_text, write_file


def test_a_file_is_replaced_as_a_whole_and_others_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "new" / "file"
    write_file(file, "ä\n")
    write_file(file, b"second")
    assert file.read_bytes() == b"second"
    (tmp_path / "other").touch()
    assert file.stat().st_mode == (tmp_path / "other").stat().st_mode
    assert [each.name for each in file.parent.iterdir()] == ["file"]


def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "out", tmp_path / "a\0b"):
        with pytest.raises(BadInputError, match="cannot be written"):
            write_file(path, "text")
    (tmp_path / "folder" / "full").mkdir(parents=True)
    with pytest.raises(BadInputError, match="cannot be written"):
        write_file(tmp_path / "folder", "text")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "folder"]


def test_the_error_names_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    make_folder(tmp_path / "new" / "folder")
    make_folder(tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(
        BadInputError, match=r"^The folder .*file/x cannot be made: Not a directory"
    ):
        make_folder(tmp_path / "file" / "x")


def test_a_file_that_a_person_wrote_is_read_up_to_a_limit(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("a = 1", encoding="utf-8-sig")
    assert read_text(file, "a scenario") == "a = 1"
    file.write_bytes(b" " * (256 * 1024 + 1))
    with pytest.raises(BadInputError, match=r"^a\.toml is too long for a scenario\.$"):
        read_text(file, "a scenario")
    file.write_bytes(b"\xff")
    with pytest.raises(BadInputError, match=r"^a\.toml is not a scenario: it is not text\.$"):
        read_text(file, "a scenario")


def test_a_place_that_cannot_be_written_to_is_said_before(tmp_path: Path) -> None:
    prepare_folder(tmp_path / "new")
    prepare_file(tmp_path / "new" / "file")
    assert list((tmp_path / "new").iterdir()) == [], "nothing is left of the try"
    (tmp_path / "file").touch()
    with pytest.raises(BadInputError, match="cannot be made"):
        prepare_folder(tmp_path / "file")
    with pytest.raises(BadInputError, match="cannot be made"):
        prepare_file(tmp_path / "file" / "report")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_device_is_no_place_to_try() -> None:
    prepare_file(Path("/dev/full"))
    with pytest.raises(BadInputError, match="cannot be written: No space"):
        write_file(Path("/dev/full"), "text")


def test_a_full_disk_is_said_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "try_to_write", full)
    with pytest.raises(BadInputError, match="cannot be written to: No space left on device"):
        prepare_file(tmp_path / "report")
